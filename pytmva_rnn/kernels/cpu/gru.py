"""Gated recurrent unit on lanes, reset gate before or after; the equations are those of `kernels.reference.gru`.

Weights of the states are r and z (U) and c apart (V), since V meets r*h when the reset gate comes before it. Then a
step has two products: r and z of all units first, then the candidate. With the reset gate after, V is part of U.
"""

from __future__ import annotations

from typing import Any

from pytmva_rnn.kernels.cpu.jit import array_at, kernel, operation
from pytmva_rnn.kernels.cpu.matrix import product
from pytmva_rnn.kernels.cpu.op import FRAME, OP, Plan, copy_floats, floats, padded, tile_vectors
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

_PAIRS = 2 * UNITS


def _gates(a_r: Vector, a_z: Vector, h: Vector) -> tuple[Vector, ...]:
    r = sigmoid(a_r)
    return r, sigmoid(a_z), r * h


def _candidate(a_c: Vector, z: Vector, h: Vector) -> tuple[Vector, ...]:
    g = tanh(a_c)
    return z * h + (1 - z) * g, g


def _cell_after(a_r: Vector, a_z: Vector, a_x: Vector, a_h: Vector, h: Vector) -> tuple[Vector, ...]:
    r, z = sigmoid(a_r), sigmoid(a_z)
    g = tanh(a_x + r * a_h)
    return z * h + (1 - z) * g, r, z, g, a_h


def _candidate_gradient(dh: Vector, h: Vector, z: Vector, g: Vector) -> tuple[Vector, ...]:
    return dh * (h - g) * z * (1 - z), dh * (1 - z) * (1 - g * g), dh * z


def _reset_gradient(du: Vector, h: Vector, r: Vector, dh: Vector) -> tuple[Vector, ...]:
    return du * h * r * (1 - r), dh + du * r


def _reset_gradient_after(dc: Vector, a_h: Vector, r: Vector) -> tuple[Vector, ...]:
    return dc * a_h * r * (1 - r), dc * r


def _sum(a: Vector, b: Vector) -> tuple[Vector]:
    return (a + b,)


