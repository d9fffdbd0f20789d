// ---- Layer after layer.

inline void activated(int activation, float* y, std::size_t n)
{
  switch (activation) {
@ACTIVATIONS@
  default: return;
  }
}

// Layers of few units, whose sums are one tile: it stands in the loop over the steps, and its sums stay in registers for
// the activation. See `Columns` for what is done.
template <std::size_t Count>
struct FewColumns {
  PYTMVA_RNN_INLINE void step(const Affine& a, std::size_t t, std::size_t T, float* y) const
  {
    float* const sums = y + a.stride;
    if (t % 2 == 0) {
      if (t + 1 < T)
        affine_pair<true, Count>(a, sums);
      else
        tile_of<true, Count>({a.b, a.W, a.x, a.inputs, nullptr, nullptr, 0, a.stride}, 0, sums);
    }
    affine_tile<true, Count>({sums + t % 2 * a.stride, a.U, a.h, a.states, nullptr, nullptr, 0, a.stride}, 0, y);
  }
};

template <std::size_t Count>
struct FewSteps : Steps {
  explicit FewSteps(const Steps& steps) : Steps(steps) {}
  static constexpr std::size_t row() { return padded(Count * lanes); }
  template <std::size_t Gates>
  FewColumns<Gates * Count> columns() const
  {
    return {};
  }
  template <std::size_t Most, class Body>
  PYTMVA_RNN_INLINE void each_vector(const Body& body) const
  {
    at_all(body, std::make_index_sequence<Count>{});
  }

private:
  template <class Body, std::size_t... I>
  static PYTMVA_RNN_INLINE void at_all(const Body& body, std::index_sequence<I...>)
  {
    (body.at(I * lanes), ...);
  }
};

// That of as few vectors as there are, at most Most.
template <std::size_t Most>
void rnn_of(const Steps& n, const float* W, const float* U, const float* b, const float* x, float* y, float* scratch)
{
  if constexpr (Most == 0)
    rnn(n, W, U, b, x, y, scratch);
  else if (vectors(n.H) == Most)
    rnn(FewSteps<Most>(n), W, U, b, x, y, scratch);
  else
    rnn_of<Most - 1>(n, W, U, b, x, y, scratch);
}

// Scratch memory that a layer of H units needs, whatever its kind.
constexpr std::size_t any_scratch(std::size_t H) { return std::max({rnn_scratch(H), lstm_scratch(H), gru_scratch(H)}); }

// One layer. By itself: in the loop over the layers, a compiler prepares what each of them needs before any is run.
inline void run_layer(const Layer& l, const float* arrays, const float* x, float* y, float* scratch)
{
  const float *const W = arrays + l.W, *const U = arrays + l.U, *const b = arrays + l.b;
  const Steps steps{l.T, l.D, l.H, l.sequence};
  switch (l.kind) {
  case Kind::Rnn: return rnn_of<paired ? most : 0>(steps, W, U, b, x, y, scratch);
  case Kind::Lstm: return lstm(steps, W, U, b, x, y, scratch);
  case Kind::Gru: return gru(steps, l.reset_after, W, U, arrays + l.Uc, b, x, y, scratch);
  case Kind::Dense: dense(steps, W, b, x, y); return activated(l.activation, y, l.H);
  case Kind::DenseNarrow: dense_narrow(l.D, l.H, W, b, x, y); return activated(l.activation, y, l.H);
  case Kind::BatchNorm: return batch_norm(l.D, W, U, b, x, y);
  }
}

// x has `inputs` values; `work` has room for twice the `widest` output and a layer's scratch memory. Returns where the
// last output lies; a null pointer where there is a NaN among x.
inline const float* run(const Layer* layers, std::size_t count, const float* arrays, const float* x, std::size_t inputs,
                        float* work, std::size_t widest)
{
  if (any_nan(x, inputs))
    return nullptr;
  float *y = work, *next = work + widest, *const scratch = next + widest;
  for (std::size_t n = 0; n < count; ++n) {
    run_layer(layers[n], arrays, x, y, scratch);
    x = y;
    std::swap(y, next);
  }
  return x;
}
