// ---- What is done with vectors. No result depends on how wide they are: each sum is made in one order, and every
// product that something is added to is one madd.

// Rows of weights and all scratch arrays have a multiple of 16 floats, so that any width fits.
PYTMVA_RNN_INLINE constexpr std::size_t padded(std::size_t n) { return (n + 15) / 16 * 16; }
PYTMVA_RNN_INLINE constexpr std::size_t vectors(std::size_t n) { return (n + lanes - 1) / lanes; }

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
  Vector p = madd(s, all(-2.76076847742355e-16f), all(2.00018790482477e-13f));
  p = madd(p, s, all(-8.60467152213735e-11f));
  p = madd(p, s, all(5.12229709037114e-08f));
  p = madd(p, s, all(1.48572235717979e-05f));
  p = madd(p, s, all(6.37261928875436e-04f));
  p = madd(p, s, all(4.89352455891786e-03f));
  Vector q = madd(s, all(1.19825839466702e-06f), all(1.18534705686654e-04f));
  q = madd(q, s, all(2.26843463243900e-03f));
  q = madd(q, s, all(4.89352518554385e-03f));
  return x * p / q;
}

PYTMVA_RNN_INLINE Vector sigmoid(Vector x) { return madd(tanh(x * 0.5f), all(0.5f), all(0.5f)); }

// sums += a row of w times its x
template <std::size_t... I>
PYTMVA_RNN_INLINE void add_row(std::index_sequence<I...>, Vector* sums, const float* w, float x)
{
  const Vector xk = all(x);
  ((sums[I] = madd(load(w + I * lanes), xk, sums[I])), ...);
}

// The same for as many rows as K has numbers, `stride` apart; of the odd ones into `others`, which may be `sums` again.
template <std::size_t... I, std::size_t... K>
PYTMVA_RNN_INLINE void add_block(std::index_sequence<I...> tile, std::index_sequence<K...>, Vector* sums, Vector* others,
                                 const float* w, std::size_t stride, const float* x)
{
  (add_row(tile, K % 2 ? others : sums, w + K * stride, x[K]), ...);
}

// The same for the rest of n rows, fewer than 2 Most, from row k on.
template <std::size_t Most, std::size_t... I>
PYTMVA_RNN_INLINE std::size_t add_rest(std::index_sequence<I...> tile, Vector* sums, Vector* others, const float* w,
                                       std::size_t stride, const float* x, std::size_t n, std::size_t k)
{
  if (k + Most <= n) {
    add_block(tile, std::make_index_sequence<Most>{}, sums, others, w + k * stride, stride, x + k);
    k += Most;
  }
  if constexpr (Most > 2)
    return add_rest<Most / 2>(tile, sums, others, w, stride, x, n, k);
  else
    return k;
}

// The same for n rows. Few sums are made twice, of even and odd rows, for the CPU not to wait for one to be ready. Many
// rows are done at once, because some compilers, ROOT's interpreter for one, keep nothing in registers from one round of
// a loop to the next.
template <bool Twice, std::size_t... I>
PYTMVA_RNN_INLINE void add_rows(std::index_sequence<I...> tile, Vector* sums, const float* w, std::size_t stride,
                                const float* x, std::size_t n)
{
  constexpr std::size_t many = 8;
  Vector odd[sizeof...(I)] = {};
  Vector* const others = Twice ? odd : sums;
  std::size_t k = 0;
  for (; k + many <= n; k += many)
    add_block(tile, std::make_index_sequence<many>{}, sums, others, w + k * stride, stride, x + k);
  k = add_rest<many / 2>(tile, sums, others, w, stride, x, n, k);
  if constexpr (Twice)
    ((sums[I] += odd[I]), ...);
  if (k < n)
    add_row(tile, sums, w + k * stride, x[k]);
}

// W^T x + U^T h + b; x has `inputs` values, h `states`, and rows are `stride` apart.
struct Affine {
  const float *b, *W, *x;
  std::size_t inputs;
  const float *U, *h;
  std::size_t states, stride;
};

// A few vectors of the result from column j on, which stay in registers.
template <bool Twice, std::size_t... I>
PYTMVA_RNN_INLINE void affine_tile(std::index_sequence<I...> tile, const Affine& a, std::size_t j, float* y)
{
  Vector sums[] = {load(a.b + j + I * lanes)...};
  add_rows<Twice>(tile, sums, a.W + j, a.stride, a.x, a.inputs);
  if (a.states)
    add_rows<Twice>(tile, sums, a.U + j, a.stride, a.h, a.states);
  (store(sums[I], y + j + I * lanes), ...);
}

// `count` vectors, at most Most.
template <std::size_t Most, bool Twice>
PYTMVA_RNN_INLINE void affine_rest(std::size_t count, const Affine& a, std::size_t j, float* y)
{
  if (count == Most)
    affine_tile<Twice>(std::make_index_sequence<Most>{}, a, j, y);
  else if constexpr (Most > 1)
    affine_rest<Most - 1, Twice>(count, a, j, y);
}

// Of N columns, those behind the last whole 64 are summed twice where they are few.
constexpr std::size_t tile = 8, few = 24, most = few / lanes < 6 ? (few + lanes - 1) / lanes : 6;
PYTMVA_RNN_INLINE constexpr std::size_t summed_once(std::size_t N) { return N % 64 > few ? N : N / 64 * 64; }

// N columns, where it shows only as the program runs how many.
inline void any_affine(std::size_t N, const Affine& a, float* y)
{
  const std::size_t once = summed_once(N);
  std::size_t j = 0;
  for (; j < once && vectors(once - j) >= tile; j += tile * lanes)
    affine_tile<false>(std::make_index_sequence<tile>{}, a, j, y);
  if (j < once)
    affine_rest<tile - 1, false>(vectors(once - j), a, j, y);
  for (j = once; j < N && vectors(N - j) > most; j += most * lanes)
    affine_tile<true>(std::make_index_sequence<most>{}, a, j, y);
  if (j < N)
    affine_rest<most, true>(vectors(N - j), a, j, y);
}

// As many columns as Gates times the units; S says whether the compiler knows how many these are.
template <std::size_t Gates, class S>
PYTMVA_RNN_INLINE void affine(const S& n, const Affine& a, float* y)
{
  if constexpr (S::fixed) {
    constexpr std::size_t N = Gates * S::H, once = summed_once(N), tiles = once / (tile * lanes) * (tile * lanes);
    for (std::size_t j = 0; j < tiles; j += tile * lanes)
      affine_tile<false>(std::make_index_sequence<tile>{}, a, j, y);
    if constexpr (tiles < once)
      affine_tile<false>(std::make_index_sequence<vectors(once - tiles)>{}, a, tiles, y);
    if constexpr (once < N)
      affine_tile<true>(std::make_index_sequence<vectors(N - once)>{}, a, once, y);
  } else {
    any_affine(Gates * n.H, a, y);
  }
}
