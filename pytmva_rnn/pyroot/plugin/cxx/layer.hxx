// ---- A layer as all CPUs run it.

enum class Kind { Rnn, Lstm, Gru, Dense, DenseNarrow, BatchNorm };

struct Layer {
  Kind kind{};
  std::size_t T = 1, D = 0, H = 0;  // steps, inputs of each (all of a dense layer's), units
  bool sequence = false, reset_after = false;
  int activation = 0;  // TMVA's number
  std::size_t outputs = 0;
  // Offsets of the arrays in the network's memory; of a batch normalisation mean, scale and shift.
  std::size_t W = 0, U = 0, Uc = 0, b = 0;
};
