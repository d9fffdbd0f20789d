"""Events on their way from the host to the device, beside the computation with those before them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from pytmva_rnn.kernels.cuda.machine.copies import fill
from pytmva_rnn.kernels.cuda.machine.device import empty, event, pinned

__all__ = ["PLACES", "Staging"]

PLACES = 2
"""While the device works with the events of one place, those of the other come."""

_PART = 1 << 21
"""At least so many bytes are worth a thread that copies them, an eighth of rows from all over the memory."""

_THREADS = 8
"""At most so many copy: more do not make the memory faster."""


class Staging:
    """Two places for events: each a pinned buffer of the host, from which the device copies by itself, and rows there.

    `bring` fills the next place, and `release` says that what was launched so far is all that needs it. The host waits
    when a place comes round again, and only for the copy out of its buffer; the copy waits for the launches.

    Parameters
    ----------
    rows : int
        Events of a place.
    shapes : sequence of tuples
        Of an event in each of the arrays; () for a number.
    stream : CUDA stream
        Where the computation is launched.
    threads : int, optional
        That may copy on the host; some of the processors if None.

    Attributes
    ----------
    arrays : tuple of (PLACES*rows, ...) float32 on the device
        Place k has the rows from k*rows on.
    rows : int

    Raises
    ------
    MemoryError
    """

    def __init__(self, rows: int, shapes: Sequence[tuple[int, ...]], stream: Any, threads: int | None = None) -> None:
        self.rows = rows
        self.arrays = tuple(empty((PLACES * rows, *shape)) for shape in shapes)
        self._buffers = [tuple(pinned((rows, *shape)) for shape in shapes) for _ in range(PLACES)]
        self._stream, self._copies = stream, cuda.stream()
        self._came, self._used = ([event() for _ in range(PLACES)] for _ in range(2))
        self._next = 0
        self._threads = min(_THREADS, threads or os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(self._threads)

    def bring(self, arrays: Sequence[NDArray[Any]], chosen: NDArray[np.int64] | None = None) -> tuple[Any, ...]:
        """Bring the events of the host's arrays, or those that are chosen; returns them on the device.

        What is launched on the stream from now on finds them there.
        """
        place = self._next
        self._next = (place + 1) % PLACES
        count = len(arrays[0] if chosen is None else chosen)
        self._came[place].synchronize()
        buffers = tuple(buffer[:count] for buffer in self._buffers[place])
        for buffer, array in zip(buffers, arrays, strict=True):
            self._copy(buffer, array, chosen)
        first = place * self.rows
        targets = tuple(array[first : first + count] for array in self.arrays)
        self._used[place].wait(self._copies)
        for target, buffer in zip(targets, buffers, strict=True):
            fill(target, buffer, self._copies)
        self._came[place].record(self._copies)
        self._came[place].wait(self._stream)
        return targets

    def release(self) -> None:
        """All that needs the events that came last has been launched."""
        self._used[self._next - 1].record(self._stream)

    def begin(self) -> None:
        """Have the next events come into the first place."""
        self._next = 0

    def _copy(self, target: NDArray[np.float32], source: NDArray[Any], chosen: NDArray[np.int64] | None) -> None:
        """Copy rows from one place of the host to another, by as many threads as pay."""
        count = max(1, min(self._threads, target.nbytes // (_PART if chosen is None else _PART // 8), len(target)))
        cuts = [len(target) * k // count for k in range(count + 1)]

        def copy(part: slice) -> None:
            if chosen is None:
                np.copyto(target[part], source[part], casting="same_kind")
            elif source.dtype == target.dtype:
                # the numbers are known to be right; to look at them takes a copy of the rows
                np.take(source, chosen[part], axis=0, out=target[part], mode="clip")
            else:
                target[part] = source[chosen[part]]

        parts = [slice(*each) for each in pairwise(cuts)]
        if count == 1:
            copy(*parts)
        else:
            list(self._pool.map(copy, parts))
