"""Products of matrices and vectors in assembly, for C++ compilers that do not know how to keep sums in registers."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["tiles_in_assembly"]

_MOST = 8
"""Vectors of a tile; see the part `columns` of the generated header."""
_FEW = 24
"""Floats up to which there are two sums of each."""
_PAIRED = 6
"""Vectors up to which two steps are done at once: as many as there are registers for."""
_HEAD = """\
// ---- What takes time, in assembly: a few vectors of those products, and the search for NaN.

static constexpr float minus_zero = -0.0f;

// To the bit as in C++, where they are `affine_tile` too. A compiler may choose badly what to keep in registers: ROOT's
// interpreter is told to keep nothing there from one round of a loop to the next.
template <bool Twice, std::size_t Count>
void affine_tile(const Affine& a, std::size_t j, float* y);

// W^T x + b of two steps whose x follow each other, into rows of y, `stride` apart: weights are loaded once, and there
// are twice as many sums to work on while others are not ready.
constexpr std::size_t paired = %d;  // vectors up to which there is one
template <bool Twice, std::size_t Count>
void affine_pair(const Affine& a, float* y);
"""


def tiles_in_assembly(size: int) -> str:
    """C++ of `affine_tile` and `affine_pair` in assembly, for x86-64 with vectors of `size` bytes and fused products.

    Parameters
    ----------
    size : int
        32 for AVX2, 64 for AVX-512.
    """
    counts = range(1, _MOST + 1)
    once = [_tile(count, size, twice=False) for count in counts]
    twice = [_tile(count, size, twice=True) for count in counts if (count - 1) * size < 4 * _FEW]
    pairs = [_pair(count, size, twice=False) for count in counts[:_PAIRED] if count * size > 4 * _FEW]
    pairs += [_pair(count, size, twice=True) for count in counts if (count - 1) * size < 4 * _FEW]
    return "\n".join([_HEAD % _PAIRED, _search(size), *once, *twice, *pairs])


def _search(size: int) -> str:
    """The largest of the bits without their sign, twice as large, of which those of a NaN are beyond infinity's."""
    lines = [
        f"sub ${size // 4}, %[n]",
        "jb 2f",
        "1:",
        "vmovups (%[x]), %[value]",
        "vpslld $1, %[value], %[value]",
        "vpmaxud %[value], %[most], %[most]",
        f"add ${size}, %[x]",
        f"sub ${size // 4}, %[n]",
        "jae 1b",
        "2:",
    ]
    return f"""\
// Negative in places where there is a NaN among n values, as many as whole vectors have.
PYTMVA_RNN_INLINE Bits nan_signs(const float* x, std::size_t n)
{{
  Bits most{{}}, value;
  __asm__ volatile(
{_text(lines)}
      : [most] "+x"(most), [value] "=&x"(value), [x] "+r"(x), [n] "+r"(n)
      :
      : "cc", "memory");
  return 0x7f800000 - (most >> 1 & 0x7fffffff);
}}
"""


def _tile(count: int, size: int, *, twice: bool) -> str:
    """One of `count` vectors: two rows a round; where it says twice, the second into sums of its own."""
    sums = [f"%[s{index}]" for index in range(count)]
    others = [f"%[o{index}]" for index in range(count)] if twice else sums
    places = [index * size for index in range(count)]
    lines = [
        *(f"vmovups {place}(%[b]), {name}" for place, name in zip(places, sums, strict=True)),
        "1:",
        *(f"vbroadcastss %[nothing], {name}" for name in others if twice),
        *_rows(lambda x, w, odd: _row(f"{x}(%[x])", w, places, others if odd else sums), _added(others, sums)),
        "mov %[states], %[n]",
        "mov %[u], %[w]",
        "mov %[h], %[x]",
        "xor %k[states], %k[states]",
        "test %[n], %[n]",
        "jne 1b",
    ]
    vectors = [f"s{index}" for index in range(count)] + [f"o{index}" for index in range(count) if twice]
    given = '[b] "r"(a.b + j), [u] "r"(a.U + j), [h] "r"(a.h)'
    statement = _statement(lines, [*vectors, "value"], ', [states] "+r"(states)', given)
    # By the compiler, which may go on with what is in registers.
    stores = "\n".join(f"  store(s{index}, y + j + {index} * lanes);" for index in range(count))
    return f"""\
template <>
PYTMVA_RNN_INLINE void affine_tile<{"true" if twice else "false"}, {count}>(const Affine& a, std::size_t j, float* y)
{{
  const float *w = a.W + j, *x = a.x;
  std::size_t n = a.inputs, states = a.states;
{statement}
{stores}
}}
"""


