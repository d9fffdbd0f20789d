"""Numbers, texts and arrays as C++ source."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["array", "identifier_problem", "literal", "padded", "rows", "text"]

_WIDTH = 112
_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl const
    const_cast constexpr continue decltype default delete do double dynamic_cast else enum explicit export extern false
    float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private
    protected public register reinterpret_cast return short signed sizeof static static_assert static_cast struct switch
    template this thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t
    while xor xor_eq concept requires co_await co_return co_yield consteval constinit char8_t
    """,
    )
)


def identifier_problem(name: str) -> str:
    """Why C++ lets no class have this name, and what would be right; empty if it does."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is None:
        return "use letters, digits and _, with no digit at the start"
    if name in _KEYWORDS:
        return "it is a word of C++"
    if "__" in name or re.match(r"_[A-Z]", name):
        return "names with two _ in a row, or _ and a capital letter at the start, are reserved for compilers"
    return ""


def padded(count: int) -> int:
    """The next multiple of 16, the floats in the widest vector register."""
    return -(-count // 16) * 16


def literal(value: float, *, single: bool = True) -> str:
    """A number that reads back as the same float, or double; what is not finite by the names of <cmath>."""
    if not math.isfinite(value):
        return "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"
    digits = f"{np.float32(value):.9g}" if single else repr(float(value))
    if not re.search(r"[.e]", digits):
        digits += ".0"
    return digits + ("f" if single else "")


def text(value: str) -> str:
    """A string literal, UTF-8 as it is."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\{ord(match[0]):03o}", quoted) + '"'


def array(name: str, values: NDArray[Any]) -> str:
    """A constexpr array as a static member: float for float32, double for float64, std::size_t for integers."""
    flat = np.asarray(values).reshape(-1)
    if flat.dtype.kind == "i":
        kind, words = "std::size_t", [str(value) for value in flat]
    else:
        single = flat.dtype == np.float32
        kind, words = "float" if single else "double", [literal(value, single=single) for value in flat]
    return f"  alignas(64) static constexpr {kind} {name}[{len(flat)}] = {{\n{rows(words)}}};\n"


def rows(words: Iterable[str]) -> str:
    """Words with commas between them, in lines."""
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > _WIDTH:
            lines.append("")
        lines[-1] += f"{word}, "
    return "\n".join(f"    {line.rstrip()}" for line in lines).rstrip(",")
