"""Gated recurrent unit on lanes, reset gate before or after; the equations are those of `kernels.reference.layers.gru`.

Weights of the states are r and z (U) and c apart (V), since V meets r*h when the reset gate comes before it. Then a
step has two products: r and z of all units first, then the candidate. With the reset gate after, V is part of U; the
functions of that are called `_after`.
"""

from __future__ import annotations

from typing import Any

from pytmva_rnn.compile import helper, operation
from pytmva_rnn.kernels.cpu.machine.intrinsics import floats, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, VECTORS, WIDTH
from pytmva_rnn.kernels.cpu.machine.op import (
    FRAME,
    OP,
    copy_floats,
    element,
    input_step,
    padded,
    record_type,
    row_of,
    step_of,
)
from pytmva_rnn.kernels.cpu.machine.padding_marks import carried, cleared
from pytmva_rnn.kernels.cpu.machine.plan import Plan
from pytmva_rnn.kernels.cpu.machine.recurrent import (
    RECURRENT,
    UNITS,
    add_gradients,
    add_weight_gradient,
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
    set_initial_state,
    state,
    state_gradient,
    state_rows,
)
from pytmva_rnn.kernels.cpu.machine.simd import pointwise
from pytmva_rnn.kernels.cpu.machine.steps import as_steps
from pytmva_rnn.kernels.cpu.machine.tiles import recurrent_step
from pytmva_rnn.kernels.cpu.machine.vector import Vector, sigmoid, tanh

_PAIRS = 2 * UNITS

_UNITS = 2
"""Of a tile with the reset gate after, whose inputs and states each meet three of its four sums."""

GRU = record_type(
    "v",  # place of the candidate's weights of the states, in the flat weights
    "v_stride",
    "packed_w",  # places of the weights in the order of the fused step: of the inputs and the bias
    "packed_u",  # of the states
    "packed_w_c",  # of the candidate, with the reset gate before: of the inputs and the bias
    "packed_v",  # of r*h
    "r",  # places of what the first step keeps: the gates,
    "z",
    "g",
    "u_c",  # and what V makes or meets: r*h with the reset gate before, U_c h with it after
    "kept_step",  # to those of the next step; 0 in inference
    "more",  # place of the candidate's weights of the states for one event, in panels
    "more_sums",  # and of the candidate's sums, with the reset gate after of the states' part alone
    "zeros",  # of where that starts
    "dh",  # place of a gradient of the state before a step
    extends=RECURRENT,
)


def _gates(a_r: Vector, a_z: Vector, h: Vector) -> tuple[Vector, ...]:
    r = sigmoid(a_r)
    return r, sigmoid(a_z), r * h


def _candidate(a_c: Vector, z: Vector, h: Vector) -> tuple[Vector, ...]:
    g = tanh(a_c)
    return z * h + (1 - z) * g, g


def _gates_after(a_r: Vector, a_z: Vector, a_x: Vector, a_h: Vector) -> tuple[Vector, ...]:
    return sigmoid(a_r), sigmoid(a_z), a_x, a_h


def _cell_after(r: Vector, z: Vector, a_x: Vector, a_h: Vector, h: Vector) -> tuple[Vector, ...]:
    g = tanh(a_x + r * a_h)
    return z * h + (1 - z) * g, r, z, g, a_h


def _cell_after_one(a_r: Vector, a_z: Vector, a_x: Vector, b: Vector, a_h: Vector, h: Vector) -> tuple[Vector, ...]:
    r, z, a_x, a_h = _gates_after(a_r, a_z, a_x + b, a_h)
    return _cell_after(r, z, a_x, a_h, h)[:1]


def _candidate_gradient(dh: Vector, h: Vector, z: Vector, g: Vector) -> tuple[Vector, ...]:
    return dh * (h - g) * z * (1 - z), dh * (1 - z) * (1 - g * g), dh * z


def _reset_gradient(du: Vector, h: Vector, r: Vector, dh: Vector) -> tuple[Vector, ...]:
    return du * h * r * (1 - r), dh + du * r


