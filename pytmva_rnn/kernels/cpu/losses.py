"""Loss functions of one block on lanes; see `kernels.reference.losses`."""

from __future__ import annotations

import math

import numpy as np

from pytmva_rnn.compile import array_at, helper, operation
from pytmva_rnn.kernels.codes import CROSS_ENTROPY, LOSSES, SOFTMAX_CROSS_ENTROPY
from pytmva_rnn.kernels.cpu.machine.intrinsics import doubles, floats, lanes_at, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, input_step, record_type, step_of
from pytmva_rnn.kernels.cpu.machine.plan import Plan

LOSS = record_type("kind")


def plan(plan: Plan, loss: str) -> None:
    """Add the operation that compares the current view with the targets and starts the backward pass."""
    op = plan.add(-1, forward=forward, record=LOSS)
    op.own["kind"] = LOSSES[loss]
    plan.output(op, plan.view)


@helper
def _term(kind, a, y):
    """Loss of one output and its slope, for the losses that are sums over outputs."""
    if kind == CROSS_ENTROPY:
        e = math.exp(-abs(a))
        return max(a, 0.0) - a * y + math.log1p(e), (1.0 if a >= 0 else e) / (1 + e) - y
    return (a - y) ** 2, 2 * (a - y)


@operation
def forward(op_address, frame_address):
    """Add the losses of a block's events; their gradient, where it is wanted, is zero for lanes without an event.

    That zero keeps such lanes out of every gradient.
    """
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    kind, outputs, wanted = record_at(op.own, LOSS).kind, op.H, op.dy >= 0
    out, gradient = lanes_at(input_step(op, frame, 0), outputs), lanes_at(frame.scratch + op.dy, outputs)
    events = array_at(frame.events, LANES, np.int64)
    if wanted:
        gradient[:] = 0
    total = 0.0
    for lane in range(frame.count):
        y = floats(step_of(frame.y, outputs, events[lane]), outputs)
        scale = np.float64(floats(step_of(frame.w, 1, events[lane]), 1)[0]) / frame.n
        if kind == SOFTMAX_CROSS_ENTROPY:
            top, target, norm = np.float64(out[0, lane]), 0.0, 0.0
            for j in range(outputs):
                top = max(top, np.float64(out[j, lane]))
                target += y[j]
            for j in range(outputs):
                norm += math.exp(out[j, lane] - top)
            log_sum = top + math.log(norm)
            for j in range(outputs):
                total += scale * y[j] * (log_sum - out[j, lane])
                if wanted:
                    gradient[j, lane] = scale * (math.exp(out[j, lane] - log_sum) * target - y[j])
        else:
            for j in range(outputs):
                value, slope = _term(kind, np.float64(out[j, lane]), np.float64(y[j]))
                total += scale / outputs * value
                if wanted:
                    gradient[j, lane] = scale / outputs * slope
    doubles(frame.loss, 1)[0] += total
