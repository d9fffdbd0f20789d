"""NumPy's own loops, for compiled code: a call of a function of NumPy takes as long as the score of an event.

The C library has the same functions, with other last digits.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np

from pytmva_rnn.compile.records import filled

__all__ = ["LOOP", "loop_of"]

_WORDS = ("function", "data", "source", "target", "n", "source_step", "target_step")

LOOP = np.dtype([(name, np.int64) for name in _WORDS])
"""A loop, with the argument that it hands on, and what it is called with: addresses, a number and bytes to the next."""


class _UFunc(ctypes.Structure):
    """What a `np.ufunc` is in memory, for everybody's C code (`PyUFuncObject`)."""

    _fields_ = (
        ("head", ctypes.c_char * object.__basicsize__),
        ("inputs", ctypes.c_int),
        ("outputs", ctypes.c_int),
        ("arguments", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
    )


@functools.cache
def loop_of(ufunc: Any) -> Any:
    """The loop over float64 of a function of one number, as a record LOOP of shape (1,) without what is to be done.

    None where it is not found, or gives other numbers than the function does.
    """
    found = np.zeros(1, LOOP)
    try:
        known = _UFunc.from_address(id(ufunc))
        if (known.inputs, known.outputs, known.arguments) != (1, 1, 2) or known.ntypes != ufunc.ntypes:
            return None
        if known.name != ufunc.__name__.encode():
            return None
        number = ufunc.types.index("d->d")
        found["function"], found["data"] = known.functions[number] or 0, (known.data and known.data[number]) or 0
    except (AttributeError, ValueError):  # it has no such loop
        return None
    return found if found["function"][0] and _is_the_same(ufunc, found) else None


def _is_the_same(ufunc: Any, loop: Any) -> bool:
    x = np.linspace(-3, 3, 37)
    y = np.empty_like(x)
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)
    given = {"source": x.ctypes.data, "target": y.ctypes.data, "source_step": 8, "target_step": 8}
    of: Any = filled(loop.copy(), n=len(x), **given)
    places = (of.ctypes.data + of.dtype.fields[name][1] for name in ("source", "n", "source_step"))
    kind(int(of["function"][0]))(*places, int(of["data"][0]) or None)
    expected: bytes = ufunc(x).tobytes()
    return y.tobytes() == expected
