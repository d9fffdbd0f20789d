"""Long short-term memory on lanes; the equations are those of `kernels.reference.layers.lstm`.

Gates lie in the order i, f, c, o. A step is one product over [x, 1, h] whose sums stay in registers until the cell's
equations have used them.
"""

from __future__ import annotations

from typing import Any

from pytmva_rnn.compile import helper, operation
from pytmva_rnn.kernels.cpu.machine.intrinsics import floats, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, VECTORS, WIDTH
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, copy_floats, input_step, padded, record_type, row_of, step_of
from pytmva_rnn.kernels.cpu.machine.padding_marks import carried, cleared, held, released
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
    plan_kept,
    plan_states,
    plan_sums,
    plan_weights,
    put_input_gradient,
    put_input_sums,
    put_state_gradient,
    put_sums,
    remember_state,
    set_initial,
    set_initial_state,
    state,
    state_gradient,
    state_rows,
)
from pytmva_rnn.kernels.cpu.machine.simd import pointwise
from pytmva_rnn.kernels.cpu.machine.steps import as_steps
from pytmva_rnn.kernels.cpu.machine.tiles import recurrent_step
from pytmva_rnn.kernels.cpu.machine.vector import Vector, sigmoid, tanh

_GATES = (0, 1, 2, 3)

LSTM = record_type(
    "packed_w",  # places of the weights in the order of the fused step: of the inputs and the bias
    "packed_u",  # of the states
    "c",  # place of the cell before the first step
    "c_step",  # to that of the next step; 0 in inference, where one cell serves all steps, if all are there
    "i",  # places of the gates and of tanh(c) of the first step, which a training keeps
    "f",
    "g",
    "o",
    "tanh_c",
    "kept_step",
    "dc",  # place of the gradient of the cell
    extends=RECURRENT,
)


def _gates(a_i: Vector, a_f: Vector, a_c: Vector, a_o: Vector) -> tuple[Vector, ...]:
    return sigmoid(a_i), sigmoid(a_f), tanh(a_c), sigmoid(a_o)


def _cell(i: Vector, f: Vector, g: Vector, o: Vector, c: Vector) -> tuple[Vector, ...]:
    c = f * c + i * g
    tanh_c = tanh(c)
    return o * tanh_c, c, i, f, g, o, tanh_c


def _cell_inference(i: Vector, f: Vector, g: Vector, o: Vector, c: Vector) -> tuple[Vector, ...]:
    return _cell(i, f, g, o, c)[:2]


def _cell_one(a_i: Vector, a_f: Vector, a_c: Vector, a_o: Vector, c: Vector) -> tuple[Vector, ...]:
    i, f, g, o = _gates(a_i, a_f, a_c, a_o)
    return _cell_inference(i, f, g, o, c)


def _cell_gradient(
    dh: Vector, dc: Vector, c: Vector, i: Vector, f: Vector, g: Vector, o: Vector, tanh_c: Vector
) -> tuple[Vector, ...]:
    dc = dc + dh * o * (1 - tanh_c * tanh_c)
    return dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g), dh * tanh_c * o * (1 - o), dc * f


_training_step = recurrent_step((_gates, _cell), UNITS, _GATES, _GATES, 1, 7)
_inference_step = recurrent_step((_gates, _cell_inference), UNITS, _GATES, _GATES, 1, 2)
_one_step = pointwise(_cell_one, 5, 2)
_gradient = pointwise(_cell_gradient, 8, 5)


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation, weights and memory to a plan."""
    D, H, T = layer.input_size, layer.state_size, layer.time_steps
    as_steps(plan, number, T, D)
    of_block = forward_training if plan.training else forward
    op = plan.add(number, forward=of_block, forward_one=forward_one, backward=backward, pack=pack, record=LSTM)
    plan_states(layer, plan, op, 2)
    plan_gate_gradients(plan, op, 4)
    W, U = plan.matrix(D, 4 * H, biased=True), plan.matrix(H, 4 * H)
    plan_weights(op, W, U)
    plan_sums(plan, op, 4 * H, U, W)
    for g, gate in enumerate("ifco"):
        plan.place(number, f"W_{gate}", W, column=g * H)
        plan.place(number, f"b_{gate}", W, row=D, column=g * H)
        plan.place(number, f"U_{gate}", U, column=g * H)
    op.own |= {"packed_w": plan.packed((D + 1) * 4 * H), "packed_u": plan.packed(H * 4 * H)}
    cells, c_step = (T + 1, plan.rows(H)) if plan.training or plan.mask >= 0 else (1, 0)
    op.own |= {"c": plan.scratch(cells * plan.rows(H)), "c_step": c_step}
    if plan.training:
        plan_kept(plan, op, "i", "f", "g", "o", "tanh_c")
        op.own["dc"] = plan.scratch(H * LANES)


@operation
def pack(op_address, frame_address):
    """Refresh the fused step's copy of the weights."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, LSTM)
    w, u = frame.weights + own.w, frame.weights + own.u
    pack_tiles(op.H, 4, UNITS, w, own.w_stride, op.D + 1, frame.packed + own.packed_w)
    pack_tiles(op.H, 4, UNITS, u, own.u_stride, op.H, frame.packed + own.packed_u)