_gates_tile = fused_tile(_gates, _PAIRS, (0, 1), (0, 1), 1, 3)
_gates_tile_2 = fused_tile(_gates, 2, (0, 1), (0, 1), 1, 3)
_gates_tile_1 = fused_tile(_gates, 1, (0, 1), (0, 1), 1, 3)
_candidate_tile = fused_tile(_candidate, _PAIRS, (0,), (0,), 2, 2)
_candidate_tile_2 = fused_tile(_candidate, 2, (0,), (0,), 2, 2)
_candidate_tile_1 = fused_tile(_candidate, 1, (0,), (0,), 2, 2)
_after_tile = fused_tile(_cell_after, UNITS, (0, 1, 2), (0, 1, 3), 1, 5)
_after_tile_1 = fused_tile(_cell_after, 1, (0, 1, 2), (0, 1, 3), 1, 5)
_candidate_backward = pointwise(_candidate_gradient, 4, 3)
_reset_backward = pointwise(_reset_gradient, 4, 2)
_reset_backward_after = pointwise(_reset_gradient_after, 3, 2)
_add = pointwise(_sum, 2, 1)
_gates_row_tile = fused_row_tile(_gates, WIDE, (0, 1), (0, 1), 1, 3)
_gates_row_tile_2 = fused_row_tile(_gates, 2, (0, 1), (0, 1), 1, 3)
_gates_row_tile_1 = fused_row_tile(_gates, 1, (0, 1), (0, 1), 1, 3)
_candidate_row_tile = fused_row_tile(_candidate, WIDE, (0,), (0,), 2, 2)
_candidate_row_tile_2 = fused_row_tile(_candidate, 2, (0,), (0,), 2, 2)
_candidate_row_tile_1 = fused_row_tile(_candidate, 1, (0,), (0,), 2, 2)
_after_row_tile = fused_row_tile(_cell_after, WIDE, (2, 0, 1), (0, 1, 3), 1, 5)
_after_row_tile_2 = fused_row_tile(_cell_after, 2, (2, 0, 1), (0, 1, 3), 1, 5)
_after_row_tile_1 = fused_row_tile(_cell_after, 1, (2, 0, 1), (0, 1, 3), 1, 5)


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation, weights and memory to a plan."""
    D, H, T = layer.input_size, layer.state_size, layer.time_steps
    after = layer.reset_gate_after
    op = plan.add(number, forward=forward, forward_one=forward_one, backward=backward, pack=pack, variant=int(after))
    plan_states(layer, plan, op)
    # gradients of the gates: with the reset gate before r, z, c; after c, r, z and that of U_c h
    plan_gate_gradients(plan, op, 4 if after else 3, H)
    W = plan.matrix(D, 3 * H, biased=True)
    for g, gate in enumerate("crz" if after else "rzc"):
        plan.place(number, f"W_{gate}", W, column=g * H)
        plan.place(number, f"b_{gate}", W, row=D, column=g * H)
    op |= {"w": W.offset, "w_stride": W.stride, "state": plan.state(H * LANES)}
    if after:
        U = V = plan.matrix(H, 3 * H)
        op |= {"packed": plan.packed((D + 1) * 3 * H), "packed_v": plan.packed(H * 3 * H)}
    else:
        U, V = plan.matrix(H, 2 * H), plan.matrix(H, H)
        op |= {"packed": plan.packed((D + 1 + H) * 2 * H), "packed_v": plan.packed((D + 1 + H) * H)}
    for gate, matrix, column in (("r", U, 0), ("z", U, H), ("c", V, 2 * H if after else 0)):
        plan.place(number, f"U_{gate}", matrix, column=column)
    op |= {"u": U.offset, "u_stride": U.stride, "v": V.offset, "v_stride": V.stride}
    # each step keeps r, z, g and r*h (before) or U_c h (after); r*h has its row of ones too
    steps = T if plan.training else 1
    op |= {"saved": plan.scratch((4 * steps + 1) * plan.rows(H)), "saved_step": 4 * plan.rows(H)}


@operation
def pack(op_address, frame_address):
    """Refresh the fused step's copy of the weights."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    weights, packed = frame.weights, frame.packed
    H, D = op.H, op.D
    w, u, v = weights + 4 * op.w, weights + 4 * op.u, weights + 4 * op.v
    first, second = packed + 4 * op.packed, packed + 4 * op.packed_v
    if op.variant:
        # the tile takes the gates r, z, c; the inputs' weights lie as c, r, z
        pack_tiles(H, 3, UNITS, w, op.w_stride, D + 1, first, 1)
        pack_tiles(H, 3, UNITS, u, op.u_stride, H, second)
    else:
        pack_tiles(H, 2, _PAIRS, w, op.w_stride, D + 1, first)
        pack_tiles(H, 2, _PAIRS, u, op.u_stride, H, first + 8 * (D + 1) * H)
        pack_tiles(H, 1, _PAIRS, w + 8 * H, op.w_stride, D + 1, second)
        pack_tiles(H, 1, _PAIRS, v, op.v_stride, H, second + 4 * (D + 1) * H)


@kernel
def _step_before(op, x, h, known, h_new, s, weights):
    H, D, rows = op.H, op.D, op.H * LANES
    wx, wh = weights + 4 * op.packed, weights + 4 * (op.packed + (D + 1) * 2 * H)
    units = _PAIRS
    u = 0
    while u < H:
        while H - u < units:
            units //= 2
        at = 4 * u * LANES
        made = (s + at, s + at + 4 * rows, s + at + 12 * rows)
        if units == _PAIRS:
            _gates_tile(wx, x, D + 1, wh, h, known, (h + at,), made)
        elif units == 2:
            _gates_tile_2(wx, x, D + 1, wh, h, known, (h + at,), made)
        else:
            _gates_tile_1(wx, x, D + 1, wh, h, known, (h + at,), made)
        wx += 8 * units * (D + 1)
        wh += 8 * units * H
        u += units
    wx, wh = weights + 4 * op.packed_v, weights + 4 * (op.packed_v + (D + 1) * H)
    reset = s + 12 * rows
    units = _PAIRS
    u = 0
    while u < H:
        while H - u < units:
            units //= 2
        at = 4 * u * LANES
        given, made = (s + at + 4 * rows, h + at), (h_new + at, s + at + 8 * rows)
        if units == _PAIRS:
            _candidate_tile(wx, x, D + 1, wh, reset, known, given, made)
        elif units == 2:
            _candidate_tile_2(wx, x, D + 1, wh, reset, known, given, made)
        else:
            _candidate_tile_1(wx, x, D + 1, wh, reset, known, given, made)
        wx += 4 * units * (D + 1)
        wh += 4 * units * H
        u += units


