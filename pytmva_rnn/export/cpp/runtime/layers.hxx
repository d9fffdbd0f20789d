// ---- Layers. Weights are stored input by input, the units of all gates side by side; x is time-major.

// h = tanh(W x + U h + b)
template <std::size_t T, std::size_t D, std::size_t H, bool Sequence>
inline void rnn(const float* W, const float* U, const float* b, const float* x, float* y)
{
  alignas(64) float h[padded(H)] = {}, a[padded(H)];
  for (std::size_t t = 0; t < T; ++t) {
    affine<H>(b, W, x + t * D, D, U, h, H, a);
    for (std::size_t u = 0; u < H; u += lanes)
      store(tanh(load(a + u)), h + u);
    if (Sequence)
      std::memcpy(y + t * H, h, H * sizeof(float));
  }
  if (!Sequence)
    std::memcpy(y, h, H * sizeof(float));
}

// i, f, o = sigmoid(W x + U h + b), g = tanh(...); c = f c + i g, h = o tanh(c)
template <std::size_t T, std::size_t D, std::size_t H, bool Sequence>
inline void lstm(const float* W, const float* U, const float* b, const float* x, float* y)
{
  // the last gate's last vector may end beyond the gates
  alignas(64) float h[padded(H)] = {}, c[padded(H)] = {}, a[padded(4 * H) + 16] = {};
  for (std::size_t t = 0; t < T; ++t) {
    affine<4 * H>(b, W, x + t * D, D, U, h, H, a);
    for (std::size_t u = 0; u < H; u += lanes) {
      const Vector i = sigmoid(load(a + u)), f = sigmoid(load(a + H + u));
      const Vector g = tanh(load(a + 2 * H + u)), o = sigmoid(load(a + 3 * H + u));
      const Vector cell = f * load(c + u) + i * g;
      store(cell, c + u);
      store(o * tanh(cell), h + u);
    }
    if (Sequence)
      std::memcpy(y + t * H, h, H * sizeof(float));
  }
  if (!Sequence)
    std::memcpy(y, h, H * sizeof(float));
}

// r, z = sigmoid(W x + U h + b); g = tanh(W_c x + U_c (r h) + b_c), or with the reset gate after the product
// tanh(W_c x + r (U_c h) + b_c); h = z h + (1 - z) g
template <std::size_t T, std::size_t D, std::size_t H, bool Sequence, bool ResetAfter>
inline void gru(const float* W, const float* U, const float* Uc, const float* b, const float* x, float* y)
{
  alignas(64) static constexpr float zero[padded(2 * H)] = {};
  alignas(64) float h[padded(H)] = {}, rh[padded(H)], p[padded(H)], s[padded(2 * H) + 16] = {};
  alignas(64) float a[padded(3 * H) + 16] = {};
  for (std::size_t t = 0; t < T; ++t) {
    affine<3 * H>(b, W, x + t * D, D, nullptr, nullptr, 0, a);
    affine<2 * H>(zero, U, h, H, nullptr, nullptr, 0, s);
    if (!ResetAfter) {
      for (std::size_t u = 0; u < H; u += lanes)
        store(sigmoid(load(a + u) + load(s + u)) * load(h + u), rh + u);
      affine<H>(zero, Uc, rh, H, nullptr, nullptr, 0, p);
    } else {
      affine<H>(zero, Uc, h, H, nullptr, nullptr, 0, p);
      for (std::size_t u = 0; u < H; u += lanes)
        store(sigmoid(load(a + u) + load(s + u)) * load(p + u), p + u);
    }
    for (std::size_t u = 0; u < H; u += lanes) {
      const Vector z = sigmoid(load(a + H + u) + load(s + H + u));
      const Vector g = tanh(load(a + 2 * H + u) + load(p + u));
      store(z * load(h + u) + (1.0f - z) * g, h + u);
    }
    if (Sequence)
      std::memcpy(y + t * H, h, H * sizeof(float));
  }
  if (!Sequence)
    std::memcpy(y, h, H * sizeof(float));
}

struct Linear {
  static PYTMVA_RNN_INLINE Vector of(Vector x) { return x; }
};
struct Relu {
  static PYTMVA_RNN_INLINE Vector of(Vector x) { return x < Vector{} ? Vector{} : x; }
};
struct Sigmoid {
  static PYTMVA_RNN_INLINE Vector of(Vector x) { return sigmoid(x); }
};
struct Tanh {
  static PYTMVA_RNN_INLINE Vector of(Vector x) { return tanh(x); }
};
struct SymmRelu {
  static PYTMVA_RNN_INLINE Vector of(Vector x) { return x < Vector{} ? -x : x; }
};
struct SoftSign {
  static PYTMVA_RNN_INLINE Vector of(Vector x) { return x / (1.0f + SymmRelu::of(x)); }
};
struct Gauss {
  static inline Vector of(Vector x)
  {
    float values[lanes];
    store(x, values);
    for (float& value : values)
      value = std::exp(-value * value);
    return load(values);
  }
};

// activation(W x + b) with F units
template <std::size_t N, std::size_t F, class Activation>
inline void dense(const float* W, const float* b, const float* x, float* y)
{
  affine<F>(b, W, x, N, nullptr, nullptr, 0, y);
  for (std::size_t u = 0; u < F; u += lanes)
    store(Activation::of(load(y + u)), y + u);
}

// The same for a few units, whose weights are stored unit by unit.
template <std::size_t N, std::size_t F, class Activation>
inline void dense_narrow(const float* W, const float* b, const float* x, float* y)
{
  constexpr std::size_t whole = N / lanes * lanes;
  for (std::size_t u = 0; u < padded(F); ++u)
    y[u] = 0;
  for (std::size_t f = 0; f < F; ++f) {
    const float* w = W + f * padded(N);
    Vector sums = {};
    for (std::size_t k = 0; k < whole; k += lanes)
      sums += load(w + k) * load(x + k);
    float parts[lanes], sum = b[f];
    store(sums, parts);
    for (float part : parts)
      sum += part;
    for (std::size_t k = whole; k < N; ++k)
      sum += w[k] * x[k];
    y[f] = sum;
  }
  for (std::size_t u = 0; u < F; u += lanes)
    store(Activation::of(load(y + u)), y + u);
}

template <std::size_t N>
inline void batch_norm(const float* mean, const float* scale, const float* shift, const float* x, float* y)
{
  for (std::size_t k = 0; k < N; ++k)
    y[k] = (x[k] - mean[k]) * scale[k] + shift[k];
}
