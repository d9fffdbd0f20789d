// ---- How layers stand in a weight file: their kind, their gates, and what each matrix holds, whatever it is called.

struct Matrix {
  const char *tag, *array;
};

struct Format {
  const char *kind, *gates;
  std::vector<Matrix> matrices;
};
