"""Arrays as users hand them in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.description.arrays import numbers
from pytmva_rnn.errors import DataError

__all__ = ["expected", "shaped"]


def expected(X: ArrayLike, shape: tuple[int, int]) -> NDArray[Any]:
    """X as an array of numbers, of any type and layout, (n, T*D) or (n, T, D).

    Raises
    ------
    DataError
        If the events do not have T*D variables.
    """
    array = numbers(X, "X")
    steps, inputs = shape
    if array.shape[1:] not in (shape, (steps * inputs,)):
        raise DataError(
            f"X has the shape {array.shape}; expected (n, {steps * inputs}) or (n, {steps}, {inputs}): "
            f"{steps} step(s) of {inputs} input(s), time-major"
        )
    return array


def shaped(X: ArrayLike, shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
    """X, (n, T*D) or (n, T, D), as a contiguous (n, T, D).

    Raises
    ------
    DataError
        If the events do not have T*D variables.
    """
    # what needs no preparation, as small batches come again and again
    if type(X) is np.ndarray and X.dtype is dtype and X.shape[1:] == shape and X.flags.c_contiguous:
        return X
    array = expected(X, shape)
    return np.ascontiguousarray(array, dtype).reshape(len(array), *shape)
