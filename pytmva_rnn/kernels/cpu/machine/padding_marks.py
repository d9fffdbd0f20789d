"""Steps that are not there, a lane each: found in the inputs, and left out of states and gradients.

A mask [T][LANES] has 1 where a step is there and else 0 (for one event, [T]). Recurrent layers have these functions
called, by their addresses, where a plan has such a mask, and are the same as ever where it has none.
"""

from __future__ import annotations

import numpy as np

from pytmva_rnn.compile import helper, inlined, operation
from pytmva_rnn.kernels.cpu.machine.intrinsics import call, floats, lanes_at, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, copy_floats, input_step, output_step, record_type, row_of
from pytmva_rnn.kernels.cpu.machine.plan import Plan, PlannedOperation, View

__all__ = ["MASK", "carried", "cleared", "held", "plan_blank", "plan_mask", "plan_masked", "released"]

MASK = record_type(
    "mask",  # its place in the scratch memory; -1 where all steps are there
    "held",  # that of two gradients that are kept aside
    "carry",  # addresses of functions
    "clear",
    "hold",
    "release",
)
"""What the own records of operations that know the mask start with."""


def plan_mask(plan: Plan) -> None:
    """Add the operation that finds the mask of the inputs, and room for it."""
    view = plan.view
    op = plan.add(-1, forward=find, forward_one=find_one, record=MASK)
    plan.mask = plan.scratch(view.T * (1 if plan.single else LANES))
    op.own["mask"] = plan.mask


def plan_blank(plan: Plan, number: int) -> None:
    """Add the operation that makes the current view, the input of layer `number`, 0 in steps that are not there."""
    view = plan.view
    op = plan.add(number, forward=blank, forward_one=blank_one, backward=blank_gradient, record=MASK)
    op.own["mask"] = plan.mask
    plan.output(op, View(view.T, view.D, plan.activations(view.T, view.D), plan.step(view.D), view.gradient))


def plan_masked(plan: Plan, op: PlannedOperation, rows: int) -> None:
    """What a recurrent layer of so many units needs to leave out steps."""
    op.own["mask"] = plan.mask
    if plan.mask < 0 or plan.single:
        return
    op.own["carry"] = carry
    if plan.training:
        op.own |= {"clear": clear, "hold": hold, "release": release}
        op.own["held"] = plan.scratch(2 * rows * LANES)


@inlined
def _mask(mask, frame, t):
    """Address of the mask of step t, of lanes."""
    return row_of(frame.scratch + mask, t)


@helper
def carried(op, frame, t, rows, old, new):
    """Leave `rows` rows as they were, at `old`, in lanes that step t is not there of."""
    own = record_at(op.own, MASK)
    if own.mask >= 0:
        call(own.carry, (_mask(own.mask, frame, t), rows, old, new))


@helper
def cleared(op, frame, t, rows, target):
    """Make rows 0 in lanes that step t is not there of."""
    own = record_at(op.own, MASK)
    if own.mask >= 0:
        call(own.clear, (_mask(own.mask, frame, t), rows, target))


@helper
def held(op, frame, t, rows, number, source):
    """Keep aside what lanes that step t is not there of have in rows, as number 0 or 1."""
    own = record_at(op.own, MASK)
    if own.mask >= 0:
        place = row_of(frame.scratch + own.held, number * rows)
        call(own.hold, (_mask(own.mask, frame, t), rows, source, place))


@helper
def released(op, frame, rows, number, target):
    """Add what is kept aside to rows."""
    own = record_at(op.own, MASK)
    if own.mask >= 0:
        call(own.release, (rows, row_of(frame.scratch + own.held, number * rows), target))


@operation
def find(op_address, frame_address):
    """The mask of a block; inputs of steps that are not there become 0."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, MASK)
    for t in range(op.T):
        mask, x = floats(_mask(own.mask, frame, t), LANES), lanes_at(input_step(op, frame, t), op.D)
        for lane in range(LANES):
            mask[lane] = 0
        for d in range(op.D):
            for lane in range(LANES):
                mask[lane] = mask[lane] if np.isnan(x[d, lane]) else 1
        for d in range(op.D):
            for lane in range(LANES):
                x[d, lane] = x[d, lane] if mask[lane] else 0


@operation
def find_one(op_address, frame_address):
    """The mask of one event; its inputs are not asked for where it is 0."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    mask = floats(frame.scratch + record_at(op.own, MASK).mask, op.T)
    for t in range(op.T):
        x = floats(input_step(op, frame, t), op.D)
        mask[t] = 0
        for d in range(op.D):
            if not np.isnan(x[d]):
                mask[t] = 1


@operation
def blank(op_address, frame_address):
    """The steps of a block, 0 where they are not there."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    for t in range(op.T):
        y = output_step(op, frame, t)
        copy_floats(y, input_step(op, frame, t), op.D * LANES)
        _clear(_mask(record_at(op.own, MASK).mask, frame, t), op.D, y)


@operation
def blank_one(op_address, frame_address):
    """The steps of one event, 0 where they are not there."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    mask = floats(frame.scratch + record_at(op.own, MASK).mask, op.T)
    for t in range(op.T):
        if mask[t]:
            copy_floats(output_step(op, frame, t), input_step(op, frame, t), op.D)
        else:
            floats(output_step(op, frame, t), op.D)[:] = 0


@operation
def blank_gradient(op_address, frame_address):
    """The gradient, in place."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    for t in range(op.T):
        _clear(_mask(record_at(op.own, MASK).mask, frame, t), op.D, row_of(frame.scratch + op.dx, t * op.D))


@operation
def carry(mask, rows, old, new):
    """See `carried`."""
    there, source, target = floats(mask, LANES), lanes_at(old, rows), lanes_at(new, rows)
    for row in range(rows):
        for lane in range(LANES):
            target[row, lane] = target[row, lane] if there[lane] else source[row, lane]


@operation
def clear(mask, rows, target):
    """See `cleared`."""
    _clear(mask, rows, target)


@helper
def _clear(mask, rows, address):
    there, target = floats(mask, LANES), lanes_at(address, rows)
    for row in range(rows):
        for lane in range(LANES):
            target[row, lane] = target[row, lane] if there[lane] else 0


@operation
def hold(mask, rows, source, target):
    """See `held`."""
    there, given, kept = floats(mask, LANES), lanes_at(source, rows), lanes_at(target, rows)
    for row in range(rows):
        for lane in range(LANES):
            kept[row, lane] = 0 if there[lane] else given[row, lane]


@operation
def release(rows, source, target):
    """See `released`."""
    kept, goal = lanes_at(source, rows), lanes_at(target, rows)
    for row in range(rows):
        for lane in range(LANES):
            goal[row, lane] += kept[row, lane]
