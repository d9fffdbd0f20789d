"""The functions that expressions over branches may call."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import awkward as ak
import numpy as np

__all__ = ["FUNCTIONS"]


def _delta_phi(a: Any, b: Any) -> Any:
    """a - b brought into [-pi, pi)."""
    return (a - b + math.pi) % (2 * math.pi) - math.pi


def _clip(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _where(condition: Any, x: Any, y: Any) -> Any:
    return ak.where(*ak.broadcast_arrays(condition, x, y))


def _lists(x: Any) -> Any:
    """`x`, which must hold a list per event: awkward would go over the events themselves."""
    if not isinstance(x, ak.Array) or x.ndim < 2:
        raise ValueError("there is one value per event, so there are no elements to go over")
    return x


def _num(x: Any) -> Any:
    return ak.num(_lists(x), axis=1)


def _mean(x: Any) -> Any:
    return ak.sum(_lists(x), axis=-1) / ak.count(x, axis=-1)


def _over_elements(reducer: Callable[..., Any], **options: Any) -> Callable[[Any], Any]:
    def over_elements(x: Any) -> Any:
        return reducer(_lists(x), axis=-1, **options)

    return over_elements


def _extremum(reducer: Callable[..., Any], elementwise: Callable[..., Any]) -> Callable[..., Any]:
    """Over the elements of one argument, or among several arguments, as in Python."""
    over_elements = _over_elements(reducer, mask_identity=False)

    def extremum(*arguments: Any) -> Any:
        return over_elements(*arguments) if len(arguments) == 1 else reduce(elementwise, arguments)

    return extremum


_ONE = (
    *("sqrt", "cbrt", "exp", "expm1", "log", "log10", "log1p", "log2", "sign", "floor", "ceil", "isfinite", "isnan"),
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"),
)
_TWO = ("hypot", "arctan2", "minimum", "maximum")

FUNCTIONS: Mapping[str, tuple[Callable[..., Any], int, int]] = {
    **{name: (getattr(np, name), 1, 1) for name in _ONE},
    **{name.replace("arc", "a"): (getattr(np, name), 1, 1) for name in _ONE if name.startswith("arc")},
    **{name: (getattr(np, name), 2, 2) for name in _TWO},
    "atan2": (np.arctan2, 2, 2),
    "abs": (np.absolute, 1, 1),
    "fabs": (np.absolute, 1, 1),
    "pow": (np.float_power, 2, 2),
    "clip": (_clip, 3, 3),
    "where": (_where, 3, 3),
    "delta_phi": (_delta_phi, 2, 2),
    # Over the elements of each event:
    "num": (_num, 1, 1),
    "count": (_num, 1, 1),
    "sum": (_over_elements(ak.sum), 1, 1),
    "mean": (_mean, 1, 1),
    "any": (_over_elements(ak.any), 1, 1),
    "all": (_over_elements(ak.all), 1, 1),
    "min": (_extremum(ak.min, np.minimum), 1, 9),
    "max": (_extremum(ak.max, np.maximum), 1, 9),
}
"""Name: the function, and its smallest and largest number of arguments."""
