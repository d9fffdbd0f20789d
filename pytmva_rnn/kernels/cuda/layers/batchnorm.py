"""Batch normalisation of each feature; see `kernels.reference.layers.batchnorm`.

A block has `FEATURES` features and a chunk of the events, of which it goes through `LANES` at a time. A pass takes two
launches: one for the chunks' sums, and one in which every block adds up those of its features and makes its part of the
result. Sums are float64 and are added up in a fixed order, the same on every GPU.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, device, index, kernel
from pytmva_rnn.kernels.cuda.machine.layer import Memory, Part, Run
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights

FEATURES = 2 if SIMULATED else 32
LANES = 2 if SIMULATED else 16

_MOST = 3 if SIMULATED else 64
"""At most so many chunks, each of at least four events a lane."""


@device
def _total(sums, value):
    """The sum over a feature's lanes, for each of its threads."""
    cuda.syncthreads()
    sums[cuda.threadIdx.y, cuda.threadIdx.x] = value
    cuda.syncthreads()
    total = 0.0
    for lane in range(LANES):
        total += sums[lane, cuda.threadIdx.x]
    return total


@device
def _range(rows, chunk_rows):
    """The block's events: first, and behind the last."""
    begin = cuda.blockIdx.y * chunk_rows
    return begin, min(rows, begin + chunk_rows)


@kernel
def moments(x, chunks, rows, chunk_rows):
    """Each chunk's mean, and its sum of squared deviations from that."""
    sums = cuda.shared.array((LANES, FEATURES), numba.float64)
    f, lane = cuda.blockIdx.x * FEATURES + cuda.threadIdx.x, cuda.threadIdx.y
    begin, end = _range(rows, chunk_rows)
    inside = f < x.shape[1]
    value = 0.0
    if inside:
        for n in range(begin + lane, end, LANES):
            value += numba.float64(x[index(n), index(f)])
    mean = _total(sums, value) / (end - begin)
    value = 0.0
    if inside:
        for n in range(begin + lane, end, LANES):
            value += (numba.float64(x[index(n), index(f)]) - mean) ** 2
    deviations = _total(sums, value)
    if inside and lane == 0:
        chunks[0, cuda.blockIdx.y, f], chunks[1, cuda.blockIdx.y, f] = mean, deviations


@kernel
def forward(x, y, xhat, chunks, scale, gamma, beta, mu, variance, rows, chunk_rows, now, momentum, epsilon):
    """Output of a batch by its own mean and variance.

    The running ones keep the part `momentum` of theirs, or if it is below 0 so that they are means over the batches
    since the last inference; the first batch makes them anew.
    """
    f, lane = cuda.blockIdx.x * FEATURES + cuda.threadIdx.x, cuda.threadIdx.y
    begin, end = _range(rows, chunk_rows)
    if f < x.shape[1]:
        mean, var = 0.0, 0.0
        for chunk in range(chunks.shape[1]):
            mean += chunks[0, chunk, f] * (min(rows, (chunk + 1) * chunk_rows) - chunk * chunk_rows)
        mean /= rows
        for chunk in range(chunks.shape[1]):
            count = min(rows, (chunk + 1) * chunk_rows) - chunk * chunk_rows
            var += chunks[1, chunk, f] + count * (chunks[0, chunk, f] - mean) ** 2
        var /= rows
        s = 1 / math.sqrt(var + epsilon)
        if lane == 0 and cuda.blockIdx.y == 0:
            batches = now[2] + now[1]
            old = 0.0 if batches == 0 else momentum if momentum >= 0 else batches / (batches + 1)
            scale[f] = s
            mu[f] = old * mu[f] + (1 - old) * mean
            variance[f] = old * variance[f] + (1 - old) * var * (rows / (rows - 1 + epsilon))
        for n in range(begin + lane, end, LANES):
            h = np.float32((numba.float64(x[index(n), index(f)]) - mean) * s)
            xhat[index(n), index(f)] = h
            y[index(n), index(f)] = gamma[f] * h + beta[f]


@kernel
def infer(x, y, gamma, beta, mu, variance, rows, chunk_rows, epsilon):
    """Output by the running statistics."""
    f, lane = cuda.blockIdx.x * FEATURES + cuda.threadIdx.x, cuda.threadIdx.y
    begin, end = _range(rows, chunk_rows)
    if f < x.shape[1]:
        s = 1 / math.sqrt(variance[f] + epsilon)
        for n in range(begin + lane, end, LANES):
            h = np.float32((numba.float64(x[index(n), index(f)]) - mu[f]) * s)
            y[index(n), index(f)] = gamma[f] * h + beta[f]


