"""What the recurrent layers share: states, packing of weights, and the products of the backward pass."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.compile import emitted, helper, inlined
from pytmva_rnn.kernels.cpu.machine.intrinsics import call, floats, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH
from pytmva_rnn.kernels.cpu.machine.matrix import PANEL, affine, outer_product, product, transpose
from pytmva_rnn.kernels.cpu.machine.op import (
    copy_floats,
    element,
    input_step,
    output_step,
    padded,
    record_type,
    row_of,
    vectors_of,
)
from pytmva_rnn.kernels.cpu.machine.padding_marks import MASK, carried, plan_masked
from pytmva_rnn.kernels.cpu.machine.plan import Matrix, Plan, PlannedOperation, View

UNITS = 1 if WIDTH == 8 else 2
"""Hidden units of a tile with four gates; a tile with fewer gates takes as many more."""

_CHUNK_FLOATS = 131072  # gate gradients kept before they meet the inputs: half of a usual second-level cache

_CHUNK_ROWS = 256  # lanes of all steps of a chunk: so many rows of a panel stay in a first-level cache

RECURRENT = record_type(
    "sequence",  # returns every state
    "remember",  # starts from the states that the last batch left
    "memory",  # where those are, within a block's share
    "slots",  # states that are kept: T+1, or 2 that are used in turn
    "w",  # place of the weights of the inputs and the bias, in the flat weights
    "w_stride",
    "u",  # of those of the states
    "u_stride",
    "gates",  # place of the gradients of one step's gates, [gate*H + unit][LANES]
    "transposed",  # of those of some steps, [panel][step][lane][column of the panel]
    "panels",  # of how many columns, gate*H + unit
    "panel",
    "chunk",  # steps whose gate gradients are kept before they are multiplied into the weights' gradient
    "input_sums",  # place of the inputs' part of the sums of one event's gates, of all steps, [step][w_stride]
    "one",  # of the weights of the states, in panels
    "sums",  # and of the sums of one step's gates
    "affine",  # addresses of functions of `matrix`
    "product",
    "outer_product",
    "transpose",
    extends=MASK,
)
"""What the layers' own records start with.

Helpers find it through `op.own`: where records that start alike are handed over, Numba takes one for the other and
warns.
"""


def plan_states(layer: Any, plan: Plan, op: PlannedOperation, memory: int) -> None:
    """Room for the states, which are the layer's output, for their gradient, and for `memory` states to remember."""
    T, H = layer.time_steps, layer.state_size
    keep_all = plan.training or layer.return_sequence
    slots = T + 1 if keep_all else 2
    step, returned = plan.step(H), T if layer.return_sequence else 1
    if plan.single and layer.return_sequence:
        # without padding, for a dense layer: what whole vectors put behind a state is there until the next one comes
        step, states = H, plan.scratch(slots * H + WIDTH)
    else:
        states = plan.activations(slots, H)
    gradient = plan.gradient(returned * H * LANES)
    op.own |= {"sequence": int(layer.return_sequence), "slots": slots, "memory": plan.state(memory * H * LANES)}
    op.own["remember"] = int(layer.remember_state and not plan.single)
    first = 1 if layer.return_sequence else slots - 1 if keep_all else T % 2
    plan.output(op, View(returned, H, states + 4 * first * step, step, gradient))
    op.fields["y"] = states  # the initial one first
    plan_masked(plan, op, H)


def plan_weights(op: PlannedOperation, W: Matrix, U: Matrix) -> None:
    """The weights of the inputs, with the bias, and those of the states."""
    op.own |= {"w": W.place, "w_stride": W.stride, "u": U.place, "u_stride": U.stride}


