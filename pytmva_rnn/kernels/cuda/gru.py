"""Gated recurrent unit (Cho et al. 2014), with the reset gate before or after the product with U_c.

r = sigmoid(W_r x + U_r h + b_r)
z = sigmoid(W_z x + U_z h + b_z)
g = tanh(W_c x + U_c (r*h) + b_c)       reset gate before
g = tanh(W_c x + r*(U_c h) + b_c)       reset gate after
h' = z*h + (1 - z)*g

See `kernels.reference.gru`. The columns of a, and the rows of U, are those of r, then z and g.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda import products
from pytmva_rnn.kernels.cuda.activations import sigmoid
from pytmva_rnn.kernels.cuda.device import EVENTS, float32, kernel
from pytmva_rnn.kernels.cuda.layer import Memory
from pytmva_rnn.kernels.cuda.recurrent import Grid, Recurrent, add_products, clear, keep, stage, start, upstream


@kernel
def forward(a, U, y, before, saved, h0, events, steps, T, H, after, sequence, training, remember, staged):
    """All steps; a holds `W x + b`, and after it the gates.

    saved and the shared `rh` get r*h (reset gate before) or U_c h (after). `T` steps belong to an event, of the `steps`
    of a lane.
    """
    shared = cuda.shared.array(0, float32)
    sums = cuda.local.array((3, EVENTS), float32)
    one = np.float32(1)
    tile = cuda.blockDim.y * EVENTS
    thread, threads = cuda.threadIdx.y * cuda.blockDim.x + cuda.threadIdx.x, cuda.blockDim.x * cuda.blockDim.y
    first = cuda.blockIdx.x * tile
    lane = cuda.threadIdx.y * EVENTS
    h = stage(shared, U, 3 * H, H, True, staged, thread, threads)
    u = shared if staged else U
    rh = h + 2 * tile * H
    r = rh + tile * H
    z = r + tile * H
    start(shared, h, h0, remember, tile, H, first, events, thread, threads)
    cuda.syncthreads()
    for t in range(steps):
        new = h + (t + 1) % 2 * tile * H
        old = h + t % 2 * tile * H
        for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
            clear(sums, 3)
            # U_c h is needed only after the reset gate; before it, there is no r*h yet
            add_products(sums, 3, u, 3 * H, H, j, H, shared, old + lane * H, H)
            for e in range(EVENTS):
                event, place = first + lane + e, (lane + e) * H + j
                if event < events:
                    row = event * steps + t
                    reset = sigmoid(a[row, j] + sums[0, e])
                    update = sigmoid(a[row, H + j] + sums[1, e])
                    shared[r + place], shared[z + place] = reset, update
                    shared[rh + place] = sums[2, e] if after else reset * shared[old + place]
                    if training:
                        a[row, j], a[row, H + j] = reset, update
                        # to the backward pass, the state before the first step is the constant zero
                        known = one if t > 0 else np.float32(0)
                        before[row, j] = known * shared[old + place]
                        saved[row, j] = known * shared[rh + place]
        cuda.syncthreads()
        for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
            clear(sums, 1)
            if not after:
                add_products(sums, 1, u, 3 * H, 0, 2 * H + j, H, shared, rh + lane * H, H)
            for e in range(EVENTS):
                event, place = first + lane + e, (lane + e) * H + j
                if event < events:
                    row = event * steps + t
                    Uh = shared[r + place] * shared[rh + place] if after else sums[0, e]
                    g = math.tanh(a[row, 2 * H + j] + Uh)
                    value = shared[z + place] * shared[old + place] + (one - shared[z + place]) * g
                    shared[new + place] = value
                    if training:
                        a[row, 2 * H + j] = g
                    if sequence:
                        y[row, j] = value
                    elif (t + 1) % T == 0:
                        y[row // T, j] = value
        cuda.syncthreads()
    if remember:
        keep(shared, h + steps % 2 * tile * H, h0, tile, H, first, events, thread, threads)


@kernel
def backward(a, U, dy, before, saved, events, steps, H, after, sequence, staged):
    """All steps, from the last to the first; a holds the gates, and after it the gradients of their arguments.

    Reset gate after: saved holds U_c h, and after it the gradient of U_c h.
    """
    shared = cuda.shared.array(0, float32)
    sums = cuda.local.array((1, EVENTS), float32)
    one = np.float32(1)
    tile = cuda.blockDim.y * EVENTS
    thread, threads = cuda.threadIdx.y * cuda.blockDim.x + cuda.threadIdx.x, cuda.blockDim.x * cuda.blockDim.y
    first = cuda.blockIdx.x * tile
    lane = cuda.threadIdx.y * EVENTS
    # gradients of the arguments of r and z and of U_c's factor, [event][3*H]
    da = stage(shared, U, 3 * H, H, False, staged, thread, threads)
    u = shared if staged else U
    dh = da + 3 * tile * H
    start(shared, da, a, False, tile, 4 * H, first, events, thread, threads)
    cuda.syncthreads()
    for t in range(steps - 1, -1, -1):
        for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
            for e in range(EVENTS):
                event, place = first + lane + e, (lane + e) * H + j
                if event < events:
                    row = event * steps + t
                    r, z, g = a[row, j], a[row, H + j], a[row, 2 * H + j]
                    dht = shared[dh + place] + upstream(dy, sequence, event, t, steps, j)
                    dg = dht * (one - z) * (one - g * g)
                    dz = dht * (before[row, j] - g) * z * (one - z)
                    gates = da + (lane + e) * 3 * H + j
                    a[row, H + j], a[row, 2 * H + j] = dz, dg
                    shared[gates + H] = dz
                    shared[gates + 2 * H] = dg
                    if after:
                        dr = dg * saved[row, j] * r * (one - r)
                        saved[row, j] = dg * r
                        shared[gates + 2 * H] = dg * r
                        a[row, j] = dr
                        shared[gates] = dr
                    shared[dh + place] = dht * z
        cuda.syncthreads()
        if not after:
            # gradient of r*h, and from it that of r
            for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
                clear(sums, 1)
                add_products(sums, 1, u, H, 0, 2 * H * H + j, H, shared, da + lane * 3 * H + 2 * H, 3 * H)
                for e in range(EVENTS):
                    event, place = first + lane + e, (lane + e) * H + j
                    if event < events:
                        row = event * steps + t
                        r = a[row, j]
                        dr = sums[0, e] * before[row, j] * r * (one - r)
                        a[row, j] = dr
                        shared[da + (lane + e) * 3 * H + j] = dr
                        shared[dh + place] += sums[0, e] * r
            cuda.syncthreads()
        for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
            clear(sums, 1)
            add_products(sums, 1, u, H, 0, j, (3 if after else 2) * H, shared, da + lane * 3 * H, 3 * H)
            for e in range(EVENTS):
                shared[dh + (lane + e) * H + j] += sums[0, e]
        cuda.syncthreads()


class GRU(Recurrent):
    """The layer; see `layer.Part`."""

    gates = 3
    forward_floats = 5
    backward_floats = 4

    def plan(self, layer: Any, weights: Any, memory: Memory, x: Any) -> None:
        self.after = layer.reset_gate_after
        super().plan(layer, weights, memory, x)

    def more(self, memory: Memory) -> None:
        self.saved = memory.matrix(self.T, self.H) if self.training else self.y

    def run_forward(self, grid: Grid, U: Any, states: tuple[Any, ...], events: int, steps: int) -> None:
        forward[grid.launch](
            self.a,
            U,
            self.y,
            self.before,
            self.saved,
            states[0],
            events,
            steps,
            self.T,
            self.H,
            self.after,
            self.sequence,
            self.training,
            self.remember,
            grid.staged,
        )

    def run_backward(self, grid: Grid, events: int) -> None:
        backward[grid.launch](
            self.a,
            self.U_rows,
            self.dy,
            self.before,
            self.saved,
            events,
            self.T,
            self.H,
            self.after,
            self.sequence,
            grid.staged,
        )

    def state_gradients(self, partials: Any, U: int, rows: int) -> None:
        H = self.H
        products.weight_gradient(self.a, 0, 2 * H, self.before, partials, U, rows)
        # the factors of U_c: da_g and r*h, or dU_c h and h
        gradient, first, factor = (self.saved, 0, self.before) if self.after else (self.a, 2 * H, self.saved)
        products.weight_gradient(gradient, first, H, factor, partials, U + 2 * H * H, rows)
