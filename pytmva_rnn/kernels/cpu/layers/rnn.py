"""Elman network on lanes; the equations are those of `kernels.reference.layers.rnn`."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.compile import operation
from pytmva_rnn.kernels.cpu.machine.intrinsics import floats, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, VECTORS, WIDTH
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, input_step, padded, record_type
from pytmva_rnn.kernels.cpu.machine.padding_marks import cleared, held, released
from pytmva_rnn.kernels.cpu.machine.plan import Plan
from pytmva_rnn.kernels.cpu.machine.recurrent import (
    RECURRENT,
    UNITS,
    add_gradients,
    carry_state,
    input_sums,
    keep_gate_gradients,
    pack_tiles,
    passed_over,
    plan_gate_gradients,
    plan_states,
    plan_sums,
    plan_weights,
    put_input_gradient,
    put_input_sums,
    put_state_gradient,
    put_sums,
    remember_state,
    set_initial_state,
    state,
    state_gradient,
    state_rows,
)
from pytmva_rnn.kernels.cpu.machine.simd import pointwise
from pytmva_rnn.kernels.cpu.machine.steps import as_steps
from pytmva_rnn.kernels.cpu.machine.tiles import recurrent_step
from pytmva_rnn.kernels.cpu.machine.vector import Vector, tanh

_UNITS = 4 * UNITS

RNN = record_type(
    "packed_w",  # places of the weights in the order of the fused step: of the inputs and the bias
    "packed_u",  # of the states
    extends=RECURRENT,
)


def _cell(a: Vector) -> tuple[Vector]:
    return (tanh(a),)


def _cell_gradient(dh: Vector, h: Vector) -> tuple[Vector]:
    return (dh * (1 - h * h),)


_step = recurrent_step((_cell,), _UNITS, (0,), (0,), 0, 1)
_one_step = pointwise(_cell, 1, 1)
_gradient = pointwise(_cell_gradient, 2, 1)


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation, weights and memory to a plan."""
    D, H = layer.input_size, layer.state_size
    as_steps(plan, number, layer.time_steps, D)
    op = plan.add(number, forward=forward, forward_one=forward_one, backward=backward, pack=pack, record=RNN)
    plan_states(layer, plan, op, 1)
    plan_gate_gradients(plan, op, 1)
    W, U = plan.matrix(D, H, biased=True), plan.matrix(H, H)
    plan_weights(op, W, U)
    plan_sums(plan, op, H, U, W)
    plan.place(number, "W", W)
    plan.place(number, "b", W, row=D)
    plan.place(number, "U", U)
    op.own |= {"packed_w": plan.packed((D + 1) * H), "packed_u": plan.packed(H * H)}


@operation
def pack(op_address, frame_address):
    """Refresh the fused step's copy of the weights."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, RNN)
    w, u = frame.weights + own.w, frame.weights + own.u
    pack_tiles(op.H, 1, _UNITS, w, own.w_stride, op.D + 1, frame.packed + own.packed_w)
    pack_tiles(op.H, 1, _UNITS, u, own.u_stride, op.H, frame.packed + own.packed_u)


@operation
def forward(op_address, frame_address):
    """All steps of a block."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, RNN)
    H, w, u = op.H, frame.packed + own.packed_w, frame.packed + own.packed_u
    set_initial_state(op, frame)
    for t in range(op.T):
        x, h, h_new = input_step(op, frame, t), state(op, frame, t), state(op, frame, t + 1)
        _step(H, frame.vectors, w, x, op.D + 1, u, h, state_rows(op, t), (), (h_new,))
        carry_state(op, frame, t)
    remember_state(op, frame)


@operation
def forward_one(op_address, frame_address):
    """All steps of one event, from a state of zero."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, RNN)
    H, a = op.H, frame.scratch + own.sums
    floats(state(op, frame, 0), H)[:] = 0
    put_input_sums(op, frame)
    for t in range(op.T):
        if passed_over(op, frame, t):
            continue
        h, h_new = state(op, frame, t), state(op, frame, t + 1)
        put_sums(op, frame, H, t, input_sums(op, frame, t, 0), own.one, h, state_rows(op, t), a)
        _one_step(padded(H) // WIDTH, 1, (a,), (h_new,))


@operation
def backward(op_address, frame_address):
    """Gradients of a block, added to the weights' gradient; the initial state counts as the constant zero."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, RNN)
    H, T, u, da = op.H, op.T, frame.weights + own.u, frame.scratch + own.gates
    floats(state(op, frame, 0), H * LANES)[:] = 0
    end, step = T, VECTORS // frame.vectors
    for t in range(T - 1, -1, -1):
        dh, h_new = state_gradient(op, frame, t + 1), state(op, frame, t + 1)
        held(op, frame, t, H, 0, dh)
        _gradient(H * VECTORS, step, (dh, h_new), (da,))
        cleared(op, frame, t, H, da)
        if t:
            dh = state_gradient(op, frame, t)
            put_state_gradient(op, frame, u, own.u_stride, da, H, dh, own.sequence)
            released(op, frame, H, 0, dh)
        put_input_gradient(op, frame, da, H, t)
        keep_gate_gradients(op, frame, da, t)
        end = add_gradients(op, frame, t, end, 0)
