"""The optimizers' updates, with the sums of the partial gradients; see `kernels.reference.optimizers`."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import cuda
from numpy.typing import NDArray

from pytmva_rnn.kernels.codes import ADAGRAD, ADAM, L2, NO_PENALTY, OPTIMIZERS, RMSPROP, SGD, optimizer_constants
from pytmva_rnn.kernels.cuda.machine.device import THREADS, blocks_for, device, empty, kernel, upload, zeros
from pytmva_rnn.kernels.cuda.machine.layer import Run


@device
def _gradient(partials, k, weight, decays, regularization, decay):
    """Sum of a weight's partial gradients in their order, with the penalty's: `decay*sign(w)` or `2*decay*w`."""
    g = np.float32(0)
    for chunk in range(partials.shape[0]):
        g += partials[chunk, k]
    if decays[k]:
        if regularization == L2:
            g += np.float32(2) * decay * weight
        elif weight > np.float32(0):
            g += decay
        elif weight < np.float32(0):
            g -= decay
    return g


@kernel
def _sum(partials, w, decays, gradient, size, regularization, decay):
    """All gradients."""
    for k in range(cuda.grid(1), size, cuda.gridsize(1)):
        gradient[k] = _gradient(partials, k, w[k], decays, regularization, decay)


@kernel
def _clip(partials, w, decays, size, regularization, decay, most, scale):
    """What gradients are multiplied with so that their Euclidean norm is at most `most`; one block."""
    squares = cuda.shared.array(THREADS, numba.float64)
    total = 0.0
    for k in range(cuda.threadIdx.x, size, THREADS):
        g = numba.float64(_gradient(partials, k, w[k], decays, regularization, decay))
        total += g * g
    squares[cuda.threadIdx.x] = total
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        total = 0.0
        for thread in range(THREADS):
            total += squares[thread]
        norm = math.sqrt(total)
        scale[0] = np.float32(most / norm) if norm > most else np.float32(1)


@kernel
def _update(kind, partials, w, decays, moments, size, regularization, decay, rates, now, first, second, epsilon, scale):
    """One step of all weights, which ends the batch. `first` and `second` are momentum and rho, or Adam's two betas."""
    one, rate = np.float32(1), rates[now[1]]
    if cuda.grid(1) == 0:
        now[0] = now[1] + 1
    for k in range(cuda.grid(1), size, cuda.gridsize(1)):
        g = scale[0] * _gradient(partials, k, w[k], decays, regularization, decay)
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
        if settings is not None:
            self._kind = OPTIMIZERS[settings.optimizer]
            self.rate = settings.learning_rate
            self._rates = optimizer_constants(settings)
            self._moments = zeros((2, self._size))

    def gradient(self, run: Run) -> Any:
        """All gradients, flat, with the penalty's, on the device."""
        gradient = empty(self._size)
        grid = blocks_for(self._size), THREADS, run.stream
        _sum[grid](run.partials, self._w, self._decays, gradient, self._size, *self._penalty)
        return gradient

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
        return self._steps, self._moments.copy_to_host()

    def restore(self, steps: int, moments: NDArray[np.float32]) -> None:
        """Take over what `state` gave."""
        self._steps = steps
        self._moments.copy_to_device(moments)

    def step(self, run: Run) -> None:
        """Update the weights, and pass on to the next batch."""
        schedule, constants = run.schedule, [np.float32(value) for value in self._rates]
        if self._clip_norm:
            penalised = self._w, self._decays, self._size, *self._penalty
            _clip[1, THREADS, run.stream](run.partials, *penalised, self._clip_norm, self._scale)
        grid = blocks_for(self._size), THREADS, run.stream
        _update[grid](
            self._kind,
            run.partials,
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