def _pair(count: int, size: int, *, twice: bool) -> str:
    """One of `count` vectors for each of two steps."""
    steps = [[f"%[{step}{index}]" for index in range(count)] for step in ("s", "t")]
    others = [[f"%[{step}{index}]" for index in range(count)] for step in ("o", "p")] if twice else steps
    places = [index * size for index in range(count)]

    def row(x: str, w: str, odd: bool) -> list[str]:
        first, second = others if odd else steps
        lines = [f"vbroadcastss {x}(%[x]), %[value]", f"vbroadcastss {x}(%[x],%[next]), %[other]"]
        for place, one, two in zip(places, first, second, strict=True):
            lines += [f"vmovups {place}{w}, %[weights]"]
            lines += [f"vfmadd231ps %[weights], %[value], {one}", f"vfmadd231ps %[weights], %[other], {two}"]
        return lines

    lines = [
        *(f"vmovups {place}(%[b]), {name}" for names in steps for place, name in zip(places, names, strict=True)),
        *(f"vbroadcastss %[nothing], {name}" for names in others for name in names if twice),
        *_rows(row, [line for pair in zip(others, steps, strict=True) for line in _added(*pair)]),
        *(f"vmovups {name}, {place}(%[y])" for place, name in zip(places, steps[0], strict=True)),
        *(f"vmovups {name}, {place}(%[y],%[bytes])" for place, name in zip(places, steps[1], strict=True)),
    ]
    vectors = [f"{step}{index}" for step in ("stop" if twice else "st") for index in range(count)]
    given = '[b] "r"(a.b), [next] "r"(n * sizeof(float)), [y] "r"(y)'
    statement = _statement(lines, [*vectors, "value", "other", "weights"], "", given)
    return f"""\
template <>
PYTMVA_RNN_INLINE void affine_pair<{"true" if twice else "false"}, {count}>(const Affine& a, float* y)
{{
  const float *w = a.W, *x = a.x;
  std::size_t n = a.inputs;
{statement}
}}
"""


def _statement(lines: list[str], vectors: list[str], changed: str, given: str) -> str:
    """The assembly: registers for the vectors, what changes besides w, x and n, and what else it is given."""
    text = _text(lines)
    held = ", ".join(f'[{name}] "=&x"({name})' for name in vectors)
    nothing = ', [nothing] "m"(minus_zero)' if "%[nothing]" in text else ""
    return f"""\
  Vector {", ".join(vectors)};
  __asm__ volatile(
{text}
      : {held},
        [w] "+r"(w), [x] "+r"(x), [n] "+r"(n){changed}
      : {given}, [bytes] "r"(a.stride * sizeof(float)){nothing}
      : "cc", "memory");"""


def _text(lines: list[str]) -> str:
    return "\n".join(f'      "{line}\\n"' for line in lines)


def _rows(row: Callable[[str, str, bool], list[str]], added: list[str]) -> list[str]:
    """Add n rows, two a round; after the last round the sums of odd rows are added to the others."""
    return [
        "sub $2, %[n]",
        "jb 3f",
        "2:",
        *row("", "(%[w])", False),
        *row("4", "(%[w],%[bytes])", True),
        "add $8, %[x]",
        "lea (%[w],%[bytes],2), %[w]",
        "sub $2, %[n]",
        "jae 2b",
        "3:",
        *added,
        "add $2, %[n]",
        "je 4f",
        *row("", "(%[w])", False),
        "4:",
    ]


def _added(others: list[str], sums: list[str]) -> list[str]:
    """Add sums of their own to the first ones; nothing, where they are the same."""
    return [f"vaddps {other}, {name}, {name}" for other, name in zip(others, sums, strict=True) if other != name]


def _row(x: str, w: str, places: list[int], sums: list[str]) -> list[str]:
    """Add a value times a row to sums."""
    return [
        f"vbroadcastss {x}, %[value]",
        *(f"vfmadd231ps {place}{w}, %[value], {name}" for place, name in zip(places, sums, strict=True)),
    ]
