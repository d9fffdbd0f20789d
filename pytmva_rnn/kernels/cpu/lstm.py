"""Long short-term memory on lanes; the equations are those of `kernels.reference.lstm`.

Gates lie in the order i, f, c, o. A step is one product over [x, 1, h] whose sums stay in registers until the cell's
equations have used them.
"""

from __future__ import annotations

from typing import Any

from pytmva_rnn.kernels.cpu.jit import array_at, operation
from pytmva_rnn.kernels.cpu.matrix import product
from pytmva_rnn.kernels.cpu.op import FRAME, OP, Plan, copy_floats, floats, tile_vectors
from pytmva_rnn.kernels.cpu.recurrent import (
    UNITS,
    add_weight_gradient,
    pack_tiles,
    plan_gate_gradients,
    plan_states,
    slot,
    start,
    transpose_gates,
)
from pytmva_rnn.kernels.cpu.simd import LANES, WIDE, WIDTH, Vector, pointwise, sigmoid, tanh
from pytmva_rnn.kernels.cpu.tiles import fused_row_tile, fused_tile

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


_training_tile = fused_tile(_cell, UNITS, _GATES, _GATES, 1, 7)
_training_tile_1 = fused_tile(_cell, 1, _GATES, _GATES, 1, 7)
_inference_tile = fused_tile(_cell_inference, UNITS, _GATES, _GATES, 1, 2)
_inference_tile_1 = fused_tile(_cell_inference, 1, _GATES, _GATES, 1, 2)
_gradient = pointwise(_cell_gradient, 8, 5)
_row_tile = fused_row_tile(_cell_inference, WIDE, _GATES, _GATES, 1, 2)
_row_tile_2 = fused_row_tile(_cell_inference, 2, _GATES, _GATES, 1, 2)
_row_tile_1 = fused_row_tile(_cell_inference, 1, _GATES, _GATES, 1, 2)


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation, weights and memory to a plan."""
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
    H, rows = op.H, op.H * LANES
    base, weights, states = frame.scratch, frame.packed, frame.states + 4 * op.state
    start(op.remember, rows, base + 4 * op.y, states)
    start(op.remember, rows, base + 4 * op.cell, states + 4 * rows)
    for t in range(op.T):
        x = base + 4 * (op.x + t * op.x_step)
        h = base + 4 * (op.y + slot(op, t) * op.y_step)
        h_new = base + 4 * (op.y + slot(op, t + 1) * op.y_step)
        known = 0 if t == 0 and not op.remember else H
        c = base + 4 * (op.cell + (t * rows if op.training else 0))
        c_new = c + (4 * rows if op.training else 0)
        s = base + 4 * (op.saved + t * op.saved_step)
        wx, wh = weights + 4 * op.packed, weights + 4 * op.packed_v
        u = 0
        while u < H:
            units = UNITS if H - u >= UNITS else 1
            at = 4 * u * LANES
            if op.training:
                made = (
                    h_new + at,
                    c_new + at,
                    s + at,
                    s + at + 4 * rows,
                    s + at + 8 * rows,
                    s + at + 12 * rows,
                    s + at + 16 * rows,
                )
                if units == UNITS:
                    _training_tile(wx, x, op.D + 1, wh, h, known, (c + at,), made)
                else:
                    _training_tile_1(wx, x, op.D + 1, wh, h, known, (c + at,), made)
            elif units == UNITS:
                _inference_tile(wx, x, op.D + 1, wh, h, known, (c + at,), (h_new + at, c_new + at))
            else:
                _inference_tile_1(wx, x, op.D + 1, wh, h, known, (c + at,), (h_new + at, c_new + at))
            wx += 16 * units * (op.D + 1)
            wh += 16 * units * H
            u += units
    if op.remember:
        last, cell = op.y + slot(op, op.T) * op.y_step, op.cell + (op.T * rows if op.training else 0)
        copy_floats(states, base + 4 * last, rows)
        copy_floats(states + 4 * rows, base + 4 * cell, rows)


@operation
def forward_one(op_address, frame_address):
    """All steps of one event, from states of zero."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, D, base = op.H, op.D, frame.scratch
    wx, wh = frame.weights + 4 * op.w, frame.weights + 4 * op.u
    floats(base + 4 * op.y, H)[:] = 0
    floats(base + 4 * op.cell, H)[:] = 0
    for t in range(op.T):
        x = base + 4 * (op.x + t * op.x_step)
        h = base + 4 * (op.y + slot(op, t) * op.y_step)
        h_new = base + 4 * (op.y + slot(op, t + 1) * op.y_step)
        known = H if t else 0
        u = 0
        while u < H:
            vectors = tile_vectors(H - u)
            at = 4 * u
            c = base + 4 * (op.cell + u)
            given, made = (c,), (h_new + at, c)
            if vectors == WIDE:
                _row_tile(H, wx + at, op.w_stride, x, D, wh + at, op.u_stride, h, known, given, made)
            elif vectors == 2:
                _row_tile_2(H, wx + at, op.w_stride, x, D, wh + at, op.u_stride, h, known, given, made)
            else:
                _row_tile_1(H, wx + at, op.w_stride, x, D, wh + at, op.u_stride, h, known, given, made)
            u += vectors * WIDTH


@operation
def backward(op_address, frame_address):
    """Gradients of a block, added to the weights' gradient; the initial states count as the constant zero."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, D, T, rows = op.H, op.D, op.T, op.H * LANES
    base, w, g = frame.scratch, frame.weights, frame.gradient
    dc = base + 4 * (op.saved + T * op.saved_step)
    for zero in (base + 4 * op.y, base + 4 * op.cell, dc):
        floats(zero, rows)[:] = 0
    gates = base + 4 * op.work
    end = T
    for t in range(T - 1, -1, -1):
        dh = base + 4 * (op.dy + (t * rows if op.sequence else 0))
        s = base + 4 * (op.saved + t * op.saved_step)
        c = base + 4 * (op.cell + t * rows)
        _gradient(
            rows // WIDTH,
            (dh, dc, c, s, s + 4 * rows, s + 8 * rows, s + 12 * rows, s + 16 * rows),
            (gates, gates + 4 * rows, gates + 8 * rows, gates + 12 * rows, dc),
        )
        if t:
            before = base + 4 * (op.dy + ((t - 1) * rows if op.sequence else 0))
            product(H, w + 4 * op.u, op.u_stride, gates, LANES, 4 * H, before, LANES, op.sequence)
        if op.dx >= 0:
            dx = base + 4 * (op.dx + t * D * LANES)
            product(D, w + 4 * op.w, op.w_stride, gates, LANES, 4 * H, dx, LANES, 0)
        transpose_gates(op, base, t)
        if t % op.chunk == 0:
            n = end - t
            x, h = op.x + t * op.x_step, op.y + t * op.y_step
            add_weight_gradient(op, base, D + 1, op.w_stride, x, op.x_step, 0, t, n, g + 4 * op.w, op.w_stride)
            add_weight_gradient(op, base, H, op.u_stride, h, op.y_step, 0, t, n, g + 4 * op.u, op.u_stride)
            end = t
