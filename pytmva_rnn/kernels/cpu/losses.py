"""Loss functions of one block on lanes; see `kernels.reference.losses`."""

from __future__ import annotations

import math

import numpy as np

from pytmva_rnn.compile import array_at, kernel, operation
from pytmva_rnn.kernels.codes import CROSS_ENTROPY, LOSSES, SOFTMAX_CROSS_ENTROPY
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, doubles
from pytmva_rnn.kernels.cpu.machine.plan import Plan


def plan(plan: Plan, loss: str) -> None:
    """Add the operation that compares the current view with the targets and starts the backward pass."""
    view = plan.view
    plan.add(-1, forward=forward, H=view.T * view.D, variant=LOSSES[loss], dy=view.gradient)


@kernel
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
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    outputs, wanted = op.H, op.dy >= 0
    out = array_at(frame.scratch + 4 * op.x, (outputs, LANES), np.float32)
    gradient = array_at(frame.scratch + 4 * op.dy, (outputs, LANES), np.float32)
    events = array_at(frame.events, LANES, np.int64)
    if wanted:
        gradient[:] = 0
    total = 0.0
    for lane in range(frame.count):
        y = array_at(frame.y + 4 * events[lane] * outputs, outputs, np.float32)
        scale = float(array_at(frame.w + 4 * events[lane], 1, np.float32)[0]) / frame.n
        if op.variant == SOFTMAX_CROSS_ENTROPY:
            top, target, norm = float(out[0, lane]), 0.0, 0.0
            for j in range(outputs):
                top = max(top, float(out[j, lane]))
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
                value, slope = _term(op.variant, float(out[j, lane]), float(y[j]))
                total += scale / outputs * value
                if wanted:
                    gradient[j, lane] = scale / outputs * slope
    doubles(frame.loss, 1)[0] += total
