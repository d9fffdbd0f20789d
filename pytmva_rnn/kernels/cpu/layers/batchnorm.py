"""Batch normalisation on lanes; see `kernels.reference.layers.batchnorm`.

The statistics are those of a whole batch, so that a network is cut here: all blocks come this far (`add_sums`), the
sums of the blocks are added in their order (`finish_sums`), and all blocks go on. Backward likewise. The sums are
float64 and per block, [block][2][feature].

The variance comes from squares of distances, to a block's own mean and then of the blocks' means to the batch's (Chan,
Golub and LeVeque 1983), and a mean is taken off in two parts: with a mean far from zero nothing is lost.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pytmva_rnn.compile import array_at, helper, operation
from pytmva_rnn.kernels.cpu.machine.intrinsics import floats, lanes_at, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, input_row, input_value, padded, record_type
from pytmva_rnn.kernels.cpu.machine.plan import Plan, View

BATCH_NORM = record_type(
    "gamma",  # places in the flat weights
    "beta",
    "statistics",  # place of the running mean and variance; a batch's sums lie at the same place of their array
    "xhat",  # place of the normalised input
    doubles=("momentum", "epsilon"),
)


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation, weights and memory to a plan."""
    F = layer.size
    op = plan.add(number, forward=forward, forward_one=forward_one, record=BATCH_NORM)
    op.across |= {"add_sums": add_sums, "finish_sums": finish_sums, "spread_gradient": spread_gradient}
    op.across |= {"add_gradient_sums": add_gradient_sums, "finish_gradient_sums": finish_gradient_sums}
    matrix = plan.matrix(2, F)
    plan.place(number, "gamma", matrix, transposed=False)
    plan.place(number, "beta", matrix, row=1, transposed=False)
    statistics = plan.statistic(number, "mu")
    plan.statistic(number, "variance")
    op.own |= {"gamma": matrix.row(0), "beta": matrix.row(1), "statistics": statistics}
    op.own |= {"momentum": layer.momentum, "epsilon": layer.epsilon}
    y = plan.activations(1, F)
    op.own["xhat"] = plan.scratch(plan.rows(F))
    plan.output(op, View(1, F, y, plan.step(F), plan.gradient(padded(F) * LANES)))


@helper
def _pair(op, address):
    """Two rows of a value a feature: mean and scale, or two sums."""
    return array_at(address + record_at(op.own, BATCH_NORM).statistics, (2, op.H), np.float64)


@operation
def add_sums(op_address, frame_address):
    """Mean of x, and sum of (x - mean)^2, over a block's events."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    sums = _pair(op, frame.sums)
    for f in range(op.H):
        x = floats(input_row(op, frame, f), LANES)
        total, squares = 0.0, 0.0
        for lane in range(frame.count):
            total += np.float64(x[lane])
        mean = total / frame.count
        for lane in range(frame.count):
            squares += (x[lane] - mean) ** 2
        sums[0, f], sums[1, f] = mean, squares


@helper
def _total(op, frame, row, f):
    total = 0.0
    for block in range(frame.blocks):
        total += _pair(op, frame.sums + block * frame.sums_step)[row, f]
    return total


@helper
def _events_in(frame, block):
    """Events of a block: the last may have fewer."""
    return min(LANES, frame.n - block * LANES)


@operation
def finish_sums(op_address, frame_address):
    """Mean and 1/sqrt(variance + epsilon) of the batch; moves the running statistics towards the batch's."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, BATCH_NORM)
    n, k = frame.n, frame.batches
    old = 0.0 if k == 0 else own.momentum if own.momentum >= 0 else k / (k + 1)
    batch, running = _pair(op, frame.batch), _pair(op, frame.statistics)
    for f in range(op.H):
        mean = 0.0
        for block in range(frame.blocks):
            mean += _pair(op, frame.sums + block * frame.sums_step)[0, f] * (_events_in(frame, block) / n)
        squares = _total(op, frame, 1, f)
        for block in range(frame.blocks):
            apart = _pair(op, frame.sums + block * frame.sums_step)[0, f] - mean
            squares += _events_in(frame, block) * apart * apart
        variance = squares / n
        batch[0, f], batch[1, f] = mean, 1 / np.sqrt(variance + own.epsilon)
        running[0, f] = old * running[0, f] + (1 - old) * mean
        running[1, f] = old * running[1, f] + (1 - old) * variance * (n / (n - 1 + own.epsilon))


