"""Arrays that stay as they are, and whether what users hand in is arrays at all."""

from __future__ import annotations

import sys
from math import isfinite
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.errors import DataError

__all__ = [
    "KeepsArrays",
    "all_finite",
    "check_unmasked",
    "immutable",
    "is_finite",
    "is_numbers",
    "is_tuple_of",
    "not_finite",
    "numbers",
]


def immutable(values: Any) -> Any:
    """The same numbers in memory that nobody can change; what is no array of numbers comes back as it is.

    The memory is that of a `bytes` object: such an array cannot be made writeable again, and is taken without a copy.
    """
    try:
        array = np.asarray(values)
    except (RuntimeError, TypeError, ValueError):  # rows of different length, tensors that do not give their values
        return values
    if array.dtype.kind not in "biuf":
        return values
    memory: Any = array
    while isinstance(memory, np.ndarray):
        memory = memory.base
    if isinstance(memory, bytes):
        return array
    if not array.size:
        array = array.copy()
        array.flags.writeable = False
        return array
    return np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)


def is_numbers(values: object) -> bool:
    """Whether this is an array of numbers."""
    return isinstance(values, np.ndarray) and values.dtype.kind in "biuf"


def is_finite(value: object) -> bool:
    """Whether this is a finite number."""
    return isinstance(value, float | int | np.floating) and not isinstance(value, bool) and isfinite(value)


def all_finite(values: NDArray[Any]) -> bool:
    """Whether no number of an array is NaN or infinite; the extremes take no memory beside a large sample."""
    return not values.size or bool(np.isfinite(values.min()) and np.isfinite(values.max()))


def is_tuple_of(kind: type[object], items: object) -> bool:
    """Whether this is a tuple of objects of one kind."""
    return isinstance(items, tuple) and all(isinstance(item, kind) for item in items)


def not_finite(values: NDArray[Any]) -> str:
    """The first number of a matrix that is not finite in float32, and where it stands; empty if all are finite."""
    with np.errstate(over="ignore"):
        finite = np.isfinite(values.astype(np.float32))
    if finite.all():
        return ""
    row, column = np.argwhere(~finite)[0]
    return f"{values[row, column]} in row {row}, column {column}"


class KeepsArrays:
    """What keeps the arrays of its fields `array_names` in memory of its own, which cannot be changed."""

    array_names: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in self.array_names:
            object.__setattr__(self, name, immutable(getattr(self, name)))

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()


def check_unmasked(values: object, name: str) -> None:
    """Refuse a masked array of which values are masked: NumPy would take what lies below the mask for numbers.

    Raises
    ------
    DataError
        With their number.
    """
    # who has masked arrays has imported what makes them
    masked: Any = sys.modules.get("numpy.ma")
    # another thread may be importing it, and nobody has such an array then
    if hasattr(masked, "is_masked") and isinstance(values, masked.MaskedArray) and masked.is_masked(values):
        count = int(masked.count_masked(values))
        raise DataError(
            f"{name} has {count:,} masked values, which are no numbers: give the array with numbers in their place, as "
            "its filled(0.0) has them, and tell with mask or lengths which steps are not there"
        )


def numbers(values: ArrayLike, name: str, dtype: np.dtype[Any] | None = None) -> NDArray[Any]:
    """An array of numbers, of a given type if that is wanted.

    Raises
    ------
    DataError
        For texts, objects, rows of different length, or values that are masked.
    """
    check_unmasked(values, name)
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name} is not an array of numbers: {error}") from error
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} is not an array of numbers but of {array.dtype}")
    return array if dtype is None else array.astype(dtype, copy=False)
