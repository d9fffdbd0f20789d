"""Batches of shuffled events, put together on the device."""

from __future__ import annotations

from typing import Any

from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import THREADS, blocks_for, kernel
from pytmva_rnn.kernels.cuda.machine.layer import Run


@kernel
def _gather(X, y, w, order, now, x_out, y_out, w_out, events):
    """Rows order[now[0]] of X, y and w, which becomes the batch at hand; an order of one row serves all batches."""
    inputs, outputs = X.shape[1], y.shape[1]
    batch = min(now[0], order.shape[0] - 1)
    if cuda.grid(1) == 0:
        now[1] = now[0]
    for k in range(cuda.grid(1), events * inputs, cuda.gridsize(1)):
        n, d = k // inputs, k % inputs
        source = order[batch, n]
        x_out[n, d] = X[source, d]
        if d < outputs:
            for j in range(d, outputs, inputs):
                y_out[n, j] = y[source, j]
        if d == 0:
            w_out[n] = w[source]


def gather(run: Run, data: tuple[Any, ...], order: Any, targets: tuple[Any, ...]) -> None:
    """Copy the next batch's events of X (n, T*D), y (n, O) and w (n,) into the batch's memory for them.

    `order` (batches, events) has the numbers of the events.
    """
    grid = blocks_for(run.events * data[0].shape[1]), THREADS, run.stream
    _gather[grid](*data, order, run.schedule.now, *targets, run.events)
