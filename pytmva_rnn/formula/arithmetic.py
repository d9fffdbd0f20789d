"""The operators of formulas on arrays: double arithmetic, and 64-bit integers where ROOT casts to them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ARITHMETIC", "BITS", "COMPARE", "compared", "doubles", "no_remainder", "no_shift", "whole"]

_LARGEST = 2**63


def doubles(content: NDArray[Any]) -> NDArray[np.float64]:
    """As double precision."""
    return content if content.dtype == np.float64 else content.astype(np.float64)


def whole(content: NDArray[Any]) -> NDArray[np.int64]:
    """As 64-bit integers, cut as C++ does; those of unsigned numbers beyond 2^63 have the same bits."""
    if content.dtype.kind == "f":
        content = np.trunc(content)
    with np.errstate(invalid="ignore"):
        return content.astype(np.int64)


def _divided(x: NDArray[Any], y: NDArray[Any]) -> Any:
    """x / y, and 0 where y is 0, as in TTreeFormula."""
    zero = y == 0
    quotient = x / y
    return np.where(zero, 0.0, quotient) if zero.any() else quotient


ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "^": np.float_power,
}
"""Of doubles."""

BITS: Mapping[str, Callable[[Any, Any], Any]] = {
    "%": lambda x, y: np.where(y == 0, 0, np.fmod(x, np.where(y == 0, 1, y))),
    "&": lambda x, y: _unsigned(x & y),
    "|": lambda x, y: _unsigned(x | y),
    "<<": lambda x, y: _unsigned(np.left_shift(x, np.where(no_shift(x, y), 0, y))),
    ">>": lambda x, y: np.right_shift(_unsigned(x), np.where(no_shift(x, y), 0, y).astype(np.uint64)),
}
"""Of 64-bit integers."""

COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def _unsigned(x: NDArray[np.int64]) -> NDArray[np.uint64]:
    return np.asarray(x).astype(np.uint64)


def no_remainder(x: Any, y: Any) -> Any:
    """Where x % y has no value."""
    return y == 0


def no_shift(x: Any, y: Any) -> Any:
    """Where a shift by y has no value."""
    return (y < 0) | (y > 63)


def compared(name: str, x: NDArray[Any], y: NDArray[Any]) -> Any:
    """A comparison; of integers with all their digits."""
    kinds = x.dtype.kind + y.dtype.kind
    if "f" in kinds:
        return COMPARE[name](doubles(x), doubles(y))
    if kinds in ("ui", "iu") and np.uint64 in (x.dtype, y.dtype):
        # NumPy would go through double precision. A negative number is less than any unsigned one.
        signed = x if kinds[0] == "i" else y
        negative = signed < 0
        same = COMPARE[name](*(each.astype(np.uint64) for each in (x, y)))
        below = COMPARE[name](*((0, 1) if signed is x else (1, 0)))
        return np.where(negative, below, same)
    return COMPARE[name](x, y)
