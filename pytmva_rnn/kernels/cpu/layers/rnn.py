"""Elman network on lanes; the equations are those of `kernels.reference.layers.rnn`."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.compile import array_at, operation
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, VECTORS, WIDE
from pytmva_rnn.kernels.cpu.machine.matrix import product
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, copy_floats, floats
from pytmva_rnn.kernels.cpu.machine.plan import Plan
from pytmva_rnn.kernels.cpu.machine.recurrent import (
    UNITS,
    add_gradients,
    before,
    known,
    pack_tiles,
    pass_on,
    places,
    plan_gate_gradients,
    plan_states,
    start,
)
from pytmva_rnn.kernels.cpu.machine.simd import pointwise
from pytmva_rnn.kernels.cpu.machine.steps import as_steps
from pytmva_rnn.kernels.cpu.machine.tiles import recurrent_step, recurrent_step_one
from pytmva_rnn.kernels.cpu.machine.vector import Vector, tanh

_UNITS = 4 * UNITS


def _cell(a: Vector) -> tuple[Vector]:
    return (tanh(a),)


def _cell_gradient(dh: Vector, h: Vector) -> tuple[Vector]:
    return (dh * (1 - h * h),)


_step = recurrent_step(_cell, _UNITS, (0,), (0,), 0, 1)
_one_step = recurrent_step_one(_cell, WIDE, (0,), (0,), 0, 1)
_gradient = pointwise(_cell_gradient, 2, 1)


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation, weights and memory to a plan."""
    as_steps(plan, number, layer.time_steps, layer.input_size)
    D, H = layer.input_size, layer.state_size
    op = plan.add(number, forward=forward, forward_one=forward_one, backward=backward, pack=pack)
    plan_states(layer, plan, op)
    plan_gate_gradients(plan, op, 1)
    W, U = plan.matrix(D, H, biased=True), plan.matrix(H, H)
    plan.place(number, "W", W)
    plan.place(number, "b", W, row=D)
    plan.place(number, "U", U)
    op |= {"w": W.offset, "w_stride": W.stride, "u": U.offset, "u_stride": U.stride}
    op |= {"packed": plan.packed((D + 1) * H), "packed_v": plan.packed(H * H)}
    op["state"] = plan.state(H * LANES)


@operation
def pack(op_address, frame_address):
    """Refresh the fused step's copy of the weights."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    weights, packed = frame.weights, frame.packed
    pack_tiles(op.H, 1, _UNITS, weights + 4 * op.w, op.w_stride, op.D + 1, packed + 4 * op.packed)
    pack_tiles(op.H, 1, _UNITS, weights + 4 * op.u, op.u_stride, op.H, packed + 4 * op.packed_v)


@operation
def forward(op_address, frame_address):
    """All steps of a block."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, rows, base, states = op.H, op.H * LANES, frame.scratch, frame.states + 4 * op.state
    wx, wh = frame.packed + 4 * op.packed, frame.packed + 4 * op.packed_v
    start(op.remember, rows, base + 4 * op.y, states)
    h_new = base
    for t in range(op.T):
        x, h, h_new = places(op, base, t)
        _step(H, frame.vectors, wx, x, op.D + 1, wh, h, known(op, t), (), (h_new,))
    if op.remember:
        copy_floats(states, h_new, rows)


@operation
def forward_one(op_address, frame_address):
    """All steps of one event, from a state of zero."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, base = op.H, frame.scratch
    wx, wh = frame.weights + 4 * op.w, frame.weights + 4 * op.u
    floats(base + 4 * op.y, H)[:] = 0
    for t in range(op.T):
        x, h, h_new = places(op, base, t)
        _one_step(H, H, wx, op.w_stride, x, op.D, wh, op.u_stride, h, known(op, t), (), (h_new,))


@operation
def backward(op_address, frame_address):
    """Gradients of a block, added to the weights' gradient; the initial state counts as the constant zero."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, T, rows, base = op.H, op.T, op.H * LANES, frame.scratch
    floats(base + 4 * op.y, rows)[:] = 0
    da = base + 4 * op.work
    end, step = T, VECTORS // frame.vectors
    for t in range(T - 1, -1, -1):
        _gradient(H * VECTORS, step, (before(op, base, t + 1), base + 4 * (op.y + (t + 1) * op.y_step)), (da,))
        if t:
            u = frame.weights + 4 * op.u
            product(H, frame.vectors, u, op.u_stride, da, LANES, H, before(op, base, t), LANES, op.sequence)
        pass_on(op, frame, da, H, t)
        end = add_gradients(op, frame, t, end, 0)
