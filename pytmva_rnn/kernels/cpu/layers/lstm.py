"""Long short-term memory on lanes; the equations are those of `kernels.reference.layers.lstm`.

Gates lie in the order i, f, c, o. A step is one product over [x, 1, h] whose sums stay in registers until the cell's
equations have used them.
"""

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
from pytmva_rnn.kernels.cpu.machine.vector import Vector, sigmoid, tanh

_GATES = (0, 1, 2, 3)


def _cell(a_i: Vector, a_f: Vector, a_c: Vector, a_o: Vector, c: Vector) -> tuple[Vector, ...]:
    i, f, g, o = sigmoid(a_i), sigmoid(a_f), tanh(a_c), sigmoid(a_o)
    c = f * c + i * g
    tanh_c = tanh(c)
    return o * tanh_c, c, i, f, g, o, tanh_c


def _cell_inference(a_i: Vector, a_f: Vector, a_c: Vector, a_o: Vector, c: Vector) -> tuple[Vector, ...]:
    return _cell(a_i, a_f, a_c, a_o, c)[:2]


def _cell_gradient(
    dh: Vector, dc: Vector, c: Vector, i: Vector, f: Vector, g: Vector, o: Vector, tanh_c: Vector
) -> tuple[Vector, ...]:
    dc = dc + dh * o * (1 - tanh_c * tanh_c)
    return dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g), dh * tanh_c * o * (1 - o), dc * f


_training_step = recurrent_step(_cell, UNITS, _GATES, _GATES, 1, 7)
_inference_step = recurrent_step(_cell_inference, UNITS, _GATES, _GATES, 1, 2)
_one_step = recurrent_step_one(_cell_inference, WIDE, _GATES, _GATES, 1, 2)
_gradient = pointwise(_cell_gradient, 8, 5)


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation, weights and memory to a plan."""
    as_steps(plan, number, layer.time_steps, layer.input_size)
    D, H, T = layer.input_size, layer.state_size, layer.time_steps
    op = plan.add(number, forward=forward, forward_one=forward_one, backward=backward, pack=pack)
    plan_states(layer, plan, op)
    plan_gate_gradients(plan, op, 4)
    W, U = plan.matrix(D, 4 * H, biased=True), plan.matrix(H, 4 * H)
    for g, gate in enumerate("ifco"):
        plan.place(number, f"W_{gate}", W, column=g * H)
        plan.place(number, f"b_{gate}", W, row=D, column=g * H)
        plan.place(number, f"U_{gate}", U, column=g * H)
    op |= {"w": W.offset, "w_stride": W.stride, "u": U.offset, "u_stride": U.stride}
    op |= {"packed": plan.packed((D + 1) * 4 * H), "packed_v": plan.packed(H * 4 * H)}
    op |= {"cell": plan.scratch((T + 1 if plan.training else 1) * plan.rows(H)), "state": plan.state(2 * H * LANES)}
    if plan.training:
        # gates i, f, g, o and tanh c of each step; the gradient of c behind them
        op |= {"saved": plan.scratch((5 * T + 1) * H * LANES), "saved_step": 5 * H * LANES}


@operation
def pack(op_address, frame_address):
    """Refresh the fused step's copy of the weights."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    weights, packed = frame.weights, frame.packed
    pack_tiles(op.H, 4, UNITS, weights + 4 * op.w, op.w_stride, op.D + 1, packed + 4 * op.packed)
    pack_tiles(op.H, 4, UNITS, weights + 4 * op.u, op.u_stride, op.H, packed + 4 * op.packed_v)


@operation
def forward(op_address, frame_address):
    """All steps of a block."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, D, rows = op.H, op.D, op.H * LANES
    base, states = frame.scratch, frame.states + 4 * op.state
    wx, wh = frame.packed + 4 * op.packed, frame.packed + 4 * op.packed_v
    start(op.remember, rows, base + 4 * op.y, states)
    start(op.remember, rows, base + 4 * op.cell, states + 4 * rows)
    h_new = c_new = base
    for t in range(op.T):
        x, h, h_new = places(op, base, t)
        c = base + 4 * (op.cell + (t * rows if op.training else 0))
        c_new = c + (4 * rows if op.training else 0)
        if op.training:
            s = base + 4 * (op.saved + t * op.saved_step)
            made = (h_new, c_new, s, s + 4 * rows, s + 8 * rows, s + 12 * rows, s + 16 * rows)
            _training_step(H, frame.vectors, wx, x, D + 1, wh, h, known(op, t), (c,), made)
        else:
            _inference_step(H, frame.vectors, wx, x, D + 1, wh, h, known(op, t), (c,), (h_new, c_new))
    if op.remember:
        copy_floats(states, h_new, rows)
        copy_floats(states + 4 * rows, c_new, rows)


@operation
def forward_one(op_address, frame_address):
    """All steps of one event, from states of zero."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, base, c = op.H, frame.scratch, frame.scratch + 4 * op.cell
    wx, wh = frame.weights + 4 * op.w, frame.weights + 4 * op.u
    floats(base + 4 * op.y, H)[:] = 0
    floats(c, H)[:] = 0
    for t in range(op.T):
        x, h, h_new = places(op, base, t)
        _one_step(H, H, wx, op.w_stride, x, op.D, wh, op.u_stride, h, known(op, t), (c,), (h_new, c))


@operation
def backward(op_address, frame_address):
    """Gradients of a block, added to the weights' gradient; the initial states count as the constant zero."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, T, rows, base = op.H, op.T, op.H * LANES, frame.scratch
    dc = base + 4 * (op.saved + T * op.saved_step)
    for zero in (base + 4 * op.y, base + 4 * op.cell, dc):
        floats(zero, rows)[:] = 0
    gates = base + 4 * op.work
    end, step = T, VECTORS // frame.vectors
    for t in range(T - 1, -1, -1):
        dh = before(op, base, t + 1)
        s = base + 4 * (op.saved + t * op.saved_step)
        c = base + 4 * (op.cell + t * rows)
        given = (dh, dc, c, s, s + 4 * rows, s + 8 * rows, s + 12 * rows, s + 16 * rows)
        _gradient(H * VECTORS, step, given, (gates, gates + 4 * rows, gates + 8 * rows, gates + 12 * rows, dc))
        if t:
            u = frame.weights + 4 * op.u
            product(H, frame.vectors, u, op.u_stride, gates, LANES, 4 * H, before(op, base, t), LANES, op.sequence)
        pass_on(op, frame, gates, 4 * H, t)
        end = add_gradients(op, frame, t, end, 0)
