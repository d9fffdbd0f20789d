"""What a GPU can do at most, measured: the bandwidth of its memory, and its rate of float32 multiply-adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import cuda as _cuda

from bench.roofline import Peaks
from pytmva_rnn.network.devices import simulated

__all__ = ["measure_gpu_peaks", "multiply_adds"]

cuda: Any = _cuda

_COPIED = 1 << 10 if simulated() else 1 << 28
"""Bytes of the copy that the bandwidth is measured with, several times any L2 cache."""

CHAINS = 8
"""Independent sums of a thread: more than the latency of a multiply-add, with the other warps of a multiprocessor."""

_COUNT = 2 if simulated() else 4096
_BLOCKS, _THREADS = (1, 2) if simulated() else (4096, 256)


def measure_gpu_peaks() -> Peaks:
    """Measure the GPU in use: bytes, read and written, and operations of multiply-adds a second."""
    source, target = (cuda.device_array(_COPIED // 4, np.float32) for _ in range(2))
    copied = _shortest(lambda: target.copy_to_device(source))
    out = cuda.device_array(_BLOCKS * _THREADS, np.float32)
    multiplied = _shortest(lambda: multiply_adds[_BLOCKS, _THREADS](out, np.float32(0.999), _COUNT))
    operations = 2 * CHAINS * _COUNT * _BLOCKS * _THREADS
    return Peaks(0, flops=operations / multiplied, bandwidth=2 * _COPIED / copied, working_set=2 * _COPIED)


def _multiply_adds(out: Any, x: Any, count: Any) -> None:
    """`count` multiply-adds on each of `CHAINS` sums; out gets what depends on all of them."""
    sums = cuda.local.array(CHAINS, numba.float32)
    for k in range(CHAINS):
        sums[k] = x * np.float32(k)
    for _ in range(count):
        for k in range(CHAINS):
            sums[k] = sums[k] * x + x
    total = np.float32(0)
    for k in range(CHAINS):
        total += sums[k]
    out[cuda.grid(1)] = total


multiply_adds: Any = cuda.jit(_multiply_adds)


def _shortest(call: Callable[[], Any]) -> float:
    """Seconds of the quickest of some calls."""
    times = []
    for _ in range(10):
        start, stop = cuda.event(), cuda.event()
        start.record()
        call()
        stop.record()
        stop.synchronize()
        times.append(float(start.elapsed_time(stop)) / 1e3)
    return min(times)