@operation
def forward(op_address, frame_address):
    """All steps of a block."""
    _forward(op_address, frame_address, _inference_step)


@operation
def forward_training(op_address, frame_address):
    """The same, and what the backward pass needs is kept."""
    _forward(op_address, frame_address, _training_step)


@helper
def _forward(op_address, frame_address, step):
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, LSTM)
    H, D, rows, cells = op.H, op.D, op.H * LANES, frame.scratch + own.c
    w, u = frame.packed + own.packed_w, frame.packed + own.packed_u
    c_memory = row_of(frame.states + own.memory, H)  # behind that of h
    set_initial_state(op, frame)
    set_initial(own.remember, cells, c_memory, rows)
    for t in range(op.T):
        x, h, h_new = input_step(op, frame, t), state(op, frame, t), state(op, frame, t + 1)
        c, c_new = step_of(cells, own.c_step, t), step_of(cells, own.c_step, t + 1)
        n = state_rows(op, t)
        kept = step_of(frame.scratch, own.kept_step, t)
        # a score has no room for those behind the cell, and makes none of them
        made = (h_new, c_new, kept + own.i, kept + own.f, kept + own.g, kept + own.o, kept + own.tanh_c)
        step(H, frame.vectors, w, x, D + 1, u, h, n, (c,), made)
        carry_state(op, frame, t)
        carried(op, frame, t, H, c, c_new)
    remember_state(op, frame)
    if own.remember:
        copy_floats(c_memory, step_of(cells, own.c_step, op.T), rows)


@operation
def forward_one(op_address, frame_address):
    """All steps of one event, from states of zero."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, LSTM)
    H, c, a = op.H, frame.scratch + own.c, frame.scratch + own.sums
    gates = (a, step_of(a, H, 1), step_of(a, H, 2), step_of(a, H, 3))
    floats(state(op, frame, 0), H)[:] = 0
    floats(c, H)[:] = 0
    put_input_sums(op, frame)
    for t in range(op.T):
        if passed_over(op, frame, t):
            continue
        h, h_new = state(op, frame, t), state(op, frame, t + 1)
        put_sums(op, frame, 4 * H, t, input_sums(op, frame, t, 0), own.one, h, state_rows(op, t), a)
        _one_step(padded(H) // WIDTH, 1, (*gates, c), (h_new, c))


@operation
def backward(op_address, frame_address):
    """Gradients of a block, added to the weights' gradient; the initial states count as the constant zero."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, LSTM)
    H, T, rows, cells = op.H, op.T, op.H * LANES, frame.scratch + own.c
    u, dc = frame.weights + own.u, frame.scratch + own.dc
    for zero in (state(op, frame, 0), cells, dc):
        floats(zero, rows)[:] = 0
    gates = frame.scratch + own.gates
    d_i, d_f, d_c, d_o = gates, row_of(gates, H), row_of(gates, 2 * H), row_of(gates, 3 * H)
    end, step = T, VECTORS // frame.vectors
    for t in range(T - 1, -1, -1):
        dh, c = state_gradient(op, frame, t + 1), step_of(cells, own.c_step, t)
        kept = step_of(frame.scratch, own.kept_step, t)
        i, f, g, o, tanh_c = kept + own.i, kept + own.f, kept + own.g, kept + own.o, kept + own.tanh_c
        held(op, frame, t, H, 0, dh)
        held(op, frame, t, H, 1, dc)
        _gradient(H * VECTORS, step, (dh, dc, c, i, f, g, o, tanh_c), (d_i, d_f, d_c, d_o, dc))
        cleared(op, frame, t, 4 * H, gates)
        cleared(op, frame, t, H, dc)
        released(op, frame, H, 1, dc)
        if t:
            dh = state_gradient(op, frame, t)
            put_state_gradient(op, frame, u, own.u_stride, gates, 4 * H, dh, own.sequence)
            released(op, frame, H, 0, dh)
        put_input_gradient(op, frame, gates, 4 * H, t)
        keep_gate_gradients(op, frame, gates, t)
        end = add_gradients(op, frame, t, end, 0)
