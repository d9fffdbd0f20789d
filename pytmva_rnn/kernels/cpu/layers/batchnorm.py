"""Batch normalisation on lanes; see `kernels.reference.layers.batchnorm`.

The statistics are those of a whole batch, so that a network is cut here: all blocks come this far (`add_sums`), the
sums of the blocks are added in their order (`finish_sums`), and all blocks go on. Backward likewise. The sums are
float64 and per block, [block][2][feature].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pytmva_rnn.compile import array_at, kernel, operation
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, doubles, floats, padded
from pytmva_rnn.kernels.cpu.machine.plan import Entry, Matrix, Plan, View


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation, weights and memory to a plan."""
    F, stride = layer.size, padded(layer.size)
    op = plan.add(number, forward=forward, forward_one=forward_one, add_sums=add_sums, finish_sums=finish_sums)
    op |= {"add_gradient_sums": add_gradient_sums, "finish_gradient_sums": finish_gradient_sums}
    op |= {"spread_gradient": spread_gradient, "H": F, "w": plan.weights_size, "w_stride": stride}
    op |= {"momentum": layer.momentum, "epsilon": layer.epsilon, "statistics": plan.statistics_size}
    plan.matrices.append(Matrix(plan.weights_size, 2, F, stride, 2, False))
    plan.entries += [
        Entry(number, "gamma", plan.weights_size, stride, transposed=False),
        Entry(number, "beta", plan.weights_size + stride, stride, transposed=False),
        Entry(number, "mu", plan.statistics_size, F, transposed=False, statistic=True),
        Entry(number, "variance", plan.statistics_size + F, F, transposed=False, statistic=True),
    ]
    plan.weights_size += 2 * stride
    plan.statistics_size += 2 * F
    y = plan.activations(1, F)
    op |= {"y": y, "saved": plan.scratch(plan.rows(F)), "dy": plan.gradient(padded(F) * LANES)}
    plan.view = View(1, F, y, plan.step(F), op["dy"])


@kernel
def _input(op, frame, f):
    return floats(frame.scratch + 4 * (op.x + f // op.D * op.x_step + f % op.D * LANES), LANES)


@kernel
def _pair(op, address):
    """Two rows of a value a feature: mean and scale, or two sums."""
    return array_at(address + 8 * op.statistics, (2, op.H), np.float64)


@operation
def add_sums(op_address, frame_address):
    """Sums of x and x^2 over a block's events."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    sums = _pair(op, frame.sums)
    for f in range(op.H):
        x = _input(op, frame, f)
        total, squares = 0.0, 0.0
        for lane in range(frame.count):
            value = float(x[lane])
            total += value
            squares += value * value
        sums[0, f], sums[1, f] = total, squares


@kernel
def _total(op, frame, row, f):
    stride = frame.sums_stride
    total = 0.0
    for block in range(frame.blocks):
        total += doubles(frame.sums + 8 * (block * stride + op.statistics + row * op.H + f), 1)[0]
    return total


@operation
def finish_sums(op_address, frame_address):
    """Mean and 1/sqrt(variance + epsilon) of the batch; moves the running statistics towards the batch's."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    n, k = frame.n, frame.batches
    old = 0.0 if k == 0 else op.momentum if op.momentum >= 0 else k / (k + 1)
    batch, running = _pair(op, frame.batch), _pair(op, frame.statistics)
    for f in range(op.H):
        mean = _total(op, frame, 0, f) / n
        variance = max(_total(op, frame, 1, f) / n - mean * mean, 0.0)
        batch[0, f], batch[1, f] = mean, 1 / np.sqrt(variance + op.epsilon)
        running[0, f] = old * running[0, f] + (1 - old) * mean
        running[1, f] = old * running[1, f] + (1 - old) * variance * (n / (n - 1 + op.epsilon))


@operation
def forward(op_address, frame_address):
    """Output of a block: with the batch's statistics in training, the running ones in inference."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    statistics = _pair(op, frame.batch if op.training else frame.statistics)
    xhat = array_at(frame.scratch + 4 * op.saved, (op.H, LANES), np.float32)
    y = array_at(frame.scratch + 4 * op.y, (op.H, LANES), np.float32)
    gamma, beta = floats(frame.weights + 4 * op.w, op.H), floats(frame.weights + 4 * (op.w + op.w_stride), op.H)
    for f in range(op.H):
        mean = np.float32(statistics[0, f])
        scale = np.float32(statistics[1, f] if op.training else 1 / np.sqrt(statistics[1, f] + op.epsilon))
        x = _input(op, frame, f)
        for lane in range(LANES):
            xhat[f, lane] = (x[lane] - mean) * scale
            y[f, lane] = gamma[f] * xhat[f, lane] + beta[f]


@operation
def forward_one(op_address, frame_address):
    """Output of one event."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    running, y = _pair(op, frame.statistics), floats(frame.scratch + 4 * op.y, op.H)
    gamma, beta = floats(frame.weights + 4 * op.w, op.H), floats(frame.weights + 4 * (op.w + op.w_stride), op.H)
    for f in range(op.H):
        x = floats(frame.scratch + 4 * (op.x + f // op.D * op.x_step + f % op.D), 1)[0]
        scale = np.float32(1 / np.sqrt(running[1, f] + op.epsilon))
        y[f] = gamma[f] * (x - np.float32(running[0, f])) * scale + beta[f]


@operation
def add_gradient_sums(op_address, frame_address):
    """Sums of dy and dy*xhat over a block's events."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    sums = _pair(op, frame.sums)
    xhat = array_at(frame.scratch + 4 * op.saved, (op.H, LANES), np.float32)
    dy = array_at(frame.scratch + 4 * op.dy, (op.H, LANES), np.float32)
    for f in range(op.H):
        total, products = 0.0, 0.0
        for lane in range(frame.count):
            total += dy[f, lane]
            products += float(dy[f, lane]) * xhat[f, lane]
        sums[0, f], sums[1, f] = total, products


@operation
def finish_gradient_sums(op_address, frame_address):
    """Gradients of gamma and beta, and the same sums for the blocks to go on with."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    totals = _pair(op, frame.totals)
    gamma, beta = floats(frame.gradient + 4 * op.w, op.H), floats(frame.gradient + 4 * (op.w + op.w_stride), op.H)
    for f in range(op.H):
        totals[0, f], totals[1, f] = _total(op, frame, 0, f), _total(op, frame, 1, f)
        beta[f], gamma[f] = totals[0, f], totals[1, f]


@operation
def spread_gradient(op_address, frame_address):
    """Gradient of a block's input, through the batch's mean and variance."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    if op.dx < 0:
        return
    batch, totals = _pair(op, frame.batch), _pair(op, frame.totals)
    xhat = array_at(frame.scratch + 4 * op.saved, (op.H, LANES), np.float32)
    dy = array_at(frame.scratch + 4 * op.dy, (op.H, LANES), np.float32)
    dx = array_at(frame.scratch + 4 * op.dx, (op.H, LANES), np.float32)
    gamma = floats(frame.weights + 4 * op.w, op.H)
    for f in range(op.H):
        scale = np.float32(gamma[f] * batch[1, f])
        mean, slope = np.float32(totals[0, f] / frame.n), np.float32(totals[1, f] / frame.n)
        for lane in range(LANES):
            keep = np.float32(1.0) if lane < frame.count else np.float32(0.0)
            dx[f, lane] = keep * scale * (dy[f, lane] - mean - xhat[f, lane] * slope)
