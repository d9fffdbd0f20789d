"""Where arrays of events go that are not to be in memory: into files without names, mapped to memory."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pytmva_rnn.data.mapped_files import PageKeeper, allocate, mapped
from pytmva_rnn.data.same_numbers import is_same, picked
from pytmva_rnn.errors import DataError, OutputError
from pytmva_rnn.outputs import check_space

__all__ = ["Storage"]


@dataclass(frozen=True, eq=False)
class Storage:
    """Makes arrays in memory where they are small, else in files that nobody else sees, which vanish with the arrays.

    Attributes
    ----------
    folder : Path
        Of these files.
    share : int
        Bytes up to which an array is in memory, and which a piece of a larger one takes that is worked on.
    """

    folder: Path
    share: int
    _pages: PageKeeper = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pages", PageKeeper(self.share))

    def __reduce__(self) -> Any:
        raise DataError(
            "events within a limit of memory are not sent to another process: load them there, the cache has them"
        )

    def rows(self, array: NDArray[Any]) -> int:
        """Rows of an array that are worked on at a time."""
        return max(1, self.share // max(1, array.itemsize * prod(array.shape[1:])))

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """An array to be filled.

        Raises
        ------
        OutputError
            If the disk has no space for it.
        """
        size = np.dtype(dtype).itemsize * prod(shape)
        if size <= self.share:
            return np.empty(shape, dtype)
        self.folder.mkdir(parents=True, exist_ok=True)
        check_space("events", self.folder / "events", size)
        try:
            with tempfile.TemporaryFile(dir=self.folder, prefix=".events-") as file:
                allocate(file, size)
                return mapped(file, dtype, shape, writable=True)
        except OSError as error:
            raise OutputError(f"the events cannot be written to {self.folder}: {error.strerror or error}") from error

    def take(self, array: NDArray[Any], index: NDArray[Any]) -> NDArray[Any]:
        """`array[index]`, for numbers or a mask.

        Whatever the order, the array is read once from begin to end, and the result written twice.
        """
        if is_same(array):
            return picked(array, index)
        if index.dtype == bool:
            index = np.flatnonzero(index)
        out = self.empty((len(index), *array.shape[1:]), array.dtype)
        rows = self.rows(out)
        if len(index) <= rows:
            out[...] = array[index]
        elif _ascends(index) or not self._distributed(array, index, out):
            for first in range(0, len(index), rows):
                out[first : first + rows] = array[index[first : first + rows]]
        return out

    def _distributed(self, array: NDArray[Any], index: NDArray[np.int64], out: NDArray[Any]) -> bool:
        """Fill `out` by way of parts that fit into memory: each row first goes to its part, then to its place in it.

        Returns
        -------
        bool
            False, with nothing done, if a row is asked for twice, or counted from the end.
        """
        if index.min() < 0:
            return False
        rows = self.rows(out)
        parts = [slice(first, min(first + rows, len(out))) for first in range(0, len(out), rows)]
        kind = np.uint16 if len(parts) < _NOWHERE else np.uint32
        nowhere = np.iinfo(kind).max
        part_of = np.full(len(array), nowhere, kind)
        for number, part in enumerate(parts):
            part_of[index[part]] = number
        if np.count_nonzero(part_of != nowhere) != len(index):
            return False
        filled = [part.start for part in parts]
        for first in range(0, len(array), rows):
            goals = part_of[first : first + rows]
            chosen = np.flatnonzero(goals != nowhere)
            chosen = chosen[np.argsort(goals[chosen], kind="stable")]
            values = array[first : first + rows][chosen]
            start = 0
            for number, count in enumerate(np.bincount(goals[chosen], minlength=len(parts)).tolist()):
                out[filled[number] : filled[number] + count] = values[start : start + count]
                filled[number] += count
                start += count
        for part in parts:
            # they have come in the order of the array
            out[part][np.argsort(index[part])] = out[part].copy()
        return True


_NOWHERE = 65_535


def _ascends(index: NDArray[np.int64]) -> bool:
    pieces = (index[first : first + _AT_ONCE + 1] for first in range(0, len(index), _AT_ONCE))
    return all(bool((piece[1:] >= piece[:-1]).all()) for piece in pieces)


_AT_ONCE = 1_000_000
