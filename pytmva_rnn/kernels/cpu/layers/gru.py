"""Gated recurrent unit on lanes, reset gate before or after; the equations are those of `kernels.reference.layers.gru`.

Weights of the states are r and z (U) and c apart (V), since V meets r*h when the reset gate comes before it. Then a
step has two products: r and z of all units first, then the candidate. With the reset gate after, V is part of U.
"""

from __future__ import annotations

from typing import Any

from pytmva_rnn.compile import array_at, operation
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, VECTORS, WIDE
from pytmva_rnn.kernels.cpu.machine.matrix import product
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, copy_floats, floats, padded
from pytmva_rnn.kernels.cpu.machine.plan import Plan
from pytmva_rnn.kernels.cpu.machine.recurrent import (
    UNITS,
    add_gradients,
    add_weight_gradient,
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


_gates_step = recurrent_step(_gates, _PAIRS, (0, 1), (0, 1), 1, 3)
_candidate_step = recurrent_step(_candidate, _PAIRS, (0,), (0,), 2, 2)
_after_step = recurrent_step(_cell_after, UNITS, (0, 1, 2), (0, 1, 3), 1, 5)
_gates_one = recurrent_step_one(_gates, WIDE, (0, 1), (0, 1), 1, 3)
_candidate_one = recurrent_step_one(_candidate, WIDE, (0,), (0,), 2, 2)
_after_one = recurrent_step_one(_cell_after, WIDE, (2, 0, 1), (0, 1, 3), 1, 5)
_candidate_backward = pointwise(_candidate_gradient, 4, 3)
_reset_backward = pointwise(_reset_gradient, 4, 2)
_reset_backward_after = pointwise(_reset_gradient_after, 3, 2)
_add = pointwise(_sum, 2, 1)


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation, weights and memory to a plan."""
    as_steps(plan, number, layer.time_steps, layer.input_size)
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


@operation
def forward(op_address, frame_address):
    """All steps of a block."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, D, rows = op.H, op.D, op.H * LANES
    base, states = frame.scratch, frame.states + 4 * op.state
    first, second = frame.packed + 4 * op.packed, frame.packed + 4 * op.packed_v
    start(op.remember, rows, base + 4 * op.y, states)
    h_new = base
    for t in range(op.T):
        x, h, h_new = places(op, base, t)
        n = known(op, t)
        r = base + 4 * (op.saved + (t * op.saved_step if op.training else 0))
        z, g, kept = r + 4 * rows, r + 8 * rows, r + 12 * rows
        if op.variant:
            _after_step(H, frame.vectors, first, x, D + 1, second, h, n, (h,), (h_new, r, z, g, kept))
        else:
            _gates_step(H, frame.vectors, first, x, D + 1, first + 8 * (D + 1) * H, h, n, (h,), (r, z, kept))
            _candidate_step(H, frame.vectors, second, x, D + 1, second + 4 * (D + 1) * H, kept, n, (z, h), (h_new, g))
    if op.remember:
        copy_floats(states, h_new, rows)


@operation
def forward_one(op_address, frame_address):
    """All steps of one event, from a state of zero."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, D, base, rows = op.H, op.D, frame.scratch, padded(op.H)
    w, u, v = frame.weights + 4 * op.w, frame.weights + 4 * op.u, frame.weights + 4 * op.v
    r = base + 4 * op.saved
    z, g, kept = r + 4 * rows, r + 8 * rows, r + 12 * rows
    floats(base + 4 * op.y, H)[:] = 0
    for t in range(op.T):
        x, h, h_new = places(op, base, t)
        n = known(op, t)
        if op.variant:
            _after_one(H, H, w, op.w_stride, x, D, u, op.u_stride, h, n, (h,), (h_new, r, z, g, kept))
        else:
            _gates_one(H, H, w, op.w_stride, x, D, u, op.u_stride, h, n, (h,), (r, z, kept))
            _candidate_one(H, H, w + 8 * H, op.w_stride, x, D, v, op.v_stride, kept, n, (z, h), (h_new, g))


@operation
def backward(op_address, frame_address):
    """Gradients of a block, added to the weights' gradient; the initial state counts as the constant zero."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    H, T, rows, base = op.H, op.T, op.H * LANES, frame.scratch
    # r*h and U_c h of the first step vanish with the initial state
    floats(base + 4 * op.y, rows)[:] = 0
    floats(base + 4 * (op.saved + 3 * rows), rows)[:] = 0
    u, v = frame.weights + 4 * op.u, frame.weights + 4 * op.v
    carry = base + 4 * (op.saved + T * op.saved_step)
    gates = base + 4 * op.work
    a, b, c = gates, gates + 4 * rows, gates + 8 * rows
    n, step = H * VECTORS, VECTORS // frame.vectors
    end = T
    for t in range(T - 1, -1, -1):
        dh, h = before(op, base, t + 1), base + 4 * (op.y + t * op.y_step)
        r = base + 4 * (op.saved + t * op.saved_step)
        z, g, kept = r + 4 * rows, r + 8 * rows, r + 12 * rows
        if op.variant:
            # gates c, r, z and that of U_c h
            _candidate_backward(n, step, (dh, h, z, g), (c, a, carry))
            _reset_backward_after(n, step, (a, kept, r), (b, c + 4 * rows))
        else:
            # gates r, z, c
            _candidate_backward(n, step, (dh, h, z, g), (b, c, carry))
            product(H, frame.vectors, v, op.v_stride, c, LANES, H, dh, LANES, 0)
            _reset_backward(n, step, (dh, h, r, carry), (a, carry))
        if t:
            gated, count = (b, 3 * H) if op.variant else (a, 2 * H)
            product(H, frame.vectors, u, op.u_stride, gated, LANES, count, carry, LANES, 1)
            if op.sequence:
                _add(n, step, (before(op, base, t), carry), (before(op, base, t),))
            else:
                copy_floats(before(op, base, t), carry, rows)
        pass_on(op, frame, gates, 3 * H, t)
        if not op.variant and t % op.chunk == 0:
            reset = op.saved + t * op.saved_step + 3 * rows
            add_weight_gradient(op, frame, H, reset, op.saved_step, 2 * H, end - t, op.v, op.v_stride)
        end = add_gradients(op, frame, t, end, H if op.variant else 0)
