"""Loss functions of raw outputs and their gradients; see `kernels.reference.losses`."""

from __future__ import annotations

import math
from typing import Any

import numba
from numba import cuda

from pytmva_rnn.kernels.codes import LOSSES, SOFTMAX_CROSS_ENTROPY, SUM_OF_SQUARES
from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, THREADS, blocks_for, device, empty, kernel
from pytmva_rnn.kernels.cuda.machine.layer import Run

BLOCKS = 2 if SIMULATED else 128
"""At most so many blocks of the kernel here."""

SUMS = 4 if SIMULATED else 1024
"""At most so many of any kernel, each with its own place for its sum: the host adds them up when it wants the loss."""


@device
def event_loss(kind, out, y, gradient, scale, wanted):
    """The loss of an event of the weight `scale`; if wanted, also the gradient of its outputs."""
    outputs = out.shape[0]
    term = 0.0
    if kind == SOFTMAX_CROSS_ENTROPY:
        top, norm, target = numba.float64(out[0]), 0.0, 0.0
        for j in range(outputs):
            # not max(): a NaN must come through
            top = numba.float64(out[j]) if out[j] > top else top
            target += y[j]
        for j in range(outputs):
            norm += math.exp(numba.float64(out[j]) - top)
        log_sum = top + math.log(norm)
        for j in range(outputs):
            value = numba.float64(out[j])
            term += scale * y[j] * (log_sum - value)
            if wanted:
                gradient[j] = scale * (math.exp(value - log_sum) * target - y[j])
    else:
        scale /= outputs
        for j in range(outputs):
            value, goal = numba.float64(out[j]), numba.float64(y[j])
            if kind == SUM_OF_SQUARES:
                term += scale * (goal - value) ** 2
                slope = 2 * (value - goal)
            else:
                above = value if value > 0 else value * 0
                term += scale * (above - value * goal + math.log1p(math.exp(-abs(value))))
                slope = 0.5 * math.tanh(0.5 * value) + 0.5 - goal
            if wanted:
                gradient[j] = scale * slope
    return term


@kernel
def _loss(kind, out, y, w, gradient, sums, events, total, wanted):
    """Add the loss of the block's events to its sum, and make the gradient of their outputs.

    The mean is over `total` events. Sums are always in the same order.
    """
    shared = cuda.shared.array(THREADS, numba.float64)
    thread = cuda.threadIdx.x
    mine = 0.0
    for n in range(cuda.grid(1), events, cuda.gridsize(1)):
        mine += event_loss(kind, out[n], y[n], gradient[n if wanted else 0], numba.float64(w[n]) / total, wanted)
    shared[thread] = mine
    half = THREADS // 2
    while half > 0:
        cuda.syncthreads()
        if thread < half:
            shared[thread] += shared[thread + half]
        half //= 2
    if thread == 0:
        sums[cuda.blockIdx.x] += shared[0]


class DeviceLoss:
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
        self._kind = LOSSES[letter]
        self._training = training
        self.y = empty((events, outputs))
        self.w = empty(events)
        self.gradient = empty((events, outputs) if training else (1, 1))

    def add(self, run: Run, out: Any, sums: Any, mean_over: int) -> None:
        """Add the loss of a batch to the sums, `BLOCKS` float64 on the device."""
        grid = min(blocks_for(run.events), BLOCKS), THREADS, run.stream
        _loss[grid](self._kind, out, self.y, self.w, self.gradient, sums, run.events, mean_over, self._training)
