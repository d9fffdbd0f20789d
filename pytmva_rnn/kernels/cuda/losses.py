"""Loss functions of raw outputs and their gradients; see `kernels.reference.losses`."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.device import THREADS, blocks_for, kernel

NUMBERS = {"R": 0, "C": 1, "S": 2}


@kernel
def _terms(kind, out, y, w, gradient, terms, events, total, wanted):
    """Each event's part of the loss, and the gradient of its outputs; the mean is over `total` events."""
    outputs = out.shape[1]
    for n in range(cuda.grid(1), events, cuda.gridsize(1)):
        scale = numba.float64(w[n]) / total
        term = 0.0
        if kind == 2:
            top, norm, target = numba.float64(out[n, 0]), 0.0, 0.0
            for j in range(outputs):
                # not max(): a NaN must come through
                top = numba.float64(out[n, j]) if out[n, j] > top else top
                target += y[n, j]
            for j in range(outputs):
                norm += math.exp(numba.float64(out[n, j]) - top)
            log_sum = top + math.log(norm)
            for j in range(outputs):
                value = numba.float64(out[n, j])
                term += scale * y[n, j] * (log_sum - value)
                if wanted:
                    gradient[n, j] = scale * (math.exp(value - log_sum) * target - y[n, j])
        else:
            scale /= outputs
            for j in range(outputs):
                value, goal = numba.float64(out[n, j]), numba.float64(y[n, j])
                if kind == 0:
                    term += scale * (goal - value) ** 2
                    slope = 2 * (value - goal)
                else:
                    above = value if value > 0 else value * 0
                    term += scale * (above - value * goal + math.log1p(math.exp(-abs(value))))
                    slope = 0.5 * math.tanh(0.5 * value) + 0.5 - goal
                if wanted:
                    gradient[n, j] = scale * slope
        terms[n] = term


@kernel
def _add(terms, events, total):
    """total += the sum of the terms, by one block, always in the same order."""
    sums = cuda.shared.array(THREADS, numba.float64)
    thread = cuda.threadIdx.x
    value = 0.0
    for n in range(thread, events, THREADS):
        value += terms[n]
    sums[thread] = value
    cuda.syncthreads()
    if thread == 0:
        for k in range(THREADS):
            total[0] += sums[k]


class Loss:
    """A loss on the device.

    Parameters
    ----------
    letter : "R", "C" or "S"
    events, outputs : int
        The largest batch.
    training : bool
        Whether gradients are wanted.
    """

    def __init__(self, letter: str, events: int, outputs: int, *, training: bool) -> None:
        self._kind = NUMBERS[letter]
        self._training = training
        self._terms = cuda.device_array(events, np.float64)
        self.y = cuda.device_array((events, outputs), np.float32)
        self.w = cuda.device_array(events, np.float32)
        self.gradient = cuda.device_array((events, outputs) if training else (1, 1), np.float32)

    def add(self, out: Any, events: int, total: Any, mean_over: int) -> None:
        """Add the loss of a batch to total[0], a float64 on the device."""
        grid = blocks_for(events), THREADS
        _terms[grid](self._kind, out, self.y, self.w, self.gradient, self._terms, events, mean_over, self._training)
        _add[1, THREADS](self._terms, events, total)