@kernel
def _step_after(op, x, h, known, h_new, s, weights):
    H, D, rows = op.H, op.D, op.H * LANES
    wx, wh = weights + 4 * op.packed, weights + 4 * op.packed_v
    u = 0
    while u < H:
        units = UNITS if H - u >= UNITS else 1
        at = 4 * u * LANES
        made = (h_new + at, s + at, s + at + 4 * rows, s + at + 8 * rows, s + at + 12 * rows)
        if units == UNITS:
            _after_tile(wx, x, D + 1, wh, h, known, (h + at,), made)
        else:
            _after_tile_1(wx, x, D + 1, wh, h, known, (h + at,), made)
        wx += 12 * units * (D + 1)
        wh += 12 * units * H
        u += units


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
        s = base + 4 * (op.saved + (t * op.saved_step if op.training else 0))
        if op.variant:
            _step_after(op, x, h, known, h_new, s, weights)
        else:
            _step_before(op, x, h, known, h_new, s, weights)
    if op.remember:
        last = op.y + slot(op, op.T) * op.y_step
        copy_floats(states, base + 4 * last, rows)


@kernel
def _one_before(op, x, h, known, h_new, s, weights):
    H, D, rows = op.H, op.D, padded(op.H)
    wx, wu, wv = weights + 4 * op.w, weights + 4 * op.u, weights + 4 * op.v
    u = 0
    while u < H:
        vectors = tile_vectors(H - u)
        at = 4 * u
        made = (s + at, s + at + 4 * rows, s + at + 12 * rows)
        if vectors == WIDE:
            _gates_row_tile(H, wx + at, op.w_stride, x, D, wu + at, op.u_stride, h, known, (h + at,), made)
        elif vectors == 2:
            _gates_row_tile_2(H, wx + at, op.w_stride, x, D, wu + at, op.u_stride, h, known, (h + at,), made)
        else:
            _gates_row_tile_1(H, wx + at, op.w_stride, x, D, wu + at, op.u_stride, h, known, (h + at,), made)
        u += vectors * WIDTH
    wx += 8 * H
    reset = s + 12 * rows
    u = 0
    while u < H:
        vectors = tile_vectors(H - u)
        at = 4 * u
        given, made = (s + at + 4 * rows, h + at), (h_new + at, s + at + 8 * rows)
        if vectors == WIDE:
            _candidate_row_tile(H, wx + at, op.w_stride, x, D, wv + at, op.v_stride, reset, known, given, made)
        elif vectors == 2:
            _candidate_row_tile_2(H, wx + at, op.w_stride, x, D, wv + at, op.v_stride, reset, known, given, made)
        else:
            _candidate_row_tile_1(H, wx + at, op.w_stride, x, D, wv + at, op.v_stride, reset, known, given, made)
        u += vectors * WIDTH


