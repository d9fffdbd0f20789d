// ---- What takes time, in C++: a few vectors of those products, and the search for NaN.

// Negative in places where there is a NaN among n values, as many as whole vectors have.
PYTMVA_RNN_INLINE Bits nan_signs(const float* x, std::size_t n)
{
  Bits found{};
  std::size_t k = 0;
  for (; k + 4 * lanes <= n; k += 4 * lanes)
    found |= nan_signs(x + k) | nan_signs(x + k + lanes) | nan_signs(x + k + 2 * lanes) | nan_signs(x + k + 3 * lanes);
  for (; k < n; k += lanes)
    found |= nan_signs(x + k);
  return found;
}

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
  Vector odd[] = {nothing(I)...};
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

// A few vectors of the result from column j on, which stay in registers.
template <bool Twice, std::size_t... I>
PYTMVA_RNN_INLINE void affine_tile(std::index_sequence<I...> tile, const Affine& a, std::size_t j, float* y)
{
  Vector sums[] = {load(a.b + j + I * lanes)...};
  add_rows<Twice>(tile, sums, a.W + j, a.stride, a.x, a.inputs);
  if (a.states > 0)
    add_rows<Twice>(tile, sums, a.U + j, a.stride, a.h, a.states);
  (store(sums[I], y + j + I * lanes), ...);
}

// Two steps are not done at once here.
constexpr std::size_t paired = 0;
template <bool Twice, std::size_t Count>
void affine_pair(const Affine& a, float* y);

template <bool Twice, std::size_t Count>
PYTMVA_RNN_INLINE void affine_tile(const Affine& a, std::size_t j, float* y)
{
  affine_tile<Twice>(std::make_index_sequence<Count>{}, a, j, y);
}
