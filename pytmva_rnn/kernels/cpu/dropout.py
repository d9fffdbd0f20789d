"""Dropout of a dense layer's input on lanes, by the counter of `kernels.reference.dropout`."""

from __future__ import annotations

import numpy as np

from pytmva_rnn.compile import array_at, kernel, operation
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, floats
from pytmva_rnn.kernels.cpu.machine.plan import Plan, View


def plan(plan: Plan, number: int, probability: float) -> None:
    """Add an operation that drops elements of the current view."""
    view = plan.view
    op = plan.add(number, forward=forward, backward=backward, probability=probability)
    y, step = plan.activations(view.T, view.D), (view.D + 1) * LANES
    op |= {"y": y, "y_step": step}
    plan.view = View(view.T, view.D, y, step, view.gradient)


@kernel
def _factor(key, counter, probability):
    # products of uint32 are uint64 to Numba: cut them back
    bits = np.uint64(0xFFFFFFFF)
    x = (np.uint64(counter) * np.uint64(0x9E3779B9) + np.uint64(key)) & bits
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(0x85EBCA6B)) & bits
    x ^= x >> np.uint64(13)
    x = (x * np.uint64(0xC2B2AE35)) & bits
    x ^= x >> np.uint64(16)
    threshold = np.uint64(min(probability * 4294967296.0, 4294967295.0))
    return np.float32(1.0 / (1.0 - probability)) if x >= threshold else np.float32(0.0)


@operation
def forward(op_address, frame_address):
    """Output of a block, whose first event is row `block*LANES` of the batch."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    columns = op.T * op.D
    for column in range(columns):
        x = floats(frame.scratch + 4 * (op.x + column // op.D * op.x_step + column % op.D * LANES), LANES)
        y = floats(frame.scratch + 4 * (op.y + column // op.D * op.y_step + column % op.D * LANES), LANES)
        for lane in range(LANES):
            counter = (frame.block * LANES + lane) * columns + column
            y[lane] = x[lane] * _factor(frame.key + op.layer, counter, op.probability)


@operation
def backward(op_address, frame_address):
    """Scale the gradient, in place, as the activations were."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    if op.dx < 0:
        return
    columns = op.T * op.D
    for column in range(columns):
        dx = floats(frame.scratch + 4 * (op.dx + column * LANES), LANES)
        for lane in range(LANES):
            counter = (frame.block * LANES + lane) * columns + column
            dx[lane] *= _factor(frame.key + op.layer, counter, op.probability)
