"""A block's shared memory, in floats from its start: who has which place, and how the numbers of events lie there."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Sizes = TypeVar("Sizes", bound=tuple[Any, ...])


class EventRows(NamedTuple):
    """Numbers of each of the block's events: number k of event e lies at `start + e*pitch + k`.

    Those of a sequence are the numbers of its first step, then those of the second ..., without gaps: so a reshape
    moves nothing.
    """

    start: int
    pitch: int
    size: int


class WeightMatrix(NamedTuple):
    """Weights: row n from `start + n*pitch` on; among all weights they lie from `source` on, without gaps."""

    start: int
    pitch: int
    rows: int
    columns: int
    source: int

    def places(self) -> NDArray[np.int32]:
        """Where each of the weights lies, (rows, columns)."""
        return np.asarray(
            self.start + self.pitch * np.arange(self.rows)[:, np.newaxis] + np.arange(self.columns), np.int32
        )


class Room:
    """Shared memory that is given out from its start.

    Attributes
    ----------
    floats : int
        How many were given out.
    """

    def __init__(self) -> None:
        self.floats = 0

    def take(self, floats: int) -> int:
        """The start of a place, from which four floats can be loaded at once."""
        start = self.floats
        self.floats += -(-floats // 4) * 4
        return start

    def rows(self, events: int, size: int) -> EventRows:
        """A place for `size` numbers of each event."""
        return EventRows(self.take(events * pitch(size)), pitch(size), size)

    def matrix(self, source: int, rows: int, columns: int) -> WeightMatrix:
        """A place for weights."""
        return WeightMatrix(self.take(rows * pitch(columns)), pitch(columns), rows, columns, source)


def pitch(columns: int) -> int:
    """Floats from row to row: an odd number of fours, so that eight rows have four floats each in different banks."""
    fours = -(-columns // 4)
    return 4 * (fours + 1 - fours % 2)


def unsigned(*numbers: int) -> tuple[Any, ...]:
    """Numbers for compiled code, without a sign: Numba looks whether an index with a sign is below zero."""
    return tuple(number if isinstance(number, bool) else np.uint64(number) for number in numbers)


def constant(sizes: Sizes) -> Sizes:
    """The same of a named tuple."""
    kind: Any = type(sizes)
    made: Sizes = kind(*unsigned(*sizes))
    return made
