"""Brings events into lanes: rows of X, wherever they lie, become columns of a block."""

from __future__ import annotations

import numpy as np

from pytmva_rnn.compile import array_at, kernel, operation
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, copy_floats, floats
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
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    features = op.T * op.D
    source = frame.X
    if features < WIDTH:
        events = array_at(frame.events, LANES, np.int64)
        for f in range(features):
            row = floats(_row(op, frame, f), LANES)
            for lane in range(LANES):
                row[lane] = array_at(source + 4 * (events[lane] * features + f), 1, np.float32)[0]
        return
    gap = op.x_step - op.D * LANES
    for k in range(0, features, WIDTH):
        first = min(k, features - WIDTH)  # the last square overlaps the one before it, so that it does not read beyond
        target = _row(op, frame, first)
        for lane in range(0, frame.vectors * WIDTH, WIDTH):
            rows = frame.events + 8 * lane
            transpose_rows(source + 4 * first, rows, features, target + 4 * lane, first % op.D, op.D, gap)


@operation
def forward_one(op_address, frame_address):
    """Copy one event."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    copy_floats(frame.scratch + 4 * op.x, frame.X, op.T * op.D)


@operation
def backward(op_address, frame_address):
    """Bring the gradient of a block's inputs out of the lanes."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    if op.dx < 0:
        return
    features = op.T * op.D
    target = array_at(frame.x_gradient, (frame.n, features), np.float32)
    dx = array_at(frame.scratch + 4 * op.dx, (features, LANES), np.float32)
    for f in range(features):
        for lane in range(frame.count):
            target[frame.block * LANES + lane, f] = dx[f, lane]


@kernel
def _row(op, frame, f):
    return frame.scratch + 4 * (op.x + f // op.D * op.x_step + f % op.D * LANES)
