"""Rows that come a piece at a time, put together as they come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["GrowingArray"]


class GrowingArray:
    """Rows one after the other, (n, ...), of the kind and shape of the first ones.

    They are never there twice, as they would be in pieces that are joined in the end; and where pieces are read by
    another thread, copying them takes no time of its own.
    """

    def __init__(self) -> None:
        self._rows: NDArray[Any] | None = None
        self._filled = 0

    def append(self, piece: NDArray[Any], following: int = 0) -> None:
        """Further rows; as many more as `following` says are expected, and have their place where there is one."""
        if self._rows is None:
            self._rows = self._reserved(piece, following)
        stop = self._filled + len(piece)
        if stop > len(self._rows):
            # a little more than is needed: moving all for each piece, where the system must, would take long
            self._resize(max(stop, len(self._rows) + len(self._rows) // 8))
        self._rows[self._filled : stop] = piece
        self._filled = stop

    def finish(self) -> NDArray[Any]:
        """All of them; nothing is to be added then.

        Raises
        ------
        ValueError
            If there was no piece.
        """
        if self._rows is None:
            raise ValueError("no rows were added")
        self._resize(self._filled)
        return self._rows

    @staticmethod
    def _reserved(piece: NDArray[Any], following: int) -> NDArray[Any]:
        """Place for the first rows and those that follow, which takes memory as it is written to."""
        try:
            return np.empty((len(piece) + following, *piece.shape[1:]), piece.dtype)
        except (MemoryError, ValueError):  # nobody can say how many come before they are there
            return np.empty(piece.shape, piece.dtype)

    def _resize(self, count: int) -> None:
        assert self._rows is not None
        # nobody else has it yet
        self._rows.resize((count, *self._rows.shape[1:]), refcheck=False)
