// ---- Layer after layer.

inline void activated(int activation, float* y, std::size_t n)
{
  switch (activation) {
@ACTIVATIONS@
  default: return;
  }
}

// Scratch memory that a layer of H units needs, whatever its kind.
constexpr std::size_t any_scratch(std::size_t H) { return std::max(lstm_scratch(H), gru_scratch(H)); }

// x has `inputs` values; `work` has room for twice the `widest` output and a layer's scratch memory. Returns where the
// last output lies; a null pointer where there is a NaN among x.
inline const float* run(const Layer* layers, std::size_t count, const float* arrays, const float* x, std::size_t inputs,
                        float* work, std::size_t widest)
{
  if (any_nan(x, inputs))
    return nullptr;
  float *y = work, *next = work + widest, *const scratch = next + widest;
  for (std::size_t n = 0; n < count; ++n) {
    const Layer& l = layers[n];
    const float *const W = arrays + l.W, *const U = arrays + l.U, *const b = arrays + l.b;
    const Steps steps{l.T, l.D, l.H, l.sequence};
    switch (l.kind) {
    case Kind::Rnn: rnn(steps, W, U, b, x, y, scratch); break;
    case Kind::Lstm: lstm(steps, W, U, b, x, y, scratch); break;
    case Kind::Gru: gru(steps, l.reset_after, W, U, arrays + l.Uc, b, x, y, scratch); break;
    case Kind::Dense:
      dense(steps, W, b, x, y);
      activated(l.activation, y, l.H);
      break;
    case Kind::DenseNarrow:
      dense_narrow(l.D, l.H, W, b, x, y);
      activated(l.activation, y, l.H);
      break;
    case Kind::BatchNorm: batch_norm(l.D, W, U, b, x, y); break;
    }
    x = y;
    std::swap(y, next);
  }
  return x;
}
