"""What the recurrent layers share: remembered states, packing of weights, and the products of the backward pass."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.kernels.cpu.jit import kernel
from pytmva_rnn.kernels.cpu.matrix import outer_product
from pytmva_rnn.kernels.cpu.op import Plan, View, copy_floats, floats, padded
from pytmva_rnn.kernels.cpu.simd import LANES, WIDTH, transpose_square

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
    op |= {"H": H, "sequence": int(layer.return_sequence), "remember": int(layer.remember_state)}
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
def start(remember, n, state, memory):
    """Set the initial state, n values: zero, or what the last batch left."""
    if remember:
        copy_floats(state, memory, n)
    else:
        floats(state, n)[:] = 0


@kernel
def transpose_gates(op, base, t):
    """Transpose the gate gradients of step t, [gate][lane] at op.work, to [lane][gate]."""
    source = base + 4 * op.work
    target = base + 4 * (op.transposed + (t % op.chunk) * LANES * op.transposed_stride)
    for r in range(0, op.transposed_stride, WIDTH):
        for lane in range(0, LANES, WIDTH):
            transpose_square(
                source + 4 * (r * LANES + lane),
                LANES,
                target + 4 * (lane * op.transposed_stride + r),
                op.transposed_stride,
            )


@kernel
def add_weight_gradient(op, base, rows, columns, inputs, inputs_step, first_gate, t, n, target, stride):
    """target[rows][columns] += sum over the n steps from t on and all lanes of input * gate gradient.

    `inputs` is the place of the input rows of step t; gates start at column `first_gate`.
    """
    outer_product(
        rows,
        columns,
        base + 4 * inputs,
        LANES,
        inputs_step,
        base + 4 * (op.transposed + first_gate),
        op.transposed_stride,
        LANES * op.transposed_stride,
        LANES,
        n,
        target,
        stride,
    )


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
