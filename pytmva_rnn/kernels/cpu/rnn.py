"""Elman network on lanes; the equations are those of `kernels.reference.rnn`."""

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
from pytmva_rnn.kernels.cpu.simd import LANES, WIDE, WIDTH, Vector, pointwise, tanh
from pytmva_rnn.kernels.cpu.tiles import fused_row_tile, fused_tile

_UNITS = 4 * UNITS


def _cell(a: Vector) -> tuple[Vector]:
    return (tanh(a),)


def _cell_gradient(dh: Vector, h: Vector) -> tuple[Vector]:
    return (dh * (1 - h * h),)


_tile = fused_tile(_cell, _UNITS, (0,), (0,), 0, 1)
_tile_4 = fused_tile(_cell, 4, (0,), (0,), 0, 1)
_tile_2 = fused_tile(_cell, 2, (0,), (0,), 0, 1)
_tile_1 = fused_tile(_cell, 1, (0,), (0,), 0, 1)
_gradient = pointwise(_cell_gradient, 2, 1)
_row_tile = fused_row_tile(_cell, WIDE, (0,), (0,), 0, 1)
_row_tile_2 = fused_row_tile(_cell, 2, (0,), (0,), 0, 1)
_row_tile_1 = fused_row_tile(_cell, 1, (0,), (0,), 0, 1)


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation, weights and memory to a plan."""
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
    H, rows = op.H, op.H * LANES
    base, weights, states = frame.scratch, frame.packed, frame.states + 4 * op.state
    start(op.remember, rows, base + 4 * op.y, states)
    for t in range(op.T):
        x = base + 4 * (op.x + t * op.x_step)
        h = base + 4 * (op.y + slot(op, t) * op.y_step)
        h_new = base + 4 * (op.y + slot(op, t + 1) * op.y_step)
        known = 0 if t == 0 and not op.remember else H
        wx, wh = weights + 4 * op.packed, weights + 4 * op.packed_v
        units = _UNITS
        u = 0
        while u < H:
            while H - u < units:
                units //= 2
            made = (h_new + 4 * u * LANES,)
            if units == _UNITS:
                _tile(wx, x, op.D + 1, wh, h, known, (), made)
            elif units == 4:
                _tile_4(wx, x, op.D + 1, wh, h, known, (), made)
            elif units == 2:
                _tile_2(wx, x, op.D + 1, wh, h, known, (), made)
            else:
                _tile_1(wx, x, op.D + 1, wh, h, known, (), made)
            wx += 4 * units * (op.D + 1)
            wh += 4 * units * H
            u += units
    if op.remember:
        last = op.y + slot(op, op.T) * op.y_step
        copy_floats(states, base + 4 * last, rows)


@operation
def forward_one(op_address, frame_address):
    """All steps of one event, from a state of zero."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, D, base = op.H, op.D, frame.scratch
    wx, wh = frame.weights + 4 * op.w, frame.weights + 4 * op.u
    floats(base + 4 * op.y, H)[:] = 0
    for t in range(op.T):
        x = base + 4 * (op.x + t * op.x_step)
        h = base + 4 * (op.y + slot(op, t) * op.y_step)
        h_new = base + 4 * (op.y + slot(op, t + 1) * op.y_step)
        known = H if t else 0
        u = 0
        while u < H:
            vectors = tile_vectors(H - u)
            at = 4 * u
            if vectors == WIDE:
                _row_tile(H, wx + at, op.w_stride, x, D, wh + at, op.u_stride, h, known, (), (h_new + at,))
            elif vectors == 2:
                _row_tile_2(H, wx + at, op.w_stride, x, D, wh + at, op.u_stride, h, known, (), (h_new + at,))
            else:
                _row_tile_1(H, wx + at, op.w_stride, x, D, wh + at, op.u_stride, h, known, (), (h_new + at,))
            u += vectors * WIDTH


@operation
def backward(op_address, frame_address):
    """Gradients of a block, added to the weights' gradient; the initial state counts as the constant zero."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, D, T, rows = op.H, op.D, op.T, op.H * LANES
    base, w, g = frame.scratch, frame.weights, frame.gradient
    floats(base + 4 * op.y, rows)[:] = 0
    da = base + 4 * op.work
    end = T
    for t in range(T - 1, -1, -1):
        dh = base + 4 * (op.dy + (t * rows if op.sequence else 0))
        _gradient(rows // WIDTH, (dh, base + 4 * (op.y + (t + 1) * op.y_step)), (da,))
        if t:
            before = base + 4 * (op.dy + ((t - 1) * rows if op.sequence else 0))
            product(H, w + 4 * op.u, op.u_stride, da, LANES, H, before, LANES, op.sequence)
        if op.dx >= 0:
            dx = base + 4 * (op.dx + t * D * LANES)
            product(D, w + 4 * op.w, op.w_stride, da, LANES, H, dx, LANES, 0)
        transpose_gates(op, base, t)
        if t % op.chunk == 0:
            n = end - t
            x, h = op.x + t * op.x_step, op.y + t * op.y_step
            add_weight_gradient(op, base, D + 1, op.w_stride, x, op.x_step, 0, t, n, g + 4 * op.w, op.w_stride)
            add_weight_gradient(op, base, H, op.u_stride, h, op.y_step, 0, t, n, g + 4 * op.u, op.u_stride)
            end = t
