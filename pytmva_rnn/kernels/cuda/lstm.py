"""Long short-term memory with a forget gate (Gers, Schmidhuber and Cummins 2000); see `kernels.reference.lstm`.

i = sigmoid(W_i x + U_i h + b_i)        c' = f*c + i*g
f = sigmoid(W_f x + U_f h + b_f)        h' = o*tanh(c')
g = tanh(W_c x + U_c h + b_c)
o = sigmoid(W_o x + U_o h + b_o)

The columns of a, and the rows of U, are those of i, then f, g and o.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.activations import sigmoid
from pytmva_rnn.kernels.cuda.device import EVENTS, float32, kernel
from pytmva_rnn.kernels.cuda.layer import Memory
from pytmva_rnn.kernels.cuda.recurrent import Grid, Recurrent, add_products, clear, keep, stage, start, upstream


@kernel
def forward(a, U, y, before, cells, h0, c0, events, steps, T, H, sequence, training, remember, staged):
    """All steps; a holds `W x + b`, and after it the gates. `T` steps belong to an event, of the `steps` of a lane."""
    shared = cuda.shared.array(0, float32)
    sums = cuda.local.array((4, EVENTS), float32)
    tile = cuda.blockDim.y * EVENTS
    thread, threads = cuda.threadIdx.y * cuda.blockDim.x + cuda.threadIdx.x, cuda.blockDim.x * cuda.blockDim.y
    first = cuda.blockIdx.x * tile
    lane = cuda.threadIdx.y * EVENTS
    h = stage(shared, U, 4 * H, H, True, staged, thread, threads)
    u = shared if staged else U
    c = h + 2 * tile * H
    start(shared, h, h0, remember, tile, H, first, events, thread, threads)
    start(shared, c, c0, remember, tile, H, first, events, thread, threads)
    cuda.syncthreads()
    for t in range(steps):
        new = h + (t + 1) % 2 * tile * H
        old = h + t % 2 * tile * H
        for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
            clear(sums, 4)
            add_products(sums, 4, u, 4 * H, H, j, H, shared, old + lane * H, H)
            for e in range(EVENTS):
                event, place = first + lane + e, (lane + e) * H + j
                if event < events:
                    row = event * steps + t
                    i = sigmoid(a[row, j] + sums[0, e])
                    f = sigmoid(a[row, H + j] + sums[1, e])
                    g = math.tanh(a[row, 2 * H + j] + sums[2, e])
                    o = sigmoid(a[row, 3 * H + j] + sums[3, e])
                    cell = f * shared[c + place] + i * g
                    value = o * math.tanh(cell)
                    shared[c + place] = cell
                    shared[new + place] = value
                    if training:
                        a[row, j], a[row, H + j], a[row, 2 * H + j], a[row, 3 * H + j] = i, f, g, o
                        cells[row, j] = cell
                        before[row, j] = shared[old + place] if t > 0 else np.float32(0)
                    if sequence:
                        y[row, j] = value
                    elif (t + 1) % T == 0:
                        y[row // T, j] = value
        cuda.syncthreads()
    if remember:
        keep(shared, h + steps % 2 * tile * H, h0, tile, H, first, events, thread, threads)
        keep(shared, c, c0, tile, H, first, events, thread, threads)


@kernel
def backward(a, U, dy, cells, events, steps, H, sequence, staged):
    """All steps, from the last to the first; a holds the gates, and after it the gradients of their arguments."""
    shared = cuda.shared.array(0, float32)
    sums = cuda.local.array((1, EVENTS), float32)
    one = np.float32(1)
    tile = cuda.blockDim.y * EVENTS
    thread, threads = cuda.threadIdx.y * cuda.blockDim.x + cuda.threadIdx.x, cuda.blockDim.x * cuda.blockDim.y
    first = cuda.blockIdx.x * tile
    lane = cuda.threadIdx.y * EVENTS
    da = stage(shared, U, 4 * H, H, False, staged, thread, threads)
    u = shared if staged else U
    dh = da + 4 * tile * H
    dc = dh + tile * H
    start(shared, da, a, False, tile, 6 * H, first, events, thread, threads)
    cuda.syncthreads()
    for t in range(steps - 1, -1, -1):
        for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
            for e in range(EVENTS):
                event, place = first + lane + e, (lane + e) * H + j
                if event < events:
                    row = event * steps + t
                    i, f, g, o = a[row, j], a[row, H + j], a[row, 2 * H + j], a[row, 3 * H + j]
                    tanh_c = math.tanh(cells[row, j])
                    old = cells[row - 1, j] if t > 0 else np.float32(0)
                    dht = shared[dh + place] + upstream(dy, sequence, event, t, steps, j)
                    dct = shared[dc + place] + dht * o * (one - tanh_c * tanh_c)
                    di = dct * g * i * (one - i)
                    df = dct * old * f * (one - f)
                    dg = dct * i * (one - g * g)
                    do = dht * tanh_c * o * (one - o)
                    a[row, j], a[row, H + j], a[row, 2 * H + j], a[row, 3 * H + j] = di, df, dg, do
                    gates = da + (lane + e) * 4 * H + j
                    shared[gates], shared[gates + H], shared[gates + 2 * H], shared[gates + 3 * H] = di, df, dg, do
                    shared[dc + place] = dct * f
        cuda.syncthreads()
        for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
            clear(sums, 1)
            add_products(sums, 1, u, H, 0, j, 4 * H, shared, da + lane * 4 * H, 4 * H)
            for e in range(EVENTS):
                shared[dh + (lane + e) * H + j] = sums[0, e]
        cuda.syncthreads()


class LSTM(Recurrent):
    """The layer; see `layer.Part`."""

    gates = 4
    state_count = 2
    forward_floats = 3
    backward_floats = 6

    def more(self, memory: Memory) -> None:
        self.cells = memory.matrix(self.T, self.H) if self.training else self.y

    def run_forward(self, grid: Grid, U: Any, states: tuple[Any, ...], events: int, steps: int) -> None:
        forward[grid.launch](
            self.a,
            U,
            self.y,
            self.before,
            self.cells,
            states[0],
            states[1],
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
        backward[grid.launch](
            self.a, self.U_rows, self.dy, self.cells, events, self.T, self.H, self.sequence, grid.staged
        )
