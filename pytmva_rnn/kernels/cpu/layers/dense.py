"""Fully connected layer on lanes, and TMVA's activation functions; see `kernels.reference.layers.dense`.

A returned sequence is read where it lies: the input is T steps of D rows, and the weights' rows follow suit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pytmva_rnn.compile import helper, operation
from pytmva_rnn.kernels.codes import ACTIVATIONS, FTANH, GAUSS, LINEAR, RELU, SIGMOID, SOFTSIGN, SYMMRELU, TANH
from pytmva_rnn.kernels.cpu.machine.intrinsics import call, floats, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, VECTORS, WIDTH
from pytmva_rnn.kernels.cpu.machine.matrix import affine, outer_product, product, transpose, transposed_product
from pytmva_rnn.kernels.cpu.machine.op import (
    FRAME,
    OP,
    copy_floats,
    element,
    input_step,
    padded,
    record_type,
    vectors_of,
)
from pytmva_rnn.kernels.cpu.machine.plan import Plan, View
from pytmva_rnn.kernels.cpu.machine.simd import add_bias, add_vectors, pointwise
from pytmva_rnn.kernels.cpu.machine.vector import Vector, at_least, below, exp, sigmoid, tanh

DENSE = record_type(
    "activation",  # number of the function
    "activate",  # addresses of what applies it, 0 where it is linear
    "differentiate",
    "w",  # place of the weights and the bias, in the flat weights
    "w_stride",
    "one",  # place of those of one event, in panels
    "a",  # place of the sums, before the activation
    "dy_transposed",  # place of the sums' gradient, [lane][unit]
    "x_together",  # place where the steps of a single event are put together
    "zeros",  # of where its sums start
    "affine",  # addresses of functions of `matrix`
    "transposed_product",
    "product",
    "outer_product",
    "transpose",
)


_LARGEST = np.finfo(np.float32).max


def _softsign(a: Vector) -> Vector:
    return a / (1 + at_least(a, 0.0, a, -a))


def _softsign_gradient(dy: Vector, a: Vector, y: Vector) -> Vector:
    # not from y, which is 1 long before the slope is 0
    scale = 1.0 / (1 + at_least(a, 0.0, a, -a))
    return dy * (scale * scale)


_relu = pointwise(lambda a: (below(a, 0.0, 0.0, a),), 1, 1)  # a NaN is not below
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
_gauss_gradient = pointwise(lambda dy, a, y: (-2.0 * dy * (a * y),), 3, 1)


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation, weights and memory to a plan."""
    D, F = layer.input_size, layer.width
    op = plan.add(number, forward=forward, forward_one=forward_one, backward=backward, record=DENSE)
    W = plan.matrix(D, F, biased=True)
    plan.place(number, "W", W)
    plan.place(number, "b", W, row=D)
    y = plan.activations(1, F)
    op.own |= {"activation": ACTIVATIONS[layer.activation], "w": W.place, "w_stride": W.stride}
    op.own["one"] = plan.product(F, W)
    op.own |= {"a": plan.scratch(plan.rows(F))}
    if ACTIVATIONS[layer.activation] != LINEAR:
        op.own |= {"activate": activate, "differentiate": differentiate if plan.training else None}
    plan.output(op, View(1, F, y, plan.step(F), plan.gradient(padded(F) * LANES)))
    if plan.single:
        op.own |= {"x_together": plan.scratch(D), "zeros": plan.scratch(padded(F)), "affine": affine}
    else:
        op.own["transposed_product"] = transposed_product
    if plan.training:
        op.own["dy_transposed"] = plan.scratch(W.stride * LANES)
        op.own |= {"product": product, "outer_product": outer_product, "transpose": transpose}


