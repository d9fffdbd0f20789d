"""Data sets that stay on the device from batch to batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels.cuda.machine.device import free_memory, upload

_SHARE = 0.6
"""Of the free memory, for one more data set; the rest is for activations."""


class Residents:
    """Copies of host arrays, each uploaded once.

    An array is known by its address, shape and type: slices of the same array are the same, and an array that is kept
    here is not freed, so that its address is not used again. It must not be changed in the meantime.
    """

    def __init__(self) -> None:
        self._kept: dict[Any, tuple[NDArray[Any], Any]] = {}

    def get(self, *arrays: NDArray[Any]) -> tuple[Any, ...] | None:
        """The copies as float32 matrices (w as a vector), or None if the device has too little memory for them."""
        keys = [(a.ctypes.data, a.shape, a.strides, a.dtype.str) for a in arrays]
        missing = [(key, a) for key, a in zip(keys, arrays, strict=True) if key not in self._kept]
        # asking the device takes longer than a small batch
        if missing and sum(4 * a.size for _, a in missing) > _SHARE * free_memory():
            return None
        try:
            for key, a in missing:
                flat = a if a.ndim == 1 else a.reshape(len(a), -1)
                self._kept[key] = (a, upload(flat, np.float32))
        except MemoryError:
            return None
        return tuple(self._kept[key][1] for key in keys)

    def release(self) -> bool:
        """Free them all; returns whether there were any."""
        had = bool(self._kept)
        self._kept.clear()
        return had
