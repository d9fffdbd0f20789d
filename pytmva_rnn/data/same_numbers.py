"""Arrays of the same number for every event, which take no memory: most events have one source and no repetition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["chained", "is_same", "picked", "same"]


def same(value: int, n: int) -> NDArray[np.int64]:
    """`value` n times; read-only."""
    return np.broadcast_to(np.int64(value), (n,))


def picked(array: NDArray[Any], index: NDArray[Any]) -> NDArray[Any]:
    """`array[index]`, for numbers or a mask; what is the same everywhere stays so without memory."""
    if not is_same(array):
        rows: NDArray[Any] = array[index]
        return rows
    return np.broadcast_to(array[0], (int(np.count_nonzero(index)) if index.dtype == bool else len(index),))


def chained(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Arrays one after the other; where all are the same number, without memory."""
    some = [array for array in arrays if len(array)]
    if some and all(is_same(array) and array[0] == some[0][0] for array in some):
        return np.broadcast_to(some[0][0], (sum(map(len, some)),))
    return np.concatenate(arrays)


def is_same(array: NDArray[Any]) -> bool:
    """Whether an array is one number for every event."""
    return array.ndim == 1 and len(array) > 0 and array.strides == (0,)
