"""Sums of rows of weights in assembly, for C++ compilers that do not know how to keep them in registers."""

from __future__ import annotations

__all__ = ["rows_in_assembly"]

_MOST = 8
"""Vectors of a tile; see the part `affine` of the generated header."""
_FEW = 24
"""Floats up to which there are two sums of each."""
_ADD_ROWS = """\
// The same for n rows, to the bit as in the part of that name in C++. A compiler may choose badly what to keep in
// registers: ROOT's interpreter is told to keep nothing there from one round of a loop to the next.
template <bool Twice, std::size_t... I>
PYTMVA_RNN_INLINE void add_rows(std::index_sequence<I...>, Vector* sums, const float* w, std::size_t stride,
                                const float* x, std::size_t n)
{
  using Sums = Rows<sizeof...(I)>;
  if constexpr (Twice) {
    Vector odd[] = {nothing(I)...};
    const std::size_t even = n / 2 * 2;
    Sums::add_pairs(sums, odd, w, stride * sizeof(float), x, n / 2);
    ((sums[I] += odd[I]), ...);
    Sums::add(sums, w + even * stride, stride * sizeof(float), x + even, n - even);
  } else {
    Sums::add(sums, w, stride * sizeof(float), x, n);
  }
}
"""


def rows_in_assembly(size: int) -> str:
    """C++ of `add_rows` with the loops in assembly, for x86-64 with vectors of `size` bytes and fused products.

    Parameters
    ----------
    size : int
        32 for AVX2, 64 for AVX-512.
    """
    kinds = "\n".join(_rows(count, size) for count in range(1, _MOST + 1))
    return f"""\
// ---- Sums of rows of weights times values, in assembly.

// Of as many vectors as Count: n rows, which are `bytes` apart; of few also n pairs of rows, the second of each into
// others.
template <std::size_t Count>
struct Rows;

{kinds}
{_ADD_ROWS}"""


def _rows(count: int, size: int) -> str:
    places = [index * size for index in range(count)]
    sums, others = [f"s{index}" for index in range(count)], [f"o{index}" for index in range(count)]
    rows = [*_row("(%[x])", "(%[w])", places, sums), "add $4, %[x]", "add %[bytes], %[w]"]
    pairs = [
        *_row("(%[x])", "(%[w])", places, sums),
        *_row("4(%[x])", "(%[w],%[bytes])", places, others),
        "add $8, %[x]",
        "lea (%[w],%[bytes],2), %[w]",
    ]
    held = {name: f"sums[{index}]" for index, name in enumerate(sums)}
    held_too = {name: f"others[{index}]" for index, name in enumerate(others)}
    twice = f"""\
  static PYTMVA_RNN_INLINE void add_pairs(Vector* sums, Vector* others, const float* w, std::size_t bytes,
                                          const float* x, std::size_t n)
  {{
{_loop(pairs, held | held_too)}
  }}
"""
    return f"""\
template <>
struct Rows<{count}> {{
  static PYTMVA_RNN_INLINE void add(Vector* sums, const float* w, std::size_t bytes, const float* x, std::size_t n)
  {{
{_loop(rows, held)}
  }}
{twice if places[-1] < 4 * _FEW else ""}}};
"""


def _row(x: str, w: str, places: list[int], sums: list[str]) -> list[str]:
    """Add a value times a row to sums."""
    return [
        f"vbroadcastss {x}, %[value]",
        *(f"vfmadd231ps {place}{w}, %[value], %[{name}]" for place, name in zip(places, sums, strict=True)),
    ]


def _loop(body: list[str], held: dict[str, str]) -> str:
    """The body n times, perhaps never, with vectors held in registers."""
    lines = ["jmp 2f", "1:", *body, "2:", "sub $1, %[n]", "jae 1b"]
    text = "\n".join(f'            "{line}\\n"' for line in lines)
    vectors = ", ".join(f'[{name}] "+x"({place})' for name, place in held.items())
    return f"""\
    Vector value;
    __asm__(
{text}
            : {vectors},
              [value] "=&x"(value), [w] "+r"(w), [x] "+r"(x), [n] "+r"(n)
            : [bytes] "r"(bytes)
            : "cc", "memory");"""
