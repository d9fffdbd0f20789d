"""Batches of shuffled events, put together on the device."""

from __future__ import annotations

from typing import Any

from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, THREADS, blocks_for, index, kernel
from pytmva_rnn.kernels.cuda.machine.layer import Run
from pytmva_rnn.kernels.cuda.machine.vectors import WIDTH, load4, store4

LANES = 2 if SIMULATED else 32
"""Threads that copy an event's values side by side."""

_COLUMNS = LANES * WIDTH
"""Values of an event that a block copies, `WIDTH` a thread: no thread divides to find its place, or waits twice."""


@kernel
def _gather(X, y, w, order, now, x_out, y_out, w_out, events):
    """Rows order[now[0]] of X, y and w, which becomes the batch at hand; an order of one row serves all batches.

    A block's threads are `LANES` along an event's values, and those along the events.
    """
    inputs, outputs = X.shape[1], y.shape[1]
    batch = min(now[0], order.shape[0] - 1)
    first_block = cuda.blockIdx.x == 0 and cuda.blockIdx.y == 0
    if first_block and cuda.threadIdx.x == 0 and cuda.threadIdx.y == 0:
        now[1] = now[0]
    lane, column = cuda.threadIdx.x, cuda.blockIdx.y * _COLUMNS
    first = cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y
    for n in range(first, events, cuda.gridDim.x * cuda.blockDim.y):
        source = order[batch, n]
        if inputs % WIDTH == 0:
            # rows of whole vectors lie at whole vectors
            d = column + lane * WIDTH
            if d < inputs:
                a, b, c, e = load4(X, source * inputs + d)
                store4(x_out, n * inputs + d, a, b, c, e)
        else:
            for q in range(WIDTH):
                d = column + q * LANES + lane
                if d < inputs:
                    x_out[index(n), index(d)] = X[index(source), index(d)]
        if cuda.blockIdx.y == 0:
            for j in range(lane, outputs, LANES):
                y_out[index(n), index(j)] = y[index(source), index(j)]
            if lane == 0:
                w_out[n] = w[source]


def gather(run: Run, data: tuple[Any, ...], order: Any, targets: tuple[Any, ...]) -> None:
    """Copy the next batch's events of X (n, T*D), y (n, O) and w (n,) into the batch's memory for them.

    `order` (batches, events) has the numbers of the events.
    """
    rows = THREADS // LANES
    grid = blocks_for(run.events * LANES), -(-data[0].shape[1] // _COLUMNS)
    _gather[grid, (LANES, rows), run.stream](*data, order, run.schedule.now, *targets, run.events)
