// ---- Products of matrices and vectors, some columns at a time.

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