@kernel
def _one_after(op, x, h, known, h_new, s, weights):
    H, D, rows = op.H, op.D, padded(op.H)
    wx, wu = weights + 4 * op.w, weights + 4 * op.u
    u = 0
    while u < H:
        vectors = tile_vectors(H - u)
        at = 4 * u
        made = (h_new + at, s + at, s + at + 4 * rows, s + at + 8 * rows, s + at + 12 * rows)
        if vectors == WIDE:
            _after_row_tile(H, wx + at, op.w_stride, x, D, wu + at, op.u_stride, h, known, (h + at,), made)
        elif vectors == 2:
            _after_row_tile_2(H, wx + at, op.w_stride, x, D, wu + at, op.u_stride, h, known, (h + at,), made)
        else:
            _after_row_tile_1(H, wx + at, op.w_stride, x, D, wu + at, op.u_stride, h, known, (h + at,), made)
        u += vectors * WIDTH


@operation
def forward_one(op_address, frame_address):
    """All steps of one event, from a state of zero."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    base, weights = frame.scratch, frame.weights
    floats(base + 4 * op.y, op.H)[:] = 0
    for t in range(op.T):
        x = base + 4 * (op.x + t * op.x_step)
        h = base + 4 * (op.y + slot(op, t) * op.y_step)
        h_new = base + 4 * (op.y + slot(op, t + 1) * op.y_step)
        known = op.H if t else 0
        if op.variant:
            _one_after(op, x, h, known, h_new, base + 4 * op.saved, weights)
        else:
            _one_before(op, x, h, known, h_new, base + 4 * op.saved, weights)


@operation
def backward(op_address, frame_address):
    """Gradients of a block, added to the weights' gradient; the initial state counts as the constant zero."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, D, T, rows = op.H, op.D, op.T, op.H * LANES
    base, w, g = frame.scratch, frame.weights, frame.gradient
    # r*h and U_c h of the first step vanish with the initial state
    floats(base + 4 * op.y, rows)[:] = 0
    floats(base + 4 * (op.saved + 3 * rows), rows)[:] = 0
    carry = base + 4 * (op.saved + T * op.saved_step)
    gates = base + 4 * op.work
    a, b, c = gates, gates + 4 * rows, gates + 8 * rows
    end = T
    for t in range(T - 1, -1, -1):
        dh = base + 4 * (op.dy + (t * rows if op.sequence else 0))
        h = base + 4 * (op.y + t * op.y_step)
        s = base + 4 * (op.saved + t * op.saved_step)
        r, z, candidate, kept = s, s + 4 * rows, s + 8 * rows, s + 12 * rows
        n = rows // WIDTH
        if op.variant:
            _candidate_backward(n, (dh, h, z, candidate), (c, a, carry))
            _reset_backward_after(n, (a, kept, r), (b, c + 4 * rows))
            gated, count = b, 3 * H
        else:
            _candidate_backward(n, (dh, h, z, candidate), (b, c, carry))
            product(H, w + 4 * op.v, op.v_stride, c, LANES, H, dh, LANES, 0)
            _reset_backward(n, (dh, h, r, carry), (a, carry))
            gated, count = a, 2 * H
        if t:
            before = base + 4 * (op.dy + ((t - 1) * rows if op.sequence else 0))
            product(H, w + 4 * op.u, op.u_stride, gated, LANES, count, carry, LANES, 1)
            if op.sequence:
                _add(n, (before, carry), (before,))
            else:
                copy_floats(before, carry, rows)
        if op.dx >= 0:
            dx = base + 4 * (op.dx + t * D * LANES)
            product(D, w + 4 * op.w, op.w_stride, gates, LANES, 3 * H, dx, LANES, 0)
        transpose_gates(op, base, t)
        if t % op.chunk == 0:
            n = end - t
            x, ht = op.x + t * op.x_step, op.y + t * op.y_step
            add_weight_gradient(op, base, D + 1, op.w_stride, x, op.x_step, 0, t, n, g + 4 * op.w, op.w_stride)
            u_gate = H if op.variant else 0
            add_weight_gradient(op, base, H, op.u_stride, ht, op.y_step, u_gate, t, n, g + 4 * op.u, op.u_stride)
            if not op.variant:
                reset = op.saved + t * op.saved_step + 3 * rows
                add_weight_gradient(
                    op, base, H, op.v_stride, reset, op.saved_step, 2 * H, t, n, g + 4 * op.v, op.v_stride
                )
            end = t