@kernel
def products(dy, xhat, chunks, rows, chunk_rows):
    """Each chunk's sums of dy, and of dy*xhat."""
    sums = cuda.shared.array((LANES, FEATURES), numba.float64)
    f, lane = cuda.blockIdx.x * FEATURES + cuda.threadIdx.x, cuda.threadIdx.y
    begin, end = _range(rows, chunk_rows)
    inside = f < xhat.shape[1]
    value, product = 0.0, 0.0
    if inside:
        for n in range(begin + lane, end, LANES):
            gradient = numba.float64(dy[index(n), index(f)])
            value += gradient
            product += gradient * xhat[index(n), index(f)]
    value, product = _total(sums, value), _total(sums, product)
    if inside and lane == 0:
        chunks[0, cuda.blockIdx.y, f], chunks[1, cuda.blockIdx.y, f] = value, product


@kernel
def backward(dy, dx, xhat, chunks, scale, gamma, partials, gamma_start, beta_start, rows, chunk_rows):
    """Gradients, through the batch's mean and variance; dx may be dy."""
    f, lane = cuda.blockIdx.x * FEATURES + cuda.threadIdx.x, cuda.threadIdx.y
    begin, end = _range(rows, chunk_rows)
    if f < dx.shape[1]:
        dbeta, dgamma = 0.0, 0.0
        for chunk in range(chunks.shape[1]):
            dbeta += chunks[0, chunk, f]
            dgamma += chunks[1, chunk, f]
        if lane == 0 and cuda.blockIdx.y == 0:
            partials[0, gamma_start + f] = dgamma
            partials[0, beta_start + f] = dbeta
        factor = np.float32(gamma[f] * scale[f])
        mean, slope = np.float32(dbeta / rows), np.float32(dgamma / rows)
        for n in range(begin + lane, end, LANES):
            h = xhat[index(n), index(f)]
            dx[index(n), index(f)] = factor * (dy[index(n), index(f)] - mean - h * slope)


class BatchNormPart(Part):
    """The layer; see `layer.Part`."""

    def plan(self, layer: Any, weights: DeviceWeights, memory: Memory, x: Any) -> None:
        F = layer.size
        self.momentum, self.epsilon = float(layer.momentum), float(layer.epsilon)
        self.gamma, self.beta = weights.vector(self.number, "gamma"), weights.vector(self.number, "beta")
        self.mu, self.variance = weights.statistic(self.number, "mu"), weights.statistic(self.number, "variance")
        self.x = x.reshape(memory.events, F)
        self.y = memory.matrix(1, F)
        if self.training:
            self.xhat, self.dx = memory.matrix(1, F), memory.matrix(1, F)
            self.scale = memory.vector(F, np.float64)
            # of the forward pass, and later of the backward pass
            count = _chunks(memory.most)
            self.sums = memory.vector(2 * count * F, np.float64).reshape(2, count, F)

    def _launch(self, run: Run, count: int) -> tuple[Any, int]:
        """Grid, block and stream for a number of chunks, and the events of each."""
        grid = -(-self.y.shape[1] // FEATURES), count
        return (grid, (FEATURES, LANES), run.stream), -(-run.events // count)

    def forward(self, run: Run) -> None:
        if not self.training:
            launch, each = self._launch(run, _chunks(run.events))
            statistics = self.gamma, self.beta, self.mu, self.variance
            infer[launch](self.x, self.y, *statistics, run.events, each, self.epsilon)
            return
        launch, each = self._launch(run, self.sums.shape[1])
        moments[launch](self.x, self.sums, run.events, each)
        forward[launch](
            self.x,
            self.y,
            self.xhat,
            self.sums,
            self.scale,
            self.gamma,
            self.beta,
            self.mu,
            self.variance,
            run.events,
            each,
            run.schedule.now,
            self.momentum,
            self.epsilon,
        )

    def backward(self, run: Run) -> None:
        launch, each = self._launch(run, self.sums.shape[1])
        products[launch](self.dy, self.xhat, self.sums, run.events, each)
        factors = self.xhat, self.sums, self.scale, self.gamma
        starts = self.start["gamma"], self.start["beta"]
        backward[launch](self.dy, self.dx, *factors, self.partials, *starts, run.events, each)


def _chunks(events: int) -> int:
    """Into how many chunks of events they are divided."""
    return max(1, min(_MOST, events // (4 * LANES)))
