"""Fully connected layer on lanes, and TMVA's activation functions; see `kernels.reference.layers.dense`.

A returned sequence is read where it lies: the input is T steps of D rows, and the weights' rows follow suit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pytmva_rnn.compile import array_at, kernel, operation
from pytmva_rnn.kernels.codes import ACTIVATIONS, FTANH, GAUSS, LINEAR, RELU, SIGMOID, SOFTSIGN, SYMMRELU, TANH
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, VECTORS, WIDE, WIDTH
from pytmva_rnn.kernels.cpu.machine.matrix import outer_product, product, transposed_product
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, copy_floats, floats, padded
from pytmva_rnn.kernels.cpu.machine.plan import Plan, View
from pytmva_rnn.kernels.cpu.machine.simd import pointwise, transpose_square
from pytmva_rnn.kernels.cpu.machine.tiles import recurrent_step_one
from pytmva_rnn.kernels.cpu.machine.vector import Vector, at_least, exp, sigmoid, tanh


def _softsign(a: Vector) -> Vector:
    return a / (1 + at_least(a, 0.0, a, -a))


def _softsign_gradient(dy: Vector, a: Vector, y: Vector) -> Vector:
    scale = 1 - at_least(y, 0.0, y, -y)
    return dy * scale * scale


_one = recurrent_step_one(lambda a: (a,), WIDE, (0,), (0,), 0, 1)

_relu = pointwise(lambda a: (at_least(a, 0.0, a, a * 0.0),), 1, 1)  # a*0 keeps a NaN
_sigmoid = pointwise(lambda a: (sigmoid(a),), 1, 1)
_tanh = pointwise(lambda a: (tanh(a),), 1, 1)
_symmrelu = pointwise(lambda a: (at_least(a, 0.0, a, -a),), 1, 1)
_soft = pointwise(lambda a: (_softsign(a),), 1, 1)
_gauss = pointwise(lambda a: (exp(-(a * a)),), 1, 1)

_relu_gradient = pointwise(lambda dy, a, y: (at_least(a, 0.0, dy, 0.0),), 3, 1)
_sigmoid_gradient = pointwise(lambda dy, a, y: (dy * y * (1 - y),), 3, 1)
_tanh_gradient = pointwise(lambda dy, a, y: (dy * (1 - y * y),), 3, 1)
_symmrelu_gradient = pointwise(lambda dy, a, y: (at_least(a, 0.0, dy, -dy),), 3, 1)
_soft_gradient = pointwise(lambda dy, a, y: (_softsign_gradient(dy, a, y),), 3, 1)
_gauss_gradient = pointwise(lambda dy, a, y: (-2.0 * (dy * a * y),), 3, 1)


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation, weights and memory to a plan."""
    F = layer.width
    op = plan.add(
        number, forward=forward, forward_one=forward_one, backward=backward, H=F, variant=ACTIVATIONS[layer.activation]
    )
    W = plan.matrix(layer.input_size, F, biased=True, decays=True)
    plan.place(number, "W", W)
    plan.place(number, "b", W, row=layer.input_size)
    y = plan.activations(1, F)
    op |= {"w": W.offset, "w_stride": W.stride, "y": y, "saved": plan.scratch(plan.rows(F))}
    op["dy"] = plan.gradient(padded(F) * LANES)
    if plan.training:
        op["transposed"] = plan.scratch(W.stride * LANES)
    if plan.single:
        op["work"] = plan.scratch(op["T"] * op["D"])
    plan.view = View(1, F, y, plan.step(F), op["dy"])


@operation
def forward(op_address, frame_address):
    """Output of a block."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    base, F, vectors = frame.scratch, op.H, frame.vectors
    w, a, y = frame.weights + 4 * op.w, base + 4 * op.saved, base + 4 * op.y
    into = y if op.variant == LINEAR else a
    x_step = op.D * op.w_stride
    transposed_product(F, vectors, w, op.w_stride, x_step, base + 4 * op.x, LANES, op.x_step, op.D, op.T, into, LANES)
    sums, bias = array_at(into, (F, LANES), np.float32), floats(w + 4 * op.T * x_step, F)
    for f in range(F):
        for lane in range(LANES):
            sums[f, lane] += bias[f]
    _activate(op.variant, F * VECTORS, VECTORS // vectors, a, y)


@kernel
def _activate(variant, n, step, a, y):
    if variant == RELU:
        _relu(n, step, (a,), (y,))
    elif variant == SIGMOID:
        _sigmoid(n, step, (a,), (y,))
    elif variant in (TANH, FTANH):
        _tanh(n, step, (a,), (y,))
    elif variant == SYMMRELU:
        _symmrelu(n, step, (a,), (y,))
    elif variant == SOFTSIGN:
        _soft(n, step, (a,), (y,))
    elif variant == GAUSS:
        _gauss(n, step, (a,), (y,))


@operation
def forward_one(op_address, frame_address):
    """Output of one event."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    base, F, count, stride = frame.scratch, op.H, op.T * op.D, op.w_stride
    x = base + 4 * op.x
    if op.T > 1 and op.x_step != op.D:
        for t in range(op.T):
            copy_floats(base + 4 * (op.work + t * op.D), x + 4 * t * op.x_step, op.D)
        x = base + 4 * op.work
    w, a, y = frame.weights + 4 * op.w, base + 4 * op.saved, base + 4 * op.y
    into = y if op.variant == LINEAR else a
    _one(F, 0, w, stride, x, count, w, 0, x, 0, (), (into,))
    _activate(op.variant, padded(F) // WIDTH, 1, a, y)


@operation
def backward(op_address, frame_address):
    """Gradients of a block, added to the weights' gradient."""
    op = array_at(op_address, 1, OP)[0]
    frame = array_at(frame_address, 1, FRAME)[0]
    base, F, stride = frame.scratch, op.H, op.w_stride
    w, g = frame.weights + 4 * op.w, frame.gradient + 4 * op.w
    a, y, dy = base + 4 * op.saved, base + 4 * op.y, base + 4 * op.dy
    n, step = F * VECTORS, VECTORS // frame.vectors
    if op.variant == RELU:
        _relu_gradient(n, step, (dy, a, y), (dy,))
    elif op.variant == SIGMOID:
        _sigmoid_gradient(n, step, (dy, a, y), (dy,))
    elif op.variant in (TANH, FTANH):
        _tanh_gradient(n, step, (dy, a, y), (dy,))
    elif op.variant == SYMMRELU:
        _symmrelu_gradient(n, step, (dy, a, y), (dy,))
    elif op.variant == SOFTSIGN:
        _soft_gradient(n, step, (dy, a, y), (dy,))
    elif op.variant == GAUSS:
        _gauss_gradient(n, step, (dy, a, y), (dy,))
    if op.dx >= 0:
        product(op.T * op.D, frame.vectors, w, stride, dy, LANES, F, base + 4 * op.dx, LANES, 0)
    dyt = base + 4 * op.transposed
    for f in range(0, stride, WIDTH):
        for lane in range(0, frame.vectors * WIDTH, WIDTH):
            transpose_square(dy + 4 * (f * LANES + lane), LANES, dyt + 4 * (lane * stride + f), stride)
    for t in range(op.T):
        x, target = base + 4 * (op.x + t * op.x_step), g + 4 * t * op.D * stride
        # the last step's row of ones makes the bias' gradient
        rows = op.D + (1 if t == op.T - 1 else 0)
        outer_product(rows, stride, x, LANES, 0, dyt, stride, 0, frame.vectors * WIDTH, 1, target, stride)
