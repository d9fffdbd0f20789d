"""Copies activations into steps of another size, where a layer wants a sequence of what lies otherwise."""

from __future__ import annotations

from pytmva_rnn.compile import operation
from pytmva_rnn.kernels.cpu.machine.intrinsics import floats, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, copy_floats, input_row, input_value, output_step, row_of
from pytmva_rnn.kernels.cpu.machine.plan import Plan, View


def as_steps(plan: Plan, number: int, steps: int, rows: int) -> None:
    """Make the current view, the input of layer `number`, one of `steps` steps of `rows` rows."""
    view = plan.view
    if (view.T, view.D) == (steps, rows):  # noqa: SIM300 - no constant here
        return
    op = plan.add(number, forward=forward, forward_one=forward_one)
    # gradients lie without rows of ones, so that the same place serves both shapes
    plan.output(op, View(steps, rows, plan.activations(steps, rows), plan.step(rows), view.gradient))


@operation
def forward(op_address, frame_address):
    """Copy the rows of a block in their order."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    for k in range(op.T * op.D):
        copy_floats(row_of(output_step(op, frame, k // op.H), k % op.H), input_row(op, frame, k), LANES)


@operation
def forward_one(op_address, frame_address):
    """Copy the values of one event in their order."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    for k in range(op.T * op.D):
        floats(output_step(op, frame, k // op.H), op.H)[k % op.H] = input_value(op, frame, k)
