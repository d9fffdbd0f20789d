"""The optimizers' updates, with the sums of the partial gradients; see `kernels.reference.optimizers`."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import cuda
from numpy.typing import NDArray

from pytmva_rnn.kernels.codes import ADAGRAD, ADAM, L2, NO_PENALTY, OPTIMIZERS, RMSPROP, SGD, optimizer_constants
from pytmva_rnn.kernels.cuda.machine.copies import fill, read
from pytmva_rnn.kernels.cuda.machine.device import (
    SIMULATED,
    THREADS,
    device,
    empty,
    float32,
    index,
    kernel,
    upload,
    zeros,
)
from pytmva_rnn.kernels.cuda.machine.layer import Run

COLUMNS = 2 if SIMULATED else 32
"""Weights that a block of threads works on at once, side by side in memory."""

LANES = THREADS // COLUMNS
"""Threads that share a weight's partial sums."""


@device
def _gradient(partials, places, k, size, weight, decays, regularization, decay, sums):
    """Sum of a weight's partial gradients, with the penalty's: `decay*sign(w)` or `2*decay*w`.

    Each lane adds up every `LANES`th of them, always in the same order, and then all threads of the weight those
    sums. All threads of a block call it together; of a weight k beyond the last one it is 0.
    """
    g = np.float32(0)
    if k < size:
        place, apart = places[0, k], places[1, k]
        count, chunk, ahead = places[2, k], numba.int64(cuda.threadIdx.y), LANES * apart
        place += chunk * apart
        # four sums, so that a thread asks for the next ones before it has those that it adds up
        a, b, c, d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        while chunk + 3 * LANES < count:
            a += partials[index(place)]
            b += partials[index(place + ahead)]
            c += partials[index(place + 2 * ahead)]
            d += partials[index(place + 3 * ahead)]
            place += 4 * ahead
            chunk += 4 * LANES
        while chunk < count:
            a += partials[index(place)]
            place += ahead
            chunk += LANES
        g = (a + b) + (c + d)
    sums[cuda.threadIdx.y, cuda.threadIdx.x] = g
    cuda.syncthreads()
    g = np.float32(0)
    for lane in range(LANES):
        g += sums[lane, cuda.threadIdx.x]
    cuda.syncthreads()
    if k < size and decays[k]:
        if regularization == L2:
            g += np.float32(2) * decay * weight
        elif weight > np.float32(0):
            g += decay
        elif weight < np.float32(0):
            g -= decay
    return g


@kernel
def _sum(partials, places, w, decays, gradient, squares, size, regularization, decay):
    """All gradients, and each block's sum of their squares."""
    sums = cuda.shared.array((LANES, COLUMNS), float32)
    totals = cuda.shared.array(COLUMNS, numba.float64)
    total = 0.0
    for first in range(cuda.blockIdx.x * COLUMNS, size, cuda.gridDim.x * COLUMNS):
        k = first + cuda.threadIdx.x
        weight = w[k] if k < size else np.float32(0)
        g = _gradient(partials, places, k, size, weight, decays, regularization, decay, sums)
        if k < size and cuda.threadIdx.y == 0:
            gradient[k] = g
            total += numba.float64(g) * numba.float64(g)
    if cuda.threadIdx.y == 0:
        totals[cuda.threadIdx.x] = total
    cuda.syncthreads()
    if cuda.threadIdx.x == 0 and cuda.threadIdx.y == 0:
        total = 0.0
        for column in range(COLUMNS):
            total += totals[column]
        squares[cuda.blockIdx.x] = total


@kernel
def _clip(squares, blocks, most, scale):
    """What gradients are multiplied with so that their Euclidean norm is at most `most`; one block."""
    totals = cuda.shared.array(THREADS, numba.float64)
    total = 0.0
    for block in range(cuda.threadIdx.x, blocks, THREADS):
        total += squares[block]
    totals[cuda.threadIdx.x] = total
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        total = 0.0
        for thread in range(THREADS):
            total += totals[thread]
        norm = math.sqrt(total)
        scale[0] = np.float32(most / norm) if norm > most else np.float32(1)


@device
def _descend(kind, k, g, w, moments, rate, first, second, epsilon):
    """One step of weight k with its gradient."""
    one = np.float32(1)
    v, u = moments[0, k], moments[1, k]
    if kind == SGD:
        v = first * v + g
        w[k] -= rate * v
    elif kind == ADAM:
        u = first * u + (one - first) * g
        v = second * v + (one - second) * g * g
        w[k] -= rate * u / (math.sqrt(v) + epsilon)
    elif kind == ADAGRAD:
        v += g * g
        w[k] -= rate * g / math.sqrt(v + epsilon)
    elif kind == RMSPROP:
        v = second * v + (one - second) * g * g
        u = first * u + rate * g / math.sqrt(v + epsilon)
        w[k] -= u
    else:
        v = second * v + (one - second) * g * g
        d = g * math.sqrt(u + epsilon) / math.sqrt(v + epsilon)
        w[k] -= rate * d
        u = second * u + (one - second) * d * d
    moments[0, k], moments[1, k] = v, u


