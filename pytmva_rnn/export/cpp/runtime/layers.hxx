// ---- Layers. Weights are stored input by input, the units of all gates side by side; x is time-major. Each takes
// scratch memory of as many floats as the function beside it says.

PYTMVA_RNN_INLINE float* zeroed(float* p, std::size_t n)
{
  std::memset(p, 0, n * sizeof(float));
  return p;
}

// What is to be done with each vector of n values; several in a row, for their constants to be loaded once.
template <std::size_t Most, class Body>
PYTMVA_RNN_INLINE void for_each_vector(std::size_t n, const Body& body, std::size_t u = 0)
{
  if constexpr (Most == 4) {
    for (; u + 3 * lanes < n; u += 4 * lanes) {
      body.at(u);
      body.at(u + lanes);
      body.at(u + 2 * lanes);
      body.at(u + 3 * lanes);
    }
  }
  for (; u + lanes < n; u += 2 * lanes) {
    body.at(u);
    body.at(u + lanes);
  }
  if (u < n)
    body.at(u);
}

PYTMVA_RNN_INLINE bool any_nan(const float* x, std::size_t n)
{
  const std::size_t whole = n / lanes * lanes;
  float rest[lanes] = {};
  std::memcpy(rest, x + whole, (n - whole) * sizeof(float));
  const Bits found = nan_signs(x, whole) | nan_signs(rest);
  std::int32_t signs[lanes], any = 0;
  std::memcpy(signs, &found, sizeof signs);
  for (const std::int32_t sign : signs)
    any |= sign;
  return any < 0;
}

// T steps of D inputs each, H units.
struct Steps {
  std::size_t T, D, H;
  bool sequence;
  std::size_t row() const { return padded(H); }  // floats that the units take
  template <std::size_t Gates>
  Columns columns() const
  {
    return Columns(Gates * H);
  }
  template <std::size_t Most, class Body>
  PYTMVA_RNN_INLINE void each_vector(const Body& body) const
  {
    for_each_vector<Most>(H, body);
  }
};

struct Copied {
  const float* h;
  float* y;
  PYTMVA_RNN_INLINE void at(std::size_t u) const { store(load(h + u), y + u); }
};

// The last vector may end beyond the states, where the next step's go, or nothing.
template <class S>
PYTMVA_RNN_INLINE void put(const float* h, const S& n, std::size_t t, float* y)
{
  if (n.sequence)
    n.template each_vector<2>(Copied{h, y + t * n.H});
  else if (t + 1 == n.T)
    n.template each_vector<2>(Copied{h, y});
}

// h = tanh(W x + U h + b)
struct RnnUnits {
  const float* a;
  float* h;
  PYTMVA_RNN_INLINE void at(std::size_t u) const { store(tanh(load(a + u)), h + u); }
};

constexpr std::size_t rnn_scratch(std::size_t H) { return 4 * padded(H); }
template <class S>
PYTMVA_RNN_INLINE void rnn(const S& n, const float* W, const float* U, const float* b, const float* x, float* y,
                          float* scratch)
{
  float *const h = zeroed(scratch, n.row()), *const a = h + n.row();
  const auto columns = n.template columns<1>();
  Affine of{b, W, x, n.D, U, h, n.H, n.row()};
  for (std::size_t t = 0; t < n.T; ++t, of.x += n.D) {
    columns.step(of, t, n.T, a);
    n.template each_vector<4>(RnnUnits{a, h});
    put(h, n, t, y);
  }
}

// i, f, o = sigmoid(W x + U h + b), g = tanh(...); c = f c + i g, h = o tanh(c)
struct LstmUnits {
  const float* a;
  std::size_t H;
  float *c, *h;
  PYTMVA_RNN_INLINE void at(std::size_t u) const
  {
    const Vector i = sigmoid(load(a + u)), f = sigmoid(load(a + H + u));
    const Vector g = tanh(load(a + 2 * H + u)), o = sigmoid(load(a + 3 * H + u));
    const Vector cell = madd(f, load(c + u), i * g);
    store(cell, c + u);
    store(o * tanh(cell), h + u);
  }
};

// The last gate's last vector may end beyond the gates.
constexpr std::size_t lstm_scratch(std::size_t H) { return 2 * padded(H) + padded(4 * H) + 16; }
template <class S>
PYTMVA_RNN_INLINE void lstm(const S& n, const float* W, const float* U, const float* b, const float* x, float* y,
                           float* scratch)
{
  const std::size_t H = n.H;
  float *const h = zeroed(scratch, lstm_scratch(H)), *const c = h + padded(H), *const a = c + padded(H);
  const auto columns = n.template columns<4>();
  Affine of{b, W, x, n.D, U, h, H, padded(4 * H)};
  for (std::size_t t = 0; t < n.T; ++t, of.x += n.D) {
    columns.affine(of, a);
    n.template each_vector<2>(LstmUnits{a, H, c, h});
    put(h, n, t, y);
  }
}

// r, z = sigmoid(W x + U h + b); g = tanh(W_c x + U_c (r h) + b_c), or with the reset gate after the product
// tanh(W_c x + r (U_c h) + b_c); h = z h + (1 - z) g
struct GruReset {  // r times h, or what U_c makes of it
  const float *a, *s, *of;
  float* to;
  PYTMVA_RNN_INLINE void at(std::size_t u) const { store(sigmoid(load(a + u) + load(s + u)) * load(of + u), to + u); }
};

