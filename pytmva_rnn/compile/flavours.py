"""One flavour of arrays for compiled code, so that none compiles anew."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["readable"]


class _Writable:
    """Holds a read-only array and shows its memory as writable."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        interface = array.__array_interface__
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface


def readable(array: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """An array as compiled code takes it that only reads: copied only where it must be.

    Numba compiles a function for read-only, strided, unaligned arrays, and for each type of numbers, anew: for seconds.
    Arrays of a file that is mapped to memory are read-only, columns of a table strided, ROOT's numbers big-endian.

    Parameters
    ----------
    array : ndarray, of any flavour
    dtype : data type in the machine's byte order

    Returns
    -------
    ndarray of the same shape
        In C order, aligned, and called writable even where `array` is not: never to be written to.
    """
    flags = array.flags
    if flags.carray and array.dtype == dtype and type(array) is np.ndarray:
        return array
    if not (flags.c_contiguous and flags.aligned and array.dtype == dtype):
        array = np.require(array, dtype, ["C", "A"])
    return np.asarray(array) if array.flags.writeable else np.asarray(_Writable(array))