@helper
def _split(mean):
    """A float64 as the float32 next to it and what is left."""
    near = np.float32(mean)
    return near, np.float32(mean - near)


@operation
def forward(op_address, frame_address):
    """Output of a block: with the batch's statistics in training, the running ones in inference."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own, F = record_at(op.own, BATCH_NORM), op.H
    statistics = _pair(op, frame.batch if op.training else frame.statistics)
    xhat, y = lanes_at(frame.scratch + own.xhat, F), lanes_at(frame.scratch + op.y, F)
    gamma, beta = floats(frame.weights + own.gamma, F), floats(frame.weights + own.beta, F)
    for f in range(F):
        mean, rest = _split(statistics[0, f])
        scale = np.float32(statistics[1, f] if op.training else 1 / np.sqrt(statistics[1, f] + own.epsilon))
        x = floats(input_row(op, frame, f), LANES)
        for lane in range(LANES):
            xhat[f, lane] = ((x[lane] - mean) - rest) * scale
            y[f, lane] = gamma[f] * xhat[f, lane] + beta[f]


@operation
def forward_one(op_address, frame_address):
    """Output of one event."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own, F = record_at(op.own, BATCH_NORM), op.H
    running, y = _pair(op, frame.statistics), floats(frame.scratch + op.y, F)
    gamma, beta = floats(frame.weights + own.gamma, F), floats(frame.weights + own.beta, F)
    for f in range(F):
        mean, rest = _split(running[0, f])
        scale = np.float32(1 / np.sqrt(running[1, f] + own.epsilon))
        y[f] = gamma[f] * (((input_value(op, frame, f) - mean) - rest) * scale) + beta[f]


@operation
def add_gradient_sums(op_address, frame_address):
    """Sums of dy and dy*xhat over a block's events."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own, F = record_at(op.own, BATCH_NORM), op.H
    sums = _pair(op, frame.sums)
    xhat, dy = lanes_at(frame.scratch + own.xhat, F), lanes_at(frame.scratch + op.dy, F)
    for f in range(F):
        total, products = 0.0, 0.0
        for lane in range(frame.count):
            total += dy[f, lane]
            products += np.float64(dy[f, lane]) * xhat[f, lane]
        sums[0, f], sums[1, f] = total, products


@operation
def finish_gradient_sums(op_address, frame_address):
    """Gradients of gamma and beta, and the same sums for the blocks to go on with."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own, F = record_at(op.own, BATCH_NORM), op.H
    totals = _pair(op, frame.totals)
    dgamma, dbeta = floats(frame.gradient + own.gamma, F), floats(frame.gradient + own.beta, F)
    for f in range(F):
        totals[0, f], totals[1, f] = _total(op, frame, 0, f), _total(op, frame, 1, f)
        dbeta[f], dgamma[f] = totals[0, f], totals[1, f]


@operation
def spread_gradient(op_address, frame_address):
    """Gradient of a block's input, through the batch's mean and variance."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own, F = record_at(op.own, BATCH_NORM), op.H
    if op.dx < 0:
        return
    batch, totals = _pair(op, frame.batch), _pair(op, frame.totals)
    xhat, dy = lanes_at(frame.scratch + own.xhat, F), lanes_at(frame.scratch + op.dy, F)
    dx, gamma = lanes_at(frame.scratch + op.dx, F), floats(frame.weights + own.gamma, F)
    for f in range(F):
        scale = np.float32(gamma[f] * batch[1, f])
        mean, slope = np.float32(totals[0, f] / frame.n), np.float32(totals[1, f] / frame.n)
        for lane in range(LANES):
            keep = np.float32(1.0) if lane < frame.count else np.float32(0.0)
            dx[f, lane] = keep * scale * (dy[f, lane] - mean - xhat[f, lane] * slope)
