// ---- Columns of those products, in tiles.

// Of N columns, those behind the last whole 64 are summed twice where they are few.
constexpr std::size_t tile = 8, few = 24, most = few / lanes < 6 ? (few + lanes - 1) / lanes : 6;
PYTMVA_RNN_INLINE constexpr std::size_t summed_once(std::size_t N) { return N % 64 > few ? N : N / 64 * 64; }

// A function for each tile, for the program to choose from as it runs.
using Tile = void (*)(const Affine&, std::size_t, float*);
template <bool Twice, std::size_t Count>
inline void tile_of(const Affine& a, std::size_t j, float* y)
{
  affine_tile<Twice, Count>(a, j, y);
}

// That of `count` vectors, at most as many as I has numbers.
template <bool Twice, std::size_t... I>
inline Tile tile_for(std::size_t count, std::index_sequence<I...>)
{
  static constexpr Tile all[] = {tile_of<Twice, I + 1>...};
  return all[count - 1];
}

// Where two steps are done at once: those of `count` vectors, at least `First`.
using Pair = void (*)(const Affine&, float*);
template <bool Twice, std::size_t Count>
inline void pair_of(const Affine& a, float* y)
{
  affine_pair<Twice, Count>(a, y);
}

template <bool Twice, std::size_t First, std::size_t... I>
inline Pair pair_for(std::size_t count, std::index_sequence<I...>)
{
  static constexpr Pair all[] = {pair_of<Twice, I + First>...};
  return all[count - First];
}

// N columns, at least one, where it shows only as the program runs how many. All steps share the choice of tiles: where
// columns are few, it takes as long as their sums.
class Columns {
public:
  explicit Columns(std::size_t N)
  {
    const std::size_t once = summed_once(N);
    add<false, tile>(0, once);
    add<true, most>(once, N);
    several_ = count_ > 1 || ranges_[0].width < ranges_[0].end;
    if (several_)
      pair_ = nullptr;
  }

  PYTMVA_RNN_INLINE void affine(const Affine& a, float* y) const
  {
    ranges_[0].tile(a, 0, y);
    if (several_)
      others(a, y);
  }

  // W^T x + b of step t of T, and where it lies: in `y`, which has room for two.
  PYTMVA_RNN_INLINE const float* inputs(const Affine& a, std::size_t t, std::size_t T, float* y) const
  {
    const std::size_t second = pair_ ? t % 2 : 0;
    if (second > 0)
      return y + a.stride;
    if (pair_ && t + 1 < T)
      pair_(a, y);
    else
      affine(a, y);
    return y;
  }

  // The same with the states.
  PYTMVA_RNN_INLINE void step(const Affine& a, std::size_t t, std::size_t T, float* y) const
  {
    if (!pair_)
      return affine(a, y);
    const Affine of_x{a.b, a.W, a.x, a.inputs, nullptr, nullptr, 0, a.stride};
    const float* const sums = inputs(of_x, t, T, y + a.stride);
    ranges_[0].tile({sums, a.U, a.h, a.states, nullptr, nullptr, 0, a.stride}, 0, y);
  }

private:
  // Tiles of one width.
  struct Range {
    Tile tile;
    std::size_t begin, end, width;
  };

  template <bool Twice, std::size_t Most>
  void add(std::size_t begin, std::size_t end)
  {
    constexpr std::size_t width = Most * lanes;
    const std::size_t count = vectors(end - begin), rest = count % Most, middle = begin + count / Most * width;
    constexpr std::size_t first = Twice ? 1 : few / lanes + 1, last = std::min(Most, paired);
    if constexpr (first <= last)
      if (count >= first && count <= last)
        pair_ = pair_for<Twice, first>(count, std::make_index_sequence<last + 1 - first>{});
    if (begin < middle)
      ranges_[count_++] = {tile_of<Twice, Most>, begin, middle, width};
    if (rest > 0)
      ranges_[count_++] = {tile_for<Twice>(rest, std::make_index_sequence<Most>{}), middle, end, rest * lanes};
  }

  // All but the first tile.
  void others(const Affine& a, float* y) const
  {
    std::size_t j = ranges_[0].width;
    for (std::size_t k = 0; k < count_; ++k)
      for (j = std::max(j, ranges_[k].begin); j < ranges_[k].end; j += ranges_[k].width)
        ranges_[k].tile(a, j, y);
  }

  Range ranges_[4]{};
  std::size_t count_ = 0;
  bool several_;
  Pair pair_ = nullptr;
};
