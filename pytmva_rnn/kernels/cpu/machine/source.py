"""Brings events into lanes: rows of X, wherever they lie, become columns of a block."""

from __future__ import annotations

import numpy as np

from pytmva_rnn.compile import array_at, operation
from pytmva_rnn.kernels.cpu.machine.intrinsics import floats, lanes_at, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, copy_floats, input_row, input_step, step_of
from pytmva_rnn.kernels.cpu.machine.plan import Plan, View
from pytmva_rnn.kernels.cpu.machine.simd import transpose_rows


def plan(plan: Plan, steps: int, inputs: int, gradient: bool) -> None:
    """Add the operation that fills the first view, and room for its gradient if that is wanted."""
    if plan.single:
        # an event lies as it comes: [step][input]
        plan.view = View(steps, inputs, plan.scratch(steps * inputs), inputs, -1)
    else:
        plan.view = View(steps, inputs, plan.activations(steps, inputs), plan.step(inputs), -1)
    if gradient:
        plan.view.gradient = plan.scratch(steps * inputs * LANES)
    plan.add(-1, forward=forward, forward_one=forward_one, backward=backward)


@operation
def forward(op_address, frame_address):
    """Fill a block with its events; lanes without an event repeat one."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    count = op.T * op.D
    events = array_at(frame.events, LANES, np.int64)
    if count < WIDTH:
        for k in range(count):
            row = floats(input_row(op, frame, k), LANES)
            for lane in range(LANES):
                row[lane] = floats(step_of(frame.X, count, events[lane]), count)[k]
        return
    gap = op.x_step - op.D * LANES
    for k in range(0, count, WIDTH):
        first = min(k, count - WIDTH)  # the last square overlaps the one before it, so that it does not read beyond
        source, target = step_of(frame.X, 1, first), input_row(op, frame, first)
        for lane in range(0, frame.vectors * WIDTH, WIDTH):
            numbers = frame.events + events.itemsize * lane
            transpose_rows(source, numbers, count, step_of(target, 1, lane), first % op.D, op.D, gap)


@operation
def forward_one(op_address, frame_address):
    """Copy one event."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    copy_floats(input_step(op, frame, 0), frame.X, op.T * op.D)


@operation
def backward(op_address, frame_address):
    """Bring the gradient of a block's inputs out of the lanes."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    if op.dx < 0:
        return
    count = op.T * op.D
    target, dx = array_at(frame.x_gradient, (frame.n, count), np.float32), lanes_at(frame.scratch + op.dx, count)
    for k in range(count):
        for lane in range(frame.count):
            target[frame.block * LANES + lane, k] = dx[k, lane]
