"""Batches of shuffled events, put together on the device."""

from __future__ import annotations

from typing import Any

from numba import cuda

from pytmva_rnn.kernels.cuda.device import THREADS, blocks_for, kernel


@kernel
def _gather(X, y, w, order, batch, x_out, y_out, w_out, events):
    """Rows order[batch] of X, y and w."""
    inputs, outputs = X.shape[1], y.shape[1]
    for k in range(cuda.grid(1), events * inputs, cuda.gridsize(1)):
        n, d = k // inputs, k % inputs
        source = order[batch, n]
        x_out[n, d] = X[source, d]
        if d < outputs:
            for j in range(d, outputs, inputs):
                y_out[n, j] = y[source, j]
        if d == 0:
            w_out[n] = w[source]


def gather(data: tuple[Any, ...], order: Any, batch: int, targets: tuple[Any, ...]) -> None:
    """Copy the events order[batch] of X (n, T*D), y (n, O) and w (n,) into a batch's memory for them."""
    events = order.shape[1]
    grid = blocks_for(events * data[0].shape[1]), THREADS
    _gather[grid](*data, order, batch, *targets, events)
