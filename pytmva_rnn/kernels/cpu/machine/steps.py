"""Copies activations into steps of another size, where a layer wants a sequence of what lies otherwise."""

from __future__ import annotations

from pytmva_rnn.compile import array_at, operation
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, copy_floats, floats
from pytmva_rnn.kernels.cpu.machine.plan import Plan, View


def as_steps(plan: Plan, number: int, steps: int, rows: int) -> None:
    """Make the current view, the input of layer `number`, one of `steps` steps of `rows` rows."""
    view = plan.view
    if (view.T, view.D) == (steps, rows):  # noqa: SIM300 - no constant here
        return
    op = plan.add(number, forward=forward, forward_one=forward_one, H=rows)
    y, step = plan.activations(steps, rows), plan.step(rows)
    op |= {"y": y, "y_step": step}
    # gradients lie without rows of ones, so that the same place serves both shapes
    plan.view = View(steps, rows, y, step, view.gradient)


@operation
def forward(op_address, frame_address):
    """Copy the rows of a block in their order."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    for row in range(op.T * op.D):
        source = op.x + row // op.D * op.x_step + row % op.D * LANES
        target = op.y + row // op.H * op.y_step + row % op.H * LANES
        copy_floats(frame.scratch + 4 * target, frame.scratch + 4 * source, LANES)


@operation
def forward_one(op_address, frame_address):
    """Copy the values of one event in their order."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    for row in range(op.T * op.D):
        source = op.x + row // op.D * op.x_step + row % op.D
        target = op.y + row // op.H * op.y_step + row % op.H
        floats(frame.scratch + 4 * target, 1)[0] = floats(frame.scratch + 4 * source, 1)[0]
