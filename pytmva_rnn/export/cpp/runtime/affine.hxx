// ---- Products of matrices and vectors, some columns at a time.

// W^T x + U^T h + b; x has `inputs` values, h `states`, and rows are `stride` apart.
struct Affine {
  const float *b, *W, *x;
  std::size_t inputs;
  const float *U, *h;
  std::size_t states, stride;
};
