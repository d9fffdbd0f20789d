// ---- Layers whose sizes are known to the compiler, with scratch memory of their own.

// N columns, where the compiler knows how many.
template <std::size_t N>
struct FixedColumns {
  PYTMVA_RNN_INLINE void affine(const Affine& a, float* y) const
  {
    constexpr std::size_t once = summed_once(N), tiles = once / (tile * lanes) * (tile * lanes);
    for (std::size_t j = 0; j < tiles; j += tile * lanes)
      affine_tile<false, tile>(a, j, y);
    if constexpr (tiles < once)
      affine_tile<false, vectors(once - tiles)>(a, tiles, y);
    if constexpr (once < N)
      affine_tile<true, vectors(N - once)>(a, once, y);
  }
  PYTMVA_RNN_INLINE const float* inputs(const Affine& a, std::size_t, std::size_t, float* y) const
  {
    affine(a, y);
    return y;
  }
  PYTMVA_RNN_INLINE void step(const Affine& a, std::size_t, std::size_t, float* y) const { affine(a, y); }
};

template <std::size_t Count, std::size_t Inputs, std::size_t Units, bool Sequence>
struct FixedSteps {
  static constexpr bool sequence = Sequence;
  static constexpr std::size_t T = Count, D = Inputs, H = Units;
  static constexpr std::size_t row() { return padded(H); }
  template <std::size_t Gates>
  constexpr FixedColumns<Gates * H> columns() const
  {
    return {};
  }
  template <std::size_t Most, class Body>
  PYTMVA_RNN_INLINE void each_vector(const Body& body) const
  {
    for_each_vector<Most>(H, body);
  }
};

template <std::size_t T, std::size_t D, std::size_t H, bool Sequence>
inline void rnn(const float* W, const float* U, const float* b, const float* x, float* y)
{
  alignas(64) float scratch[rnn_scratch(H)];
  rnn(FixedSteps<T, D, H, Sequence>{}, W, U, b, x, y, scratch);
}

template <std::size_t T, std::size_t D, std::size_t H, bool Sequence>
inline void lstm(const float* W, const float* U, const float* b, const float* x, float* y)
{
  alignas(64) float scratch[lstm_scratch(H)];
  lstm(FixedSteps<T, D, H, Sequence>{}, W, U, b, x, y, scratch);
}

template <std::size_t T, std::size_t D, std::size_t H, bool Sequence, bool ResetAfter>
inline void gru(const float* W, const float* U, const float* Uc, const float* b, const float* x, float* y)
{
  alignas(64) float scratch[gru_scratch(H)];
  gru(FixedSteps<T, D, H, Sequence>{}, ResetAfter, W, U, Uc, b, x, y, scratch);
}

template <std::size_t N, std::size_t F, class Activation>
inline void dense(const float* W, const float* b, const float* x, float* y)
{
  dense(FixedSteps<1, N, F, false>{}, W, b, x, y);
  activate<Activation>(y, F);
}

template <std::size_t N, std::size_t F, class Activation>
inline void dense_narrow(const float* W, const float* b, const float* x, float* y)
{
  dense_narrow(N, F, W, b, x, y);
  activate<Activation>(y, F);
}

template <std::size_t N>
inline void batch_norm(const float* mean, const float* scale, const float* shift, const float* x, float* y)
{
  batch_norm(N, mean, scale, shift, x, y);
}
