"""What a GPU can do at most, measured: its memory's bandwidth, the rate of multiply-adds, steps in turn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import cuda as _cuda

from bench.roofline import Peaks
from pytmva_rnn.kernels.cuda.machine.device import multiprocessors
from pytmva_rnn.network.devices import simulated

__all__ = ["dependent_steps", "measure_gpu_peaks", "multiply_adds"]

cuda: Any = _cuda

_COPIED = 1 << 10 if simulated() else 1 << 28
"""Bytes of the copy that the bandwidth is measured with, several times any L2 cache."""

CHAINS = 32
"""Independent sums of a thread, so many that the loop around them counts little."""

_CALLS = 1 if simulated() else 10

WARP = 2 if simulated() else 32

_COUNT = 2 if simulated() else 1024
_THREADS = 2 if simulated() else 256
_EACH = 1 if simulated() else 64
"""Blocks of a multiprocessor, so many that the last ones, which do not fill all of them, count little."""


def measure_gpu_peaks() -> Peaks:
    """Measure the GPU in use: bytes, read and written, and operations of multiply-adds a second; seconds of a step."""
    source, target = (cuda.device_array(_COPIED // 4, np.float32) for _ in range(2))
    copied = _shortest(lambda: target.copy_to_device(source))
    blocks = _EACH * multiprocessors()
    out = cuda.device_array(blocks * _THREADS, np.float32)
    multiplied = _shortest(lambda: multiply_adds[blocks, _THREADS](out, np.float32(0.999), _COUNT))
    operations = 2 * CHAINS * _COUNT * blocks * _THREADS
    few = _shortest(lambda: dependent_steps[1, WARP](out, _COUNT))
    many = _shortest(lambda: dependent_steps[1, WARP](out, 3 * _COUNT))
    return Peaks(
        0,
        flops=operations / multiplied,
        bandwidth=2 * _COPIED / copied,
        working_set=2 * _COPIED,
        step=(many - few) / (2 * _COUNT),
    )


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


def _dependent_steps(out: Any, count: Any) -> None:
    """`count` steps of a warp, each of whose threads has one multiply-add and one sigmoid of its neighbour's value."""
    values = cuda.shared.array(WARP, numba.float32)
    thread = cuda.threadIdx.x
    values[thread] = np.float32(0.5)
    one = np.float32(1)
    for _ in range(count):
        cuda.syncthreads()
        value = values[(thread + 1) % WARP]
        cuda.syncthreads()
        values[thread] = one / (one + math.exp(-(value * np.float32(0.9) + np.float32(0.1))))
    out[thread] = values[thread]


multiply_adds: Any = cuda.jit(_multiply_adds)
dependent_steps: Any = cuda.jit(_dependent_steps)


def _shortest(call: Callable[[], Any]) -> float:
    """Seconds of a call in the quickest of some rows, in which the device need not wait for the host."""
    times = []
    for _ in range(5):
        start, stop = cuda.event(), cuda.event()
        call()
        start.record()
        for _ in range(_CALLS):
            call()
        stop.record()
        stop.synchronize()
        times.append(float(start.elapsed_time(stop)) / 1e3 / _CALLS)
    return min(times)