@operation
def forward(op_address, frame_address):
    """Output of a block."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, DENSE)
    T, D, F, stride, vectors = op.T, op.D, op.H, own.w_stride, frame.vectors
    w, x, a, y = frame.weights + own.w, input_step(op, frame, 0), frame.scratch + own.a, frame.scratch + op.y
    into = a if own.activate else y
    arguments = (F, vectors, w, stride, D * stride, x, LANES, op.x_step, D, T, into, LANES)
    call(own.transposed_product, arguments)
    if add_bias(F, vectors, into, element(w, stride, T * D, 0)):
        _sum_again(op, own, frame, into, frame.count, LANES)
    if own.activate:
        call(own.activate, (own.activation, F * VECTORS, VECTORS // vectors, a, y))


@helper
def _sum(op, own, frame, f, lane, lanes):
    """Sum f of one event, where float32 has overflowed on the way: in float64, or it would depend on the order."""
    T, D, w = op.T, op.D, frame.weights + own.w
    total = np.float64(floats(element(w, own.w_stride, T * D, f), 1)[0])
    for t in range(T):
        x = floats(input_step(op, frame, t), D * lanes)
        for d in range(D):
            total += np.float64(x[d * lanes + lane]) * floats(element(w, own.w_stride, t * D + d, f), 1)[0]
    return np.float32(total)


@helper
def _sum_again(op, own, frame, into, count, lanes):
    """Put right those sums [unit][lanes] of the first `count` lanes that are infinite or NaN."""
    sums = floats(into, op.H * lanes)
    for f in range(op.H):
        for lane in range(count):
            if not abs(sums[f * lanes + lane]) <= _LARGEST:
                sums[f * lanes + lane] = _sum(op, own, frame, f, lane, lanes)


@operation
def activate(activation, n, step, a, y):
    """Make y of the sums a, every step-th of n vectors."""
    if activation == RELU:
        _relu(n, step, (a,), (y,))
    elif activation == SIGMOID:
        _sigmoid(n, step, (a,), (y,))
    elif activation in (TANH, FTANH):
        _tanh(n, step, (a,), (y,))
    elif activation == SYMMRELU:
        _symmrelu(n, step, (a,), (y,))
    elif activation == SOFTSIGN:
        _soft(n, step, (a,), (y,))
    elif activation == GAUSS:
        _gauss(n, step, (a,), (y,))


@operation
def forward_one(op_address, frame_address):
    """Output of one event."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, DENSE)
    T, D, F, vectors = op.T, op.D, op.H, vectors_of(op.H)
    x, a, y = input_step(op, frame, 0), frame.scratch + own.a, frame.scratch + op.y
    if T > 1 and op.x_step != D:
        x = frame.scratch + own.x_together
        for t in range(T):
            copy_floats(element(x, D, t, 0), input_step(op, frame, t), D)
    into = a if own.activate else y
    call(own.affine, (vectors, frame.scratch + own.zeros, frame.packed + own.one, 1 + T * D, x, T * D, into, 0))
    if add_vectors(vectors, into, element(frame.weights + own.w, own.w_stride, T * D, 0)):
        _sum_again(op, own, frame, into, 1, 1)
    if own.activate:
        call(own.activate, (own.activation, padded(F) // WIDTH, 1, a, y))


@operation
def backward(op_address, frame_address):
    """Gradients of a block, added to the weights' gradient."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own = record_at(op.own, DENSE)
    T, D, F, stride, vectors = op.T, op.D, op.H, own.w_stride, frame.vectors
    w, dw = frame.weights + own.w, frame.gradient + own.w
    a, y, dy = frame.scratch + own.a, frame.scratch + op.y, frame.scratch + op.dy
    if own.differentiate:
        call(own.differentiate, (own.activation, F * VECTORS, VECTORS // vectors, dy, a, y))
    if op.dx >= 0:
        dx = frame.scratch + op.dx
        call(own.product, (T * D, vectors, w, stride, dy, LANES, F, dx, LANES, 0))
    dy_transposed = frame.scratch + own.dy_transposed
    call(own.transpose, (stride, vectors, dy, dy_transposed))
    for t in range(T):
        x, target = input_step(op, frame, t), element(dw, stride, t * D, 0)
        # the last step's row of ones makes the bias' gradient
        rows = D + (1 if t == T - 1 else 0)
        factors = (x, LANES, 0, dy_transposed, stride, 0, vectors * WIDTH, 1)
        call(own.outer_product, (rows, stride, *factors, target, stride))


@operation
def differentiate(activation, n, step, dy, a, y):
    """Multiply dy by the slope of the activation."""
    if activation == RELU:
        _relu_gradient(n, step, (dy, a, y), (dy,))
    elif activation == SIGMOID:
        _sigmoid_gradient(n, step, (dy, a, y), (dy,))
    elif activation in (TANH, FTANH):
        _tanh_gradient(n, step, (dy, a, y), (dy,))
    elif activation == SYMMRELU:
        _symmrelu_gradient(n, step, (dy, a, y), (dy,))
    elif activation == SOFTSIGN:
        _soft_gradient(n, step, (dy, a, y), (dy,))
    elif activation == GAUSS:
        _gauss_gradient(n, step, (dy, a, y), (dy,))
