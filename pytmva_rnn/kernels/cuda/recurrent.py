"""What the recurrent layers share: tiles of events, products with the state, and the two products over all steps.

A block of threads has a tile of events and goes through all steps; thread x has hidden units x, x + blockDim.x, ...,
and thread y `EVENTS` events. States of the tile lie in shared memory, [event][unit], and the recurrent weights before
them where both fit; else the weights are read through the caches. The functions here are given the thread's number in
the block: under the simulator only the kernel's own module knows it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda import products
from pytmva_rnn.kernels.cuda.device import EVENTS, SHARED_FLOATS, SIMULATED, THREADS, device, multiprocessors
from pytmva_rnn.kernels.cuda.layer import Memory, Part, Run, Weights

_UNITS = 2 if SIMULATED else 128
"""At most so many threads of a block lie along the hidden units."""


@device
def clear(sums, gates):
    """Set the sums of a thread's events to zero."""
    for g in range(gates):
        for e in range(EVENTS):
            sums[g, e] = np.float32(0)


@device
def add_products(sums, gates, u, stride, step, column, count, states, first, pitch):
    """sums[g, e] += sum over k < count of u[k*stride + g*step + column] * states[first + e*pitch + k]."""
    for k in range(count):
        for g in range(gates):
            weight = u[k * stride + g * step + column]
            for e in range(EVENTS):
                sums[g, e] += weight * states[first + e * pitch + k]


@device
def stage(shared, U, rows, columns, transposed, staged, thread, threads):
    """Copy the recurrent weights (rows, columns) into shared memory; returns how many floats they take."""
    if not staged:
        return 0
    for k in range(thread, rows * columns, threads):
        shared[k % columns * rows + k // columns if transposed else k] = U[k]
    return rows * columns


@device
def start(states, place, initial, remember, tile, H, first, events, thread, threads):
    """States of the tile's events before the first step, those of `initial` or zero."""
    for k in range(thread, tile * H, threads):
        known = remember and first + k // H < events
        states[place + k] = initial[first + k // H, k % H] if known else np.float32(0)


@device
def keep(states, place, initial, tile, H, first, events, thread, threads):
    """Leave the last states for the next batch."""
    for k in range(thread, tile * H, threads):
        if first + k // H < events:
            initial[first + k // H, k % H] = states[place + k]


@device
def upstream(dy, sequence, event, t, steps, j):
    """Gradient of a state from above: zero before the last step, if only that was returned."""
    if sequence:
        return dy[event * steps + t, j]
    return dy[event, j] if t == steps - 1 else np.float32(0)


class Grid:
    """Blocks of a launch, and its shared memory.

    Parameters
    ----------
    events, H : int
    weights : int
        Floats of the recurrent weights.
    floats : int
        Floats of shared memory that an event needs.
    """

    def __init__(self, events: int, H: int, weights: int, floats: int) -> None:
        units = min(H, _UNITS)
        # a block for each multiprocessor comes before many events in a block, whose steps take longer
        lanes = max(1, min(-(-events // (EVENTS * 2 * multiprocessors())), THREADS // units))
        while lanes > 1 and weights + lanes * EVENTS * floats > SHARED_FLOATS:
            lanes -= 1
        self.staged = weights + lanes * EVENTS * floats <= SHARED_FLOATS
        if lanes * EVENTS * floats > SHARED_FLOATS:
            largest = SHARED_FLOATS * H // (EVENTS * floats)
            raise MemoryError(
                f"a recurrent layer with {H} states needs {4 * EVENTS * floats} bytes of the GPU's shared memory, of "
                f"{4 * SHARED_FLOATS}; the largest state size that fits is {largest}"
            )
        size = 4 * (lanes * EVENTS * floats + (weights if self.staged else 0))
        self.launch = (-(-events // (lanes * EVENTS)), (units, lanes), 0, size)


class Recurrent(Part):
    """RNN, LSTM and GRU: everything but their equations."""

    gates: int
    state_count = 1
    """Remembered states: h, and c of an LSTM."""
    forward_floats: int
    """Shared memory of an event forward, in units of H; the steps need `backward_floats` backward."""
    backward_floats: int

    def plan(self, layer: Any, weights: Weights, memory: Memory, x: Any) -> None:
        T, H, D, G = layer.time_steps, layer.state_size, layer.input_size, self.gates
        self.T, self.H, self.sequence, self.remember = T, H, layer.return_sequence, layer.remember_state
        names = list(self.start)
        self.W_name, self.U_name, self.b_name = names[0], names[G], names[2 * G]
        self.W = weights.matrix(self.number, self.W_name, G * H, D)
        self.U = weights.matrix(self.number, self.U_name, G * H, H)
        self.U_rows = weights.vector(self.number, self.U_name, G * H * H)
        self.b = weights.vector(self.number, self.b_name, G * H)
        self.x = x.reshape(memory.events * T, D)
        self.a = memory.matrix(T, G * H)
        self.y = memory.matrix(T if self.sequence else 1, H)
        # U transposed, where it does not fit into shared memory
        self.U_columns = cuda.device_array(G * H * H, np.float32)
        self.before = memory.matrix(T, H) if self.training else self.y
        if self.training and self.wanted:
            self.dx = memory.matrix(T, D)
        self.more(memory)

    def more(self, memory: Memory) -> None:
        """Ask for what else the layer keeps for the backward pass."""

    def forward(self, run: Run) -> None:
        rows = run.events * self.T
        products.forward(self.x, self.W, self.b, self.a, self.a, rows)
        one_by_one = run.one_by_one and self.remember
        events, steps = (1, rows) if one_by_one else (run.events, self.T)
        grid = Grid(events, self.H, self.gates * self.H * self.H, self.forward_floats * self.H)
        U = self.U_rows
        if not grid.staged:
            products.transpose(self.U, self.U_columns)
            U = self.U_columns
        self.run_forward(grid, U, run.states[self.number], events, steps)

    def backward(self, run: Run) -> None:
        rows, H = run.events * self.T, self.H
        grid = Grid(run.events, H, self.gates * H * H, self.backward_floats * H)
        self.run_backward(grid, run.events)
        W, U, b = (self.start[name] for name in (self.W_name, self.U_name, self.b_name))
        products.weight_gradient(self.a, 0, self.gates * H, self.x, run.partials, W, rows, b)
        self.state_gradients(run.partials, U, rows)
        if self.wanted:
            products.input_gradient(self.a, self.W, self.dx, rows)

    def run_forward(self, grid: Grid, U: Any, states: tuple[Any, ...], events: int, steps: int) -> None:
        """Launch the steps."""
        raise NotImplementedError

    def run_backward(self, grid: Grid, events: int) -> None:
        """Launch the steps backwards; a then holds the gradients of the gates' arguments."""
        raise NotImplementedError

    def state_gradients(self, partials: Any, U: int, rows: int) -> None:
        """Partial sums of the gradient of U, which starts at `U` in the flat weights."""
        products.weight_gradient(self.a, 0, self.gates * self.H, self.before, partials, U, rows)
