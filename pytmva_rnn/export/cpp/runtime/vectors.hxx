// ---- Vectors of floats, as wide as the CPU that is compiled for; single floats for other compilers.

#if defined(__GNUC__)
typedef float Vector __attribute__((vector_size(4 * PYTMVA_RNN_LANES)));
#else
using Vector = float;
#endif
constexpr std::size_t lanes = PYTMVA_RNN_LANES;

// Rows of weights and all scratch arrays have a multiple of 16 floats, so that any width fits.
constexpr std::size_t padded(std::size_t n) { return (n + 15) / 16 * 16; }
constexpr std::size_t vectors(std::size_t n) { return (n + lanes - 1) / lanes; }

PYTMVA_RNN_INLINE Vector load(const float* p)
{
  Vector v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

PYTMVA_RNN_INLINE void store(Vector v, float* p) { std::memcpy(p, &v, sizeof v); }

PYTMVA_RNN_INLINE Vector all(float s) { return s - Vector{}; }

// The minimax rational function of degrees 13 and 6; error at most 4e-7. The comparisons let a NaN pass.
PYTMVA_RNN_INLINE Vector tanh(Vector x)
{
  const Vector top = all(7.90531110763549805f), bottom = all(-7.90531110763549805f);
  x = x > top ? top : x;
  x = x < bottom ? bottom : x;
  const Vector s = x * x;
  Vector p = s * -2.76076847742355e-16f + 2.00018790482477e-13f;
  p = p * s + -8.60467152213735e-11f;
  p = p * s + 5.12229709037114e-08f;
  p = p * s + 1.48572235717979e-05f;
  p = p * s + 6.37261928875436e-04f;
  p = p * s + 4.89352455891786e-03f;
  Vector q = s * 1.19825839466702e-06f + 1.18534705686654e-04f;
  q = q * s + 2.26843463243900e-03f;
  q = q * s + 4.89352518554385e-03f;
  return x * p / q;
}

PYTMVA_RNN_INLINE Vector sigmoid(Vector x) { return tanh(x * 0.5f) * 0.5f + 0.5f; }

// By its bits, which -ffast-math does not optimise away.
PYTMVA_RNN_INLINE bool is_nan(float x)
{
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return (bits & 0x7fffffffu) > 0x7f800000u;
}

// sums += the rows of w, each times its x. Few sums are taken twice, for the CPU not to wait for one to be ready.
template <std::size_t Stride, std::size_t... I>
PYTMVA_RNN_INLINE void add_rows(std::index_sequence<I...>, Vector* sums, const float* w, const float* x, std::size_t n)
{
  std::size_t k = 0;
  if constexpr (sizeof...(I) < 4) {
    Vector others[sizeof...(I)] = {};
    for (; k + 1 < n; k += 2) {
      const Vector x0 = all(x[k]), x1 = all(x[k + 1]);
      ((sums[I] += load(w + k * Stride + I * lanes) * x0), ...);
      ((others[I] += load(w + (k + 1) * Stride + I * lanes) * x1), ...);
    }
    ((sums[I] += others[I]), ...);
  }
  for (; k < n; ++k) {
    const Vector xk = all(x[k]);
    ((sums[I] += load(w + k * Stride + I * lanes) * xk), ...);
  }
}

// Eight vectors at most of W^T x + U^T h + b, which stay in registers.
template <std::size_t Stride, std::size_t... I>
PYTMVA_RNN_INLINE void affine_tile(std::index_sequence<I...> tile, const float* b, const float* W, const float* x,
                                   std::size_t inputs, const float* U, const float* h, std::size_t states, float* y)
{
  Vector sums[] = {load(b + I * lanes)...};
  add_rows<Stride>(tile, sums, W, x, inputs);
  add_rows<Stride>(tile, sums, U, h, states);
  (store(sums[I], y + I * lanes), ...);
}

// y = W^T x + U^T h + b with N columns; rows of W and U are padded(N) apart.
template <std::size_t N>
PYTMVA_RNN_INLINE void affine(const float* b, const float* W, const float* x, std::size_t inputs, const float* U,
                              const float* h, std::size_t states, float* y)
{
  constexpr std::size_t tile = 8, rest = vectors(N) % tile, end = (vectors(N) - rest) * lanes;
  for (std::size_t j = 0; j < end; j += tile * lanes)
    affine_tile<padded(N)>(std::make_index_sequence<tile>{}, b + j, W + j, x, inputs, U + j, h, states, y + j);
  if constexpr (rest > 0)
    affine_tile<padded(N)>(std::make_index_sequence<rest>{}, b + end, W + end, x, inputs, U + end, h, states, y + end);
}