def plan_gate_gradients(plan: Plan, op: PlannedOperation, gates: int, extra: int = 0) -> None:
    """Room for the gradients of the gates of one step, and transposed for a chunk of steps."""
    if not plan.training:
        return
    H, T = op.fields["H"], op.fields["T"]
    # products take whole vectors of columns from any gate on: leave that much after the last one
    columns = padded(gates * H) + padded(extra)
    # a tile's columns that lie together come from few pages and do not push each other out of a cache
    panel = PANEL if H % PANEL == 0 else columns
    panels = gates * H // PANEL if H % PANEL == 0 else 1
    most = max(1, min(_CHUNK_FLOATS // (LANES * columns), _CHUNK_ROWS // LANES))
    chunk = -(-T // -(-T // most))
    op.own |= {"gates": plan.scratch(columns * LANES), "chunk": chunk, "panels": panels, "panel": panel}
    op.own |= {"transposed": plan.scratch(panels * chunk * LANES * panel)}
    op.own |= {"product": product, "outer_product": outer_product, "transpose": transpose}


def plan_sums(plan: Plan, op: PlannedOperation, columns: int, U: Matrix, W: Matrix, column: int = 0) -> None:
    """One event's sums of so many columns, of U from the first on, of W from `column` on, and room for them."""
    op.own["one"] = plan.product(columns, U, bias=(W, column))
    if plan.single:
        # whole vectors of any gate's sums are read
        op.own |= {"input_sums": plan.scratch(op.fields["T"] * W.stride + WIDTH), "product": product}
        op.own |= {"sums": plan.scratch(padded(columns) + WIDTH), "affine": affine}


def plan_kept(plan: Plan, op: PlannedOperation, *names: str) -> None:
    """Room for H rows of each name, which every step of a training keeps for the backward pass."""
    rows = plan.rows(op.fields["H"])
    steps, step = (op.fields["T"], len(names) * rows) if plan.training else (1, 0)
    first = plan.scratch(steps * len(names) * rows)
    op.own |= {name: first + 4 * k * rows for k, name in enumerate(names)} | {"kept_step": step}


@inlined
def state(op, frame, t):
    """Address of the state before step t; the step makes state t + 1."""
    own = record_at(op.own, RECURRENT)
    return output_step(op, frame, t if own.slots > 2 else t & 1)


@inlined
def state_rows(op, t):
    """How many rows of the state before step t may differ from zero."""
    return 0 if t == 0 and not record_at(op.own, RECURRENT).remember else op.H


@inlined
def state_gradient(op, frame, t):
    """Address of the gradient of state t: with a returned sequence it is added to what is there."""
    sequence = record_at(op.own, RECURRENT).sequence
    return row_of(frame.scratch + op.dy, (t - 1) * op.H if sequence else 0)


@helper
def passed_over(op, frame, t):
    """Of one event: leave the state as it is if step t is not there; returns whether it is not."""
    own = record_at(op.own, RECURRENT)
    if own.mask < 0 or floats(frame.scratch + own.mask, op.T)[t]:
        return False
    copy_floats(state(op, frame, t + 1), state(op, frame, t), op.H)
    return True


@helper
def put_input_sums(op, frame):
    """Make the inputs' part, without the bias, of one event's sums in all steps, which do not wait for each other."""
    own = record_at(op.own, RECURRENT)
    stride, x, sums = own.w_stride, input_step(op, frame, 0), frame.scratch + own.input_sums
    call(own.product, (op.T, stride // WIDTH, x, op.x_step, frame.weights + own.w, stride, op.D, sums, stride, 0))


@inlined
def input_sums(op, frame, t, column):
    """Address of the inputs' part of one event's sums in step t, from a column on."""
    own = record_at(op.own, RECURRENT)
    return element(frame.scratch + own.input_sums, own.w_stride, t, column)


@inlined
def put_sums(op, frame, columns, t, start, weights, h, n, sums):
    """Make one event's sums of some gates in step t: what is at `start`, the bias, and the part of n states h.

    The place of the weights is `weights`. A few sums behind those gates' are made too. Every other step begins with the
    weights that the one before it ended with.
    """
    vectors, panels = vectors_of(columns), frame.packed + weights
    call(record_at(op.own, RECURRENT).affine, (vectors, start, panels, 1 + op.H, h, n, sums, t & 1))


@inlined
def carry_state(op, frame, t):
    """Leave the state as it was where step t is not there."""
    carried(op, frame, t, op.H, state(op, frame, t), state(op, frame, t + 1))


@helper
def set_initial(remember, target, memory, n):
    """Set n values of an initial state: zero, or what the last batch left in the memory."""
    if remember:
        copy_floats(target, memory, n)
    else:
        floats(target, n)[:] = 0


@inlined
def set_initial_state(op, frame):
    """Set the state before the first step."""
    own = record_at(op.own, RECURRENT)
    set_initial(own.remember, state(op, frame, 0), frame.states + own.memory, op.H * LANES)


@inlined
def remember_state(op, frame):
    """Keep the state after the last step for the next batch, if the layer remembers."""
    own = record_at(op.own, RECURRENT)
    if own.remember:
        copy_floats(frame.states + own.memory, state(op, frame, op.T), op.H * LANES)


@inlined
def put_input_gradient(op, frame, gates, count, t):
    """The gradient of the input of step t, if it is wanted, from that of `count` rows of gates."""
    own = record_at(op.own, RECURRENT)
    if op.dx >= 0:
        w, dx = frame.weights + own.w, row_of(frame.scratch + op.dx, t * op.D)
        call(own.product, (op.D, frame.vectors, w, own.w_stride, gates, LANES, count, dx, LANES, 0))


@inlined
def put_state_gradient(op, frame, weights, stride, gates, count, target, accumulate):
    """The gradient of a state, or added to what is there, from that of `count` rows of gates and their weights."""
    own = record_at(op.own, RECURRENT)
    arguments = (op.H, frame.vectors, weights, stride, gates, LANES, count, target, LANES, accumulate)
    call(own.product, arguments)


@emitted
def _panel(transposed, own, number, step, column):
    """Address of a column of a panel, from one of its steps on."""
    return element(transposed, own.panel, (number * own.chunk + step) * LANES, column)


@inlined
def keep_gate_gradients(op, frame, gates, t):
    """Keep the gradients of the gates of step t, transposed, until the chunk is complete."""
    own = record_at(op.own, RECURRENT)
    for k in range(own.panels):
        target = _panel(frame.scratch + own.transposed, own, k, t % own.chunk, 0)
        call(own.transpose, (own.panel, frame.vectors, row_of(gates, k * own.panel), target))


@inlined
def add_weight_gradient(op, frame, rows, inputs, inputs_step, first_gate, steps, w, stride):
    """Add to the gradient of the weights at w, [rows][stride], the sum over a chunk's steps of input * gate gradient.

    `inputs` is the address of the first step's input rows; the gates' gradients start at column `first_gate`.
    """
    own = record_at(op.own, RECURRENT)
    gates, target, panel = frame.scratch + own.transposed, frame.gradient + w, own.panel
    for k in range((stride + panel - 1) // panel):
        first = _panel(gates, own, first_gate // panel + k, 0, first_gate % panel)
        factors = (inputs, LANES, inputs_step, first, panel, LANES * panel, frame.vectors * WIDTH, steps)
        call(own.outer_product, (rows, min(panel, stride), *factors, element(target, 0, 0, k * panel), stride))


@inlined
def add_gradients(op, frame, t, end, first_gate):
    """At the start of a chunk, add the gradients of its steps, t to `end`; returns where the next chunk ends.

    The gates that act on the state start at column `first_gate`.
    """
    own = record_at(op.own, RECURRENT)
    if t % own.chunk == 0:
        x, h = input_step(op, frame, t), output_step(op, frame, t)
        add_weight_gradient(op, frame, op.D + 1, x, op.x_step, 0, end - t, own.w, own.w_stride)
        add_weight_gradient(op, frame, op.H, h, op.y_step, first_gate, end - t, own.u, own.u_stride)
        end = t
    return end


@helper
def pack_tiles(H, gates, units, source, stride, rows, target, first=0):
    """Copy rows of [gate*H + unit] to [tile][row][gate*units + unit], with smaller tiles (halves) for the last units.

    The tile's first gate is the source's gate `first`, and so on in turn.
    """
    source, target = floats(source, rows * stride), floats(target, rows * gates * H)
    u = 0
    k = 0
    while u < H:
        while H - u < units:
            units //= 2
        for row in range(rows):
            for g in range(gates):
                for j in range(units):
                    target[k] = source[row * stride + (g + first) % gates * H + u + j]
                    k += 1
        u += units