def _reset_gradient_after(dc: Vector, a_h: Vector, r: Vector) -> tuple[Vector, ...]:
    return dc * a_h * r * (1 - r), dc * r


_gates_step = recurrent_step((_gates,), _PAIRS, (0, 1), (0, 1), 1, 3)
_candidate_step = recurrent_step((_candidate,), _PAIRS, (0,), (0,), 2, 2)
_after_step = recurrent_step((_gates_after, _cell_after), _UNITS, (0, 1, 2), (0, 1, 3), 1, 5)
_gates_one = pointwise(_gates, 3, 3)
_candidate_one = pointwise(_candidate, 3, 2)
_after_one = pointwise(_cell_after_one, 6, 1)
_candidate_backward = pointwise(_candidate_gradient, 4, 3)
_reset_backward = pointwise(_reset_gradient, 4, 2)
_reset_backward_after = pointwise(_reset_gradient_after, 3, 2)
_add = pointwise(lambda a, b: (a + b,), 2, 1)


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation, weights and memory to a plan."""
    D, H, after = layer.input_size, layer.state_size, layer.reset_gate_after
    as_steps(plan, number, layer.time_steps, D)
    functions = {"forward": forward, "forward_one": forward_one, "backward": backward, "pack": pack}
    if after:
        functions = {"forward": forward_after, "forward_one": forward_one_after}
        functions |= {"backward": backward_after, "pack": pack_after}
    op = plan.add(number, **functions, record=GRU)
    plan_states(layer, plan, op, 1)
    # gradients of the gates: with the reset gate before r, z, c; after c, r, z and that of U_c h
    plan_gate_gradients(plan, op, 4 if after else 3, H)
    W = plan.matrix(D, 3 * H, biased=True)
    for g, gate in enumerate("crz" if after else "rzc"):
        plan.place(number, f"W_{gate}", W, column=g * H)
        plan.place(number, f"b_{gate}", W, row=D, column=g * H)
    if after:
        U = V = plan.matrix(H, 3 * H)
        plan_sums(plan, op, 2 * H, U, W, H)
        op.own["more"] = plan.product(H, U, 2 * H)
        op.own |= {"packed_w": plan.packed((D + 1) * 3 * H), "packed_u": plan.packed(H * 3 * H)}
    else:
        U, V = plan.matrix(H, 2 * H), plan.matrix(H, H)
        plan_sums(plan, op, 2 * H, U, W)
        op.own["more"] = plan.product(H, V, bias=(W, 2 * H))
        op.own |= {"packed_w": plan.packed((D + 1) * 2 * H), "packed_u": plan.packed(H * 2 * H)}
        op.own |= {"packed_w_c": plan.packed((D + 1) * H), "packed_v": plan.packed(H * H)}
    for gate, matrix, column in (("r", U, 0), ("z", U, H), ("c", V, 2 * H if after else 0)):
        plan.place(number, f"U_{gate}", matrix, column=column)
    plan_weights(op, W, U)
    op.own |= {"v": V.place, "v_stride": V.stride}
    plan_kept(plan, op, "r", "z", "g", "u_c")
    if plan.single:
        op.own |= {name: plan.scratch(padded(H)) for name in ("more_sums", "zeros")}
    if plan.training:
        op.own["dh"] = plan.scratch(H * LANES)


@operation
def pack(op_address, frame_address):
    """Refresh the fused step's copy of the weights."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own, packed = record_at(op.own, GRU), frame.packed
    H, D, w, w_c = op.H, op.D, frame.weights + own.w, element(frame.weights + own.w, own.w_stride, 0, 2 * op.H)
    u, v = frame.weights + own.u, frame.weights + own.v
    pack_tiles(H, 2, _PAIRS, w, own.w_stride, D + 1, packed + own.packed_w)
    pack_tiles(H, 2, _PAIRS, u, own.u_stride, H, packed + own.packed_u)
    pack_tiles(H, 1, _PAIRS, w_c, own.w_stride, D + 1, packed + own.packed_w_c)
    pack_tiles(H, 1, _PAIRS, v, own.v_stride, H, packed + own.packed_v)


