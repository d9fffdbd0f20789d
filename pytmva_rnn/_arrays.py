"""Arrays as users hand them in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.errors import DataError

__all__ = ["numbers"]


def numbers(values: ArrayLike, name: str, dtype: np.dtype[Any] | None = None) -> NDArray[Any]:
    """An array of numbers, of a given type if that is wanted.

    Raises
    ------
    DataError
        For texts, objects, or rows of different length.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name} is not an array of numbers: {error}") from error
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} is not an array of numbers but of {array.dtype}")
    return array if dtype is None else array.astype(dtype, copy=False)