struct GruUnits {
  const float *a, *s, *p;
  std::size_t H;
  float* h;
  PYTMVA_RNN_INLINE void at(std::size_t u) const
  {
    const Vector z = sigmoid(load(a + H + u) + load(s + H + u));
    const Vector g = tanh(load(a + 2 * H + u) + load(p + u));
    store(madd(z, load(h + u), (1.0f - z) * g), h + u);
  }
};

struct GruResetUnits {
  GruReset reset;
  GruUnits units;
  PYTMVA_RNN_INLINE void at(std::size_t u) const
  {
    reset.at(u);
    units.at(u);
  }
};

constexpr std::size_t gru_scratch(std::size_t H) { return 3 * padded(H) + 2 * padded(2 * H) + 2 * padded(3 * H) + 32; }
template <class S>
PYTMVA_RNN_INLINE void gru(const S& n, bool reset_after, const float* W, const float* U, const float* Uc,
                          const float* b, const float* x, float* y, float* scratch)
{
  const std::size_t H = n.H;
  float *const h = zeroed(scratch, gru_scratch(H)), *const rh = h + padded(H), *const p = rh + padded(H);
  float *const s = p + padded(H), *const zero = s + padded(2 * H) + 16, *const of_inputs = zero + padded(2 * H);
  const auto inputs = n.template columns<3>();
  const auto gates = n.template columns<2>();
  const auto candidate = n.template columns<1>();
  Affine of_x{b, W, x, n.D, nullptr, nullptr, 0, padded(3 * H)};
  const Affine of_h{zero, U, h, H, nullptr, nullptr, 0, padded(2 * H)};
  const Affine of_reset{zero, Uc, reset_after ? h : rh, H, nullptr, nullptr, 0, padded(H)};
  for (std::size_t t = 0; t < n.T; ++t, of_x.x += n.D) {
    const float* const a = inputs.inputs(of_x, t, n.T, of_inputs);
    const GruUnits units{a, s, p, H, h};
    gates.affine(of_h, s);
    if (!reset_after) {
      n.template each_vector<4>(GruReset{a, s, h, rh});
      candidate.affine(of_reset, p);
      n.template each_vector<4>(units);
    } else {
      candidate.affine(of_reset, p);
      n.template each_vector<2>(GruResetUnits{{a, s, p, p}, units});
    }
    put(h, n, t, y);
  }
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
  static PYTMVA_RNN_INLINE Vector of(Vector x)
  {
    float values[lanes];
    store(x, values);
    for (float& value : values)
      value = std::exp(-value * value);
    return load(values);
  }
};

template <class Activation>
struct Activated {
  float* y;
  PYTMVA_RNN_INLINE void at(std::size_t u) const { store(Activation::of(load(y + u)), y + u); }
};

template <class Activation>
PYTMVA_RNN_INLINE void activate(float* y, std::size_t n)
{
  for_each_vector<4>(n, Activated<Activation>{y});
}

// W x + b
template <class S>
PYTMVA_RNN_INLINE void dense(const S& n, const float* W, const float* b, const float* x, float* y)
{
  n.template columns<1>().affine({b, W, x, n.D, nullptr, nullptr, 0, padded(n.H)}, y);
}

// parts += w x for 16 values
PYTMVA_RNN_INLINE void add_products(Vector* parts, const float* w, const float* x)
{
  for (std::size_t v = 0; v < 16 / lanes; ++v)
    parts[v] = madd(load(w + v * lanes), load(x + v * lanes), parts[v]);
}

// The same for a few units, whose weights are stored unit by unit.
PYTMVA_RNN_INLINE void dense_narrow(std::size_t N, std::size_t F, const float* W, const float* b, const float* x,
                                   float* y)
{
  const std::size_t whole = N / 16 * 16;
  float rest[16] = {};
  for (std::size_t k = whole; k < N; ++k)
    rest[k - whole] = x[k];
  zeroed(y, padded(F));
  for (std::size_t f = 0; f < F; ++f) {
    const float* w = W + f * padded(N);
    Vector parts[16 / lanes] = {};
    for (std::size_t k = 0; k < whole; k += 16)
      add_products(parts, w + k, x + k);
    if (whole < N)
      add_products(parts, w + whole, rest);
    float sums[16];
    for (std::size_t v = 0; v < 16 / lanes; ++v)
      store(parts[v], sums + v * lanes);
    for (std::size_t half = 8; half > 0; half /= 2)
      for (std::size_t k = 0; k < half; ++k)
        sums[k] += sums[k + half];
    y[f] = b[f] + sums[0];
  }
}

PYTMVA_RNN_INLINE void batch_norm(std::size_t N, const float* mean, const float* scale, const float* shift,
                                 const float* x, float* y)
{
  const std::size_t whole = N / lanes * lanes;
  for (std::size_t k = 0; k < whole; k += lanes)
    store(madd(load(x + k) - load(mean + k), load(scale + k), load(shift + k)), y + k);
  float rest[lanes] = {};
  for (std::size_t k = whole; k < N; ++k)
    rest[k - whole] = x[k];
  if (whole < N)
    store(madd(load(rest) - load(mean + whole), load(scale + whole), load(shift + whole)), y + whole);
}
