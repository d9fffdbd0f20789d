"""Elman network (Elman 1990): `h_t = tanh(W x_t + U h_{t-1} + b)`; see `kernels.reference.rnn`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.device import EVENTS, float32, kernel
from pytmva_rnn.kernels.cuda.recurrent import Grid, Recurrent, add_products, clear, keep, stage, start, upstream


@kernel
def forward(a, U, y, before, h0, events, steps, T, H, sequence, training, remember, staged):
    """All steps; a holds `W x + b`, and after it h. `T` steps belong to an event, of the `steps` that a lane has."""
    shared = cuda.shared.array(0, float32)
    sums = cuda.local.array((1, EVENTS), float32)
    tile = cuda.blockDim.y * EVENTS
    thread, threads = cuda.threadIdx.y * cuda.blockDim.x + cuda.threadIdx.x, cuda.blockDim.x * cuda.blockDim.y
    first = cuda.blockIdx.x * tile
    lane = cuda.threadIdx.y * EVENTS
    h = stage(shared, U, H, H, True, staged, thread, threads)
    u = shared if staged else U
    start(shared, h, h0, remember, tile, H, first, events, thread, threads)
    cuda.syncthreads()
    for t in range(steps):
        new = h + (t + 1) % 2 * tile * H
        old = h + t % 2 * tile * H
        for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
            clear(sums, 1)
            add_products(sums, 1, u, H, 0, j, H, shared, old + lane * H, H)
            for e in range(EVENTS):
                event, place = first + lane + e, (lane + e) * H + j
                if event < events:
                    row = event * steps + t
                    value = math.tanh(a[row, j] + sums[0, e])
                    shared[new + place] = value
                    if training:
                        a[row, j] = value
                        before[row, j] = shared[old + place] if t > 0 else np.float32(0)
                    if sequence:
                        y[row, j] = value
                    elif (t + 1) % T == 0:
                        y[row // T, j] = value
        cuda.syncthreads()
    if remember:
        keep(shared, h + steps % 2 * tile * H, h0, tile, H, first, events, thread, threads)


@kernel
def backward(a, U, dy, events, steps, H, sequence, staged):
    """All steps, from the last to the first; a holds h, and after it the gradient of tanh's argument."""
    shared = cuda.shared.array(0, float32)
    sums = cuda.local.array((1, EVENTS), float32)
    tile = cuda.blockDim.y * EVENTS
    thread, threads = cuda.threadIdx.y * cuda.blockDim.x + cuda.threadIdx.x, cuda.blockDim.x * cuda.blockDim.y
    first = cuda.blockIdx.x * tile
    lane = cuda.threadIdx.y * EVENTS
    da = stage(shared, U, H, H, False, staged, thread, threads)
    u = shared if staged else U
    dh = da + tile * H
    start(shared, da, a, False, tile, 2 * H, first, events, thread, threads)
    cuda.syncthreads()
    for t in range(steps - 1, -1, -1):
        for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
            for e in range(EVENTS):
                event, place = first + lane + e, (lane + e) * H + j
                if event < events:
                    row = event * steps + t
                    value = a[row, j]
                    dht = shared[dh + place] + upstream(dy, sequence, event, t, steps, j)
                    slope = dht * (np.float32(1) - value * value)
                    a[row, j] = slope
                    shared[da + place] = slope
        cuda.syncthreads()
        for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
            clear(sums, 1)
            add_products(sums, 1, u, H, 0, j, H, shared, da + lane * H, H)
            for e in range(EVENTS):
                shared[dh + (lane + e) * H + j] = sums[0, e]
        cuda.syncthreads()


class RNN(Recurrent):
    """The layer; see `layer.Part`."""

    gates = 1
    forward_floats = 2
    backward_floats = 2

    def run_forward(self, grid: Grid, U: Any, states: tuple[Any, ...], events: int, steps: int) -> None:
        forward[grid.launch](
            self.a,
            U,
            self.y,
            self.before,
            states[0],
            events,
            steps,
            self.T,
            self.H,
            self.sequence,
            self.training,
            self.remember,
            grid.staged,
        )

    def run_backward(self, grid: Grid, events: int) -> None:
        backward[grid.launch](self.a, self.U_rows, self.dy, events, self.T, self.H, self.sequence, grid.staged)
