"""Compiled code that Python calls as it calls its own functions in C.

To find out the types of arguments and to convert them takes Numba, or ctypes, as long as the score of an event takes.
Here compiled code is given the Python objects themselves, and looks into those that are arrays.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile.decorators import Operation

__all__ = ["ARRAY", "LEGIBLE", "builtin", "check_arrays", "data_address", "python_function", "word_at"]

_HEAD = object.__basicsize__  # bytes of what every object starts with, the address of its type last

_FIELDS = {
    "kind": ("i8", _HEAD - 8),  # address of its type
    "data": ("i8", _HEAD),
    "dimensions": ("i4", _HEAD + 8),  # how many
    "shape": ("i8", _HEAD + 16),  # address of their lengths
    "dtype": ("i8", _HEAD + 40),  # address of the object
    "flags": ("i4", _HEAD + 48),
}

ARRAY = np.dtype(
    {
        "names": list(_FIELDS),
        "formats": [kind for kind, _ in _FIELDS.values()],
        "offsets": [place for _, place in _FIELDS.values()],
    }
)
"""What NumPy's arrays are in memory, for everybody's C code (`PyArrayObject_fields`)."""


LEGIBLE = 0x101
"""Flags of an array in C order and aligned."""

_SEEN = LEGIBLE | 0x402  # and in Fortran's order, and writable


class _Method(ctypes.Structure):
    """`PyMethodDef`."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


# of our own: what a program sets of the functions in `ctypes.pythonapi` is for all that use them
_MAKE = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
    ("PyCFunction_NewEx", ctypes.pythonapi)
)

_ONE, _SEVERAL = 0x8, 0x80  # arguments: METH_O, METH_FASTCALL


class _Program(np.ndarray[Any, Any]):
    """Numbers for compiled code, with what lives as long as they do."""

    owner: Any


def builtin(operation: Operation, record: NDArray[Any], owner: Any) -> Callable[..., Any]:
    """A function that calls an operation with the Python objects that it is called with, and returns its answer.

    The operation holds Python's lock, unless it releases it.

    Parameters
    ----------
    operation : Operation
        An `answering` one: of the address of an array object, which holds the record, and of that of the argument; or
        of the record's, of that of the arguments' addresses, and of their number. It gives the address of a new
        reference to the result, or 0 with an exception set.
    record : array
        Shared, not copied.
    owner
        Whatever is to live as long as the function.

    Raises
    ------
    RuntimeError
        If arrays do not lie in memory as `ARRAY` has it.
    """
    program = record.view(_Program)
    program.owner = owner
    function: Callable[..., Any] = _MAKE(ctypes.addressof(_method(operation)), program, None)
    return function


_methods: dict[Operation, _Method] = {}


def _method(operation: Operation) -> _Method:
    """For as long as the process lasts: every function looks at it, and one that is no more does once again.

    Of threads that come here at the same time all have that of the first: a `functools.cache` would keep the last one
    and free those that functions have been made with.
    """
    if operation not in _methods:
        check_arrays()
        several = operation.function.__code__.co_argcount > 2
        made = _Method(operation.function.__name__.encode(), operation.address, _SEVERAL if several else _ONE, None)
        _methods.setdefault(operation, made)
    return _methods[operation]


_word = ctypes.c_int64.from_address
_DATA = ARRAY.fields["data"][1]  # type: ignore[index]


def data_address(array: NDArray[Any]) -> int:
    """Where an array's numbers are: `array.ctypes.data` takes six times as long. See `check_arrays`."""
    return _word(id(array) + _DATA).value


def word_at(address: int) -> int:
    """The integer of eight bytes at an address."""
    return _word(address).value


def check_arrays() -> None:
    """Refuse arrays that do not lie in memory as `ARRAY` has it.

    Raises
    ------
    RuntimeError
        For a NumPy of which nobody knew.
    """
    array = np.zeros((3, 4), np.float32)[1:, ::2]
    found = np.frombuffer(ctypes.string_at(id(array), ARRAY.itemsize), ARRAY)[0]
    expected = (id(np.ndarray), array.ctypes.data, 2, id(array.dtype))
    known = tuple(found[name] for name in ("kind", "data", "dimensions", "dtype")) == expected
    known = known and found["flags"] & _SEEN == array.flags.num & _SEEN
    if not known or np.frombuffer(ctypes.string_at(int(found["shape"]), 16), np.int64).tolist() != [2, 2]:
        raise RuntimeError(
            f"arrays of NumPy {np.__version__} do not lie in memory as compiled code knows them; install another one"
        )


def python_function(name: str) -> int:
    """Address of a function of Python's interface for C."""
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