@kernel
def _update(
    kind,
    partials,
    places,
    w,
    decays,
    moments,
    size,
    regularization,
    decay,
    rates,
    now,
    first,
    second,
    epsilon,
    scale,
):
    """One step of all weights, which ends the batch. `first` and `second` are momentum and rho, or Adam's two betas."""
    sums = cuda.shared.array((LANES, COLUMNS), float32)
    rate = rates[now[1]]
    for start in range(cuda.blockIdx.x * COLUMNS, size, cuda.gridDim.x * COLUMNS):
        k = start + cuda.threadIdx.x
        weight = w[k] if k < size else np.float32(0)
        g = scale[0] * _gradient(partials, places, k, size, weight, decays, regularization, decay, sums)
        if k < size and cuda.threadIdx.y == 0:
            _descend(kind, k, g, w, moments, rate, first, second, epsilon)
    if cuda.blockIdx.x == 0 and cuda.threadIdx.x == 0 and cuda.threadIdx.y == 0:
        now[0] = now[1] + 1


class Optimizer:
    """The weights' updates.

    Parameters
    ----------
    w : flat weights on the device
    decays : uint8 array on the device
        Which of them the penalty's gradient applies to.
    regularization : int
        Its number in `kernels.codes`.
    decay : float
    settings : None or training settings with TMVA's keys as attributes
    clip_norm : float
        Euclidean norm that a step scales larger gradients down to; 0 for none.
    """

    def __init__(self, w: Any, decays: Any, regularization: int, decay: float, settings: Any, clip_norm: float) -> None:
        self._w, self._decays, self._size = w, decays, w.size
        # factor 0 stands for no regularization
        self._penalty = regularization, np.float32(decay if regularization != NO_PENALTY else 0)
        self._steps = 0
        self._clip_norm = clip_norm
        self._scale = upload(np.ones(1))
        self._blocks = _blocks_for(self._size)
        self._squares = zeros(self._blocks, np.float64)
        if settings is not None:
            self._kind = OPTIMIZERS[settings.optimizer]
            self.rate = settings.learning_rate
            self._rates = optimizer_constants(settings)
            self._moments = zeros((2, self._size))
            if clip_norm:
                self._gradient = empty(self._size)

    def gradient(self, run: Run) -> Any:
        """All gradients, flat, with the penalty's, on the device."""
        gradient = empty(self._size)
        self._sum(run, gradient)
        return gradient

    def _sum(self, run: Run, gradient: Any) -> None:
        """Write all gradients, and the sums of their squares."""
        partials = run.partials
        _sum[self._blocks, (COLUMNS, LANES), run.stream](
            partials.flat, partials.places, self._w, self._decays, gradient, self._squares, self._size, *self._penalty
        )

    def rates(self, count: int) -> NDArray[np.float32]:
        """The learning rates of the next steps."""
        rates = np.full(count, self.rate)
        if self._kind == ADAM:
            first, second, _ = self._rates
            number = self._steps + np.arange(1, count + 1)
            rates *= np.sqrt(1 - second**number) / (1 - first**number)
        self._steps += count
        return rates.astype(np.float32)

    def state(self) -> tuple[int, NDArray[np.float32]]:
        """How many steps were made, and copies of both moments as the weights lie, (2, weights)."""
        return self._steps, read(self._moments)

    def restore(self, steps: int, moments: NDArray[np.float32]) -> None:
        """Take over what `state` gave."""
        self._steps = steps
        fill(self._moments, moments)

    def step(self, run: Run) -> None:
        """Update the weights, and pass on to the next batch."""
        schedule, constants = run.schedule, [np.float32(value) for value in self._rates]
        if self._clip_norm:
            self._sum(run, self._gradient)
            _clip[1, THREADS, run.stream](self._squares, self._blocks, self._clip_norm, self._scale)
        _update[self._blocks, (COLUMNS, LANES), run.stream](
            self._kind,
            run.partials.flat,
            run.partials.places,
            self._w,
            self._decays,
            self._moments,
            self._size,
            *self._penalty,
            schedule.rates,
            schedule.now,
            *constants,
            self._scale,
        )


def _blocks_for(size: int) -> int:
    """Blocks for a number of weights; the kernels stride, so that more weights do no harm."""
    return min(-(-size // COLUMNS), 65535 if not SIMULATED else 2)
