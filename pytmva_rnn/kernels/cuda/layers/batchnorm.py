"""Batch normalisation of each feature; see `kernels.reference.layers.batchnorm`.

A block has `FEATURES` features and goes through all events, `LANES` at a time; its sums are float64 and are added up in
a fixed order.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, THREADS, blocks_for, device, kernel
from pytmva_rnn.kernels.cuda.machine.layer import Memory, Part, Run
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights

FEATURES = 2 if SIMULATED else 32
LANES = 2 if SIMULATED else 16


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


@kernel
def forward(x, y, xhat, scale, gamma, beta, mu, variance, rows, now, momentum, epsilon):
    """Output of a batch by its own mean and variance.

    The running ones keep the part `momentum` of theirs, or if it is below 0 so that they are means over the batches
    since the last inference; the first batch makes them anew.
    """
    batches = now[2] + now[1]
    old = 0.0 if batches == 0 else momentum if momentum >= 0 else batches / (batches + 1)
    sums = cuda.shared.array((LANES, FEATURES), numba.float64)
    f, lane = cuda.grid(2)
    inside = f < x.shape[1]
    value = 0.0
    if inside:
        for n in range(lane, rows, LANES):
            value += numba.float64(x[n, f])
    mean = _total(sums, value) / rows
    value = 0.0
    if inside:
        for n in range(lane, rows, LANES):
            value += (numba.float64(x[n, f]) - mean) ** 2
    var = _total(sums, value) / rows
    if inside:
        s = 1 / math.sqrt(var + epsilon)
        if lane == 0:
            scale[f] = s
            mu[f] = old * mu[f] + (1 - old) * mean
            variance[f] = old * variance[f] + (1 - old) * var * (rows / (rows - 1 + epsilon))
        for n in range(lane, rows, LANES):
            h = np.float32((numba.float64(x[n, f]) - mean) * s)
            xhat[n, f] = h
            y[n, f] = gamma[f] * h + beta[f]


@kernel
def infer(x, y, gamma, beta, mu, variance, rows, epsilon):
    """Output by the running statistics."""
    width = x.shape[1]
    for k in range(cuda.grid(1), rows * width, cuda.gridsize(1)):
        n, f = k // width, k % width
        s = 1 / math.sqrt(variance[f] + epsilon)
        y[n, f] = gamma[f] * np.float32((numba.float64(x[n, f]) - mu[f]) * s) + beta[f]


@kernel
def backward(dy, dx, xhat, scale, gamma, partials, gamma_start, beta_start, rows):
    """Gradients, through the batch's mean and variance; dx may be dy."""
    sums = cuda.shared.array((LANES, FEATURES), numba.float64)
    f, lane = cuda.grid(2)
    inside = f < dx.shape[1]
    value, product = 0.0, 0.0
    if inside:
        for n in range(lane, rows, LANES):
            value += numba.float64(dy[n, f])
            product += numba.float64(dy[n, f]) * xhat[n, f]
    dbeta = _total(sums, value)
    dgamma = _total(sums, product)
    if inside:
        if lane == 0:
            partials[0, gamma_start + f] = dgamma
            partials[0, beta_start + f] = dbeta
        factor = np.float32(gamma[f] * scale[f])
        mean, slope = np.float32(dbeta / rows), np.float32(dgamma / rows)
        for n in range(lane, rows, LANES):
            dx[n, f] = factor * (dy[n, f] - mean - xhat[n, f] * slope)


class BatchNormPart(Part):
    """The layer; see `layer.Part`."""

    def plan(self, layer: Any, weights: DeviceWeights, memory: Memory, x: Any) -> None:
        F = layer.size
        self.momentum, self.epsilon = float(layer.momentum), float(layer.epsilon)
        self.gamma, self.beta = weights.vector(self.number, "gamma"), weights.vector(self.number, "beta")
        self.mu, self.variance = weights.statistic(self.number, "mu"), weights.statistic(self.number, "variance")
        self.x = x.reshape(memory.events, F)
        self.y = memory.matrix(1, F)
        self.grid = (-(-F // FEATURES), 1), (FEATURES, LANES)
        if self.training:
            self.xhat, self.dx = memory.matrix(1, F), memory.matrix(1, F)
            self.scale = memory.vector(F, np.float64)

    def _launch(self, run: Run) -> Any:
        """Grid, block and stream."""
        return (*self.grid, run.stream)

    def forward(self, run: Run) -> None:
        if self.training:
            forward[self._launch(run)](
                self.x,
                self.y,
                self.xhat,
                self.scale,
                self.gamma,
                self.beta,
                self.mu,
                self.variance,
                run.events,
                run.schedule.now,
                self.momentum,
                self.epsilon,
            )
        else:
            grid = blocks_for(run.events * self.y.shape[1]), THREADS, run.stream
            infer[grid](self.x, self.y, self.gamma, self.beta, self.mu, self.variance, run.events, self.epsilon)

    def backward(self, run: Run) -> None:
        starts = self.start["gamma"], self.start["beta"]
        backward[self._launch(run)](
            self.dy, self.dx, self.xhat, self.scale, self.gamma, run.partials, *starts, run.events
        )