@operation
def pack_after(op_address, frame_address):
    """The same; the tile takes the gates r, z, c, and the inputs' weights lie as c, r, z."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, GRU)
    w, u = frame.weights + own.w, frame.weights + own.u
    pack_tiles(op.H, 3, _UNITS, w, own.w_stride, op.D + 1, frame.packed + own.packed_w, 1)
    pack_tiles(op.H, 3, _UNITS, u, own.u_stride, op.H, frame.packed + own.packed_u)


@helper
def _kept(op, frame, t):
    """Addresses of r, z, g and r*h or U_c h of step t."""
    own, kept = record_at(op.own, GRU), step_of(frame.scratch, record_at(op.own, GRU).kept_step, t)
    return kept + own.r, kept + own.z, kept + own.g, kept + own.u_c


@operation
def forward(op_address, frame_address):
    """All steps of a block."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own, packed = record_at(op.own, GRU), frame.packed
    H, D = op.H, op.D
    w, u, w_c, v = packed + own.packed_w, packed + own.packed_u, packed + own.packed_w_c, packed + own.packed_v
    set_initial_state(op, frame)
    for t in range(op.T):
        x, h, h_new = input_step(op, frame, t), state(op, frame, t), state(op, frame, t + 1)
        n = state_rows(op, t)
        r, z, g, rh = _kept(op, frame, t)
        _gates_step(H, frame.vectors, w, x, D + 1, u, h, n, (h,), (r, z, rh))
        _candidate_step(H, frame.vectors, w_c, x, D + 1, v, rh, n, (z, h), (h_new, g))
        carry_state(op, frame, t)
    remember_state(op, frame)


@operation
def forward_after(op_address, frame_address):
    """All steps of a block."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, GRU)
    H, w, u = op.H, frame.packed + own.packed_w, frame.packed + own.packed_u
    set_initial_state(op, frame)
    for t in range(op.T):
        x, h, h_new = input_step(op, frame, t), state(op, frame, t), state(op, frame, t + 1)
        r, z, g, u_c = _kept(op, frame, t)
        _after_step(H, frame.vectors, w, x, op.D + 1, u, h, state_rows(op, t), (h,), (h_new, r, z, g, u_c))
        carry_state(op, frame, t)
    remember_state(op, frame)


@operation
def forward_one(op_address, frame_address):
    """All steps of one event, from a state of zero."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, GRU)
    H, vectors = op.H, padded(op.H) // WIDTH
    a_r, a_c = frame.scratch + own.sums, frame.scratch + own.more_sums
    a_z = step_of(a_r, H, 1)
    r, z, g, rh = _kept(op, frame, 0)
    floats(state(op, frame, 0), H)[:] = 0
    put_input_sums(op, frame)
    for t in range(op.T):
        if passed_over(op, frame, t):
            continue
        h, h_new, n = state(op, frame, t), state(op, frame, t + 1), state_rows(op, t)
        put_sums(op, frame, 2 * H, t, input_sums(op, frame, t, 0), own.one, h, n, a_r)
        _gates_one(vectors, 1, (a_r, a_z, h), (r, z, rh))
        put_sums(op, frame, H, t, input_sums(op, frame, t, 2 * H), own.more, rh, n, a_c)
        _candidate_one(vectors, 1, (a_c, z, h), (h_new, g))


