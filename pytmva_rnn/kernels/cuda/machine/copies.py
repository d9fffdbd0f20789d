"""Arrays between the host and the device, in the order of a stream."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

__all__ = ["fill", "pieces", "read"]


def fill(target: Any, source: Any, stream: Any = 0) -> None:
    """Copy an array of the host or the device into the first rows of one on the device.

    Of the host's it takes a copy before it returns, unless its memory is pinned: that must not change before the stream
    has come so far.
    """
    if isinstance(source, np.ndarray):
        source = np.ascontiguousarray(source, target.dtype)
    part = target if len(source) == len(target) else target[: len(source)]
    part.copy_to_device(source.reshape(part.shape), stream=stream)


def read(array: Any) -> NDArray[Any]:
    """A copy on the host, after all that was launched on whatever stream."""
    # a default stream of the thread's own waits for no other
    cuda.synchronize()
    copy: NDArray[Any] = array.copy_to_host()
    return copy


def pieces(events: int, size: int) -> list[tuple[int, int]]:
    """Ranges of events, each of at most `size`."""
    return [(start, min(start + size, events)) for start in range(0, events, size)]
