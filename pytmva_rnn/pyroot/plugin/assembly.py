"""Products of matrices and vectors in assembly, for C++ compilers that do not know how to keep sums in registers."""

from __future__ import annotations

__all__ = ["tiles_in_assembly"]

_MOST = 8
"""Vectors of a tile; see the part `columns` of the generated header."""
_FEW = 24
"""Floats up to which there are two sums of each."""
_HEAD = """\
// ---- A few vectors of those products, in assembly.

static constexpr float minus_zero = -0.0f;

// To the bit as in C++, where they are `affine_tile` too. A compiler may choose badly what to keep in registers: ROOT's
// interpreter is told to keep nothing there from one round of a loop to the next.
template <bool Twice, std::size_t Count>
void affine_tile(const Affine& a, std::size_t j, float* y);
"""


def tiles_in_assembly(size: int) -> str:
    """C++ of `affine_tile` in assembly, for x86-64 with vectors of `size` bytes and fused products.

    Parameters
    ----------
    size : int
        32 for AVX2, 64 for AVX-512.
    """
    counts = range(1, _MOST + 1)
    once = [_tile(count, size, twice=False) for count in counts]
    twice = [_tile(count, size, twice=True) for count in counts if (count - 1) * size < 4 * _FEW]
    return "\n".join([_HEAD, *once, *twice])


def _tile(count: int, size: int, *, twice: bool) -> str:
    """One of `count` vectors: two rows a round; where it says twice, the second into sums of its own."""
    sums = [f"%[s{index}]" for index in range(count)]
    others = [f"%[o{index}]" for index in range(count)] if twice else sums
    places = [index * size for index in range(count)]
    lines = [
        *(f"vmovups {place}(%[b]), {name}" for place, name in zip(places, sums, strict=True)),
        "1:",
        *(f"vbroadcastss %[nothing], {name}" for name in others if twice),
        "sub $2, %[n]",
        "jb 3f",
        "2:",
        *_row("(%[x])", "(%[w])", places, sums),
        *_row("4(%[x])", "(%[w],%[bytes])", places, others),
        "add $8, %[x]",
        "lea (%[w],%[bytes],2), %[w]",
        "sub $2, %[n]",
        "jae 2b",
        "3:",
        *(f"vaddps {other}, {name}, {name}" for other, name in zip(others, sums, strict=True) if twice),
        "add $2, %[n]",
        "je 4f",
        *_row("(%[x])", "(%[w])", places, sums),
        "4:",
        "mov %[states], %[n]",
        "mov %[u], %[w]",
        "mov %[h], %[x]",
        "xor %k[states], %k[states]",
        "test %[n], %[n]",
        "jne 1b",
        *(f"vmovups {name}, {place}(%[y])" for place, name in zip(places, sums, strict=True)),
    ]
    text = "\n".join(f'      "{line}\\n"' for line in lines)
    vectors = [f"s{index}" for index in range(count)] + [f"o{index}" for index in range(count) if twice]
    held = ", ".join(f'[{name}] "=&x"({name})' for name in [*vectors, "value"])
    nothing = ', [nothing] "m"(minus_zero)' if twice else ""
    return f"""\
template <>
PYTMVA_RNN_INLINE void affine_tile<{"true" if twice else "false"}, {count}>(const Affine& a, std::size_t j, float* y)
{{
  const float *w = a.W + j, *x = a.x;
  std::size_t n = a.inputs, states = a.states;
  Vector {", ".join([*vectors, "value"])};
  __asm__ volatile(
{text}
      : {held},
        [w] "+r"(w), [x] "+r"(x), [n] "+r"(n), [states] "+r"(states)
      : [b] "r"(a.b + j), [u] "r"(a.U + j), [h] "r"(a.h), [bytes] "r"(a.stride * sizeof(float)), [y] "r"(y + j){nothing}
      : "cc", "memory");
}}
"""


def _row(x: str, w: str, places: list[int], sums: list[str]) -> list[str]:
    """Add a value times a row to sums."""
    return [
        f"vbroadcastss {x}, %[value]",
        *(f"vfmadd231ps {place}{w}, %[value], {name}" for place, name in zip(places, sums, strict=True)),
    ]