@operation
def forward_one_after(op_address, frame_address):
    """All steps of one event, from a state of zero."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, GRU)
    H, a_r, a_h = op.H, frame.scratch + own.sums, frame.scratch + own.more_sums
    a_z, zeros, b_c = (
        step_of(a_r, H, 1),
        frame.scratch + own.zeros,
        element(frame.weights + own.w, own.w_stride, op.D, 0),
    )
    floats(state(op, frame, 0), H)[:] = 0
    put_input_sums(op, frame)
    for t in range(op.T):
        if passed_over(op, frame, t):
            continue
        h, h_new, n = state(op, frame, t), state(op, frame, t + 1), state_rows(op, t)
        put_sums(op, frame, 2 * H, t, input_sums(op, frame, t, H), own.one, h, n, a_r)
        put_sums(op, frame, H, t, zeros, own.more, h, n, a_h)
        _after_one(padded(H) // WIDTH, 1, (a_r, a_z, input_sums(op, frame, t, 0), b_c, a_h, h), (h_new,))


@operation
def backward(op_address, frame_address):
    """Gradients of a block, added to the weights' gradient; the initial state counts as the constant zero."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, GRU)
    H, T, v, dh_before = op.H, op.T, frame.weights + own.v, frame.scratch + own.dh
    d_r = frame.scratch + own.gates
    d_z, d_c = row_of(d_r, H), row_of(d_r, 2 * H)
    _clear_first_step(op, frame)
    n, step, end = H * VECTORS, VECTORS // frame.vectors, T
    for t in range(T - 1, -1, -1):
        dh, h = state_gradient(op, frame, t + 1), state(op, frame, t)
        r, z, g, rh = _kept(op, frame, t)
        _candidate_gradients(op, frame, t, (dh, h, z, g), (d_z, d_c, dh_before))
        put_state_gradient(op, frame, v, own.v_stride, d_c, H, dh, 0)
        _reset_backward(n, step, (dh, h, r, dh_before), (d_r, dh_before))
        if t:
            _pass_state_gradient(op, frame, d_r, 2 * H, t)
        put_input_gradient(op, frame, d_r, 3 * H, t)
        keep_gate_gradients(op, frame, d_r, t)
        if t % own.chunk == 0:
            add_weight_gradient(op, frame, H, rh, own.kept_step, 2 * H, end - t, own.v, own.v_stride)
        end = add_gradients(op, frame, t, end, 0)


@operation
def backward_after(op_address, frame_address):
    """Gradients of a block, added to the weights' gradient; the initial state counts as the constant zero."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, GRU)
    H, T, dh_before = op.H, op.T, frame.scratch + own.dh
    d_c = frame.scratch + own.gates
    d_r, d_z, d_u = row_of(d_c, H), row_of(d_c, 2 * H), row_of(d_c, 3 * H)
    _clear_first_step(op, frame)
    n, step, end = H * VECTORS, VECTORS // frame.vectors, T
    for t in range(T - 1, -1, -1):
        dh, h = state_gradient(op, frame, t + 1), state(op, frame, t)
        r, z, g, u_c = _kept(op, frame, t)
        _candidate_gradients(op, frame, t, (dh, h, z, g), (d_z, d_c, dh_before))
        _reset_backward_after(n, step, (d_c, u_c, r), (d_r, d_u))
        if t:
            _pass_state_gradient(op, frame, d_r, 3 * H, t)
        put_input_gradient(op, frame, d_c, 3 * H, t)
        keep_gate_gradients(op, frame, d_c, t)
        end = add_gradients(op, frame, t, end, H)


@helper
def _candidate_gradients(op, frame, t, given, made):
    """What `_candidate_backward` makes; where step t is not there, all of the state's gradient goes past it."""
    _candidate_backward(op.H * VECTORS, VECTORS // frame.vectors, given, made)
    d_z, d_c, dh_before = made
    cleared(op, frame, t, op.H, d_z)
    cleared(op, frame, t, op.H, d_c)
    carried(op, frame, t, op.H, given[0], dh_before)


@helper
def _clear_first_step(op, frame):
    """The initial state counts as zero, and r*h and U_c h of the first step vanish with it."""
    _, _, _, u_c = _kept(op, frame, 0)
    floats(state(op, frame, 0), op.H * LANES)[:] = 0
    floats(u_c, op.H * LANES)[:] = 0


@helper
def _pass_state_gradient(op, frame, gates, count, t):
    """The gradient of the state before step t: what came past the gates, and through `count` rows of gates."""
    own = record_at(op.own, GRU)
    u, dh_before, dh = frame.weights + own.u, frame.scratch + own.dh, state_gradient(op, frame, t)
    put_state_gradient(op, frame, u, own.u_stride, gates, count, dh_before, 1)
    if own.sequence:
        _add(op.H * VECTORS, VECTORS // frame.vectors, (dh, dh_before), (dh,))
    else:
        copy_floats(dh, dh_before, op.H * LANES)
