"""What the recurrent layers share: remembered states, packing of weights, and the products of the backward pass."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.compile import kernel
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH
from pytmva_rnn.kernels.cpu.machine.matrix import outer_product, product
from pytmva_rnn.kernels.cpu.machine.op import copy_floats, floats, padded
from pytmva_rnn.kernels.cpu.machine.plan import Plan, View
from pytmva_rnn.kernels.cpu.machine.simd import transpose_square

UNITS = 1 if WIDTH == 8 else 2
"""Hidden units of a tile with four gates; a tile with fewer gates takes as many more."""

_CHUNK_FLOATS = 131072  # gate gradients kept before they meet the inputs: half of a usual second-level cache


def plan_states(layer: Any, plan: Plan, op: dict[str, Any]) -> None:
    """Room for the states, which are the layer's output, and for their gradient."""
    T, H = layer.time_steps, layer.state_size
    keep_all = plan.training or layer.return_sequence
    slots = T + 1 if keep_all else 2
    step = plan.step(H)
    y = plan.activations(slots, H)
    returned = T if layer.return_sequence else 1
    op |= {"H": H, "sequence": int(layer.return_sequence), "remember": int(layer.remember_state and not plan.single)}
    op |= {"y": y, "y_step": step, "slots": slots, "dy": plan.gradient(returned * H * LANES)}
    first = 1 if layer.return_sequence else slots - 1 if keep_all else T % 2
    plan.view = View(returned, H, y + first * step, step, op["dy"])


def plan_gate_gradients(plan: Plan, op: dict[str, Any], gates: int, extra: int = 0) -> None:
    """Room for the gradients of the gates of one step, and transposed for a chunk of steps."""
    if not plan.training:
        return
    # products take whole vectors of columns from any gate on: leave that much after the last one
    stride = padded(gates * op["H"]) + padded(extra)
    chunk = max(1, min(op["T"], _CHUNK_FLOATS // (LANES * stride)))
    op |= {"work": plan.scratch(stride * LANES), "chunk": chunk, "transposed_stride": stride}
    op["transposed"] = plan.scratch(chunk * LANES * stride)


@kernel
def slot(op, t):
    """Number of the slot that holds state t."""
    return t if op.slots > 2 else t & 1


@kernel
def places(op, base, t):
    """Addresses of the input of step t, of the state before it and of the state after it."""
    x = base + 4 * (op.x + t * op.x_step)
    h = base + 4 * (op.y + slot(op, t) * op.y_step)
    return x, h, base + 4 * (op.y + slot(op, t + 1) * op.y_step)


@kernel
def known(op, t):
    """How many rows of the state before step t may differ from zero."""
    return 0 if t == 0 and not op.remember else op.H


@kernel
def before(op, base, t):
    """Where the gradient of the state before step t is to go; with a returned sequence it is added to what is there."""
    return base + 4 * (op.dy + ((t - 1) * op.H * LANES if op.sequence else 0))


@kernel
def start(remember, n, state, memory):
    """Set the initial state, n values: zero, or what the last batch left."""
    if remember:
        copy_floats(state, memory, n)
    else:
        floats(state, n)[:] = 0


@kernel
def pass_on(op, frame, gates, count, t):
    """From the gradients of `count` rows of gates of step t: that of its input, if wanted, and their transpose."""
    base = frame.scratch
    if op.dx >= 0:
        dx = base + 4 * (op.dx + t * op.D * LANES)
        product(op.D, frame.vectors, frame.weights + 4 * op.w, op.w_stride, gates, LANES, count, dx, LANES, 0)
    stride = op.transposed_stride
    target = base + 4 * (op.transposed + (t % op.chunk) * LANES * stride)
    for r in range(0, stride, WIDTH):
        for lane in range(0, frame.vectors * WIDTH, WIDTH):
            transpose_square(gates + 4 * (r * LANES + lane), LANES, target + 4 * (lane * stride + r), stride)


@kernel
def add_weight_gradient(op, frame, rows, inputs, inputs_step, first_gate, steps, w, stride):
    """Add to the gradient of the weights at w, [rows][stride], the sum over a chunk's steps of input * gate gradient.

    `inputs` is the place of the first step's input rows; the gates' gradients start at column `first_gate`.
    """
    base, gates = frame.scratch, op.transposed_stride
    outer_product(
        rows,
        stride,
        base + 4 * inputs,
        LANES,
        inputs_step,
        base + 4 * (op.transposed + first_gate),
        gates,
        LANES * gates,
        frame.vectors * WIDTH,
        steps,
        frame.gradient + 4 * w,
        stride,
    )


@kernel
def add_gradients(op, frame, t, end, first_gate):
    """At the start of a chunk, add the gradients of its steps, t to `end`; returns where the next chunk ends.

    The gates that act on the state start at column `first_gate`.
    """
    if t % op.chunk:
        return end
    x, h = op.x + t * op.x_step, op.y + t * op.y_step
    add_weight_gradient(op, frame, op.D + 1, x, op.x_step, 0, end - t, op.w, op.w_stride)
    add_weight_gradient(op, frame, op.H, h, op.y_step, first_gate, end - t, op.u, op.u_stride)
    return t


@kernel
def pack_tiles(H, gates, units, source, stride, rows, target, first=0):
    """Copy rows of [gate*H + unit] to [tile][row][gate*units + unit], with smaller tiles (halves) for the last units.

    The tile's first gate is the source's gate `first`, and so on in turn.
    """
    source, target = floats(source, rows * stride), floats(target, rows * gates * H)
    u = 0
    place = 0
    while u < H:
        while H - u < units:
            units //= 2
        for k in range(rows):
            for g in range(gates):
                for j in range(units):
                    target[place] = source[k * stride + (g + first) % gates * H + u + j]
                    place += 1
        u += units
