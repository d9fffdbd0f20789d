"""The optimizers' updates of the flat weights, and the penalty; see `kernels.reference.optimizers`."""

from __future__ import annotations

import math

import numpy as np

from pytmva_rnn.compile import entry, helper, inlined, operation
from pytmva_rnn.kernels.codes import L1
from pytmva_rnn.kernels.cpu.machine.intrinsics import call, floats, record_at
from pytmva_rnn.kernels.cpu.machine.op import record_type

UPDATE = record_type(
    "w",  # addresses of all weights, their gradient and its moments, and how many there are
    "g",
    "v",
    "u",
    "n",
    "t",  # number of the step
    "then",  # address of what follows clipping
    doubles=("rate", "first", "second", "epsilon", "most"),  # `first` and `second`: momentum and rho, or Adam's betas
)
"""What an update, in place, is of.

The arithmetic is float64 and what is kept float32: an adaptive step makes much of the last digits where gradients are
small. Adam, the default, is all float32, as in TMVA: otherwise it would be a tenth of a small network's training step.
"""


@inlined
def _arrays(of):
    return floats(of.w, of.n), floats(of.g, of.n), floats(of.v, of.n), floats(of.u, of.n)


@operation
def sgd(address):
    """Gradient descent with momentum."""
    of = record_at(address, UPDATE)
    w, g, v, _ = _arrays(of)
    rate, first = of.rate, of.first
    for k in range(of.n):
        vk = first * v[k] + g[k]
        w[k] -= rate * vk
        v[k] = vk


@operation
def adam(address):
    """Adaptive moments."""
    of = record_at(address, UPDATE)
    w, g, v, u = _arrays(of)
    alpha = np.float32(of.rate * math.sqrt(1 - of.second**of.t) / (1 - of.first**of.t))
    beta1, rest1 = np.float32(of.first), np.float32(1 - of.first)
    beta2, rest2, tiny = np.float32(of.second), np.float32(1 - of.second), np.float32(of.epsilon)
    for k in range(of.n):
        uk = beta1 * u[k] + rest1 * g[k]
        vk = beta2 * v[k] + rest2 * g[k] * g[k]
        w[k] -= alpha * uk / (math.sqrt(vk) + tiny)
        u[k], v[k] = uk, vk


@operation
def adagrad(address):
    """Steps that shrink with the sum of squares."""
    of = record_at(address, UPDATE)
    w, g, v, _ = _arrays(of)
    rate, epsilon = of.rate, of.epsilon
    for k in range(of.n):
        gk = np.float64(g[k])
        vk = v[k] + gk * gk
        w[k] -= rate * gk / math.sqrt(vk + epsilon)
        v[k] = vk


@operation
def rmsprop(address):
    """Steps by the running mean of squares."""
    of = record_at(address, UPDATE)
    w, g, v, u = _arrays(of)
    rate, first, second, epsilon = of.rate, of.first, of.second, of.epsilon
    for k in range(of.n):
        gk = np.float64(g[k])
        vk = second * v[k] + (1 - second) * gk * gk
        uk = first * u[k] + rate * gk / math.sqrt(vk + epsilon)
        w[k] -= uk
        u[k], v[k] = uk, vk


@operation
def adadelta(address):
    """Steps by the ratio of two running means."""
    of = record_at(address, UPDATE)
    w, g, v, u = _arrays(of)
    rate, second, epsilon = of.rate, of.second, of.epsilon
    for k in range(of.n):
        gk, uk = np.float64(g[k]), np.float64(u[k])
        vk = second * v[k] + (1 - second) * gk * gk
        d = gk * math.sqrt(uk + epsilon) / math.sqrt(vk + epsilon)
        w[k] -= rate * d
        u[k], v[k] = second * uk + (1 - second) * d * d, vk


UPDATES = {"SGD": sgd, "ADAM": adam, "ADAGRAD": adagrad, "RMSPROP": rmsprop, "ADADELTA": adadelta}
"""By TMVA's names."""


@operation
def clipped(address):
    """Scale the gradient down to a Euclidean norm of `most`, and go on to an update; padding is zero."""
    of = record_at(address, UPDATE)
    g = floats(of.g, of.n)
    total = 0.0
    for k in range(of.n):
        value = np.float64(g[k])
        total += value * value
    norm = math.sqrt(total)
    if norm > of.most:
        factor = np.float32(of.most / norm)
        for k in range(of.n):
            g[k] *= factor
    call(of.then, (address,))


@helper
def add_decay(weights, gradient, matrices, regularization, decay):
    """Add the penalty's gradient: `decay*sign(W)` (1) or `2*decay*W` (2), for the rows that decay."""
    factor = np.float32(decay)
    for m in range(len(matrices)):
        matrix = matrices[m]
        for k in range(matrix.start, matrix.start + matrix.decaying * matrix.stride):
            slope = np.sign(weights[k]) if regularization == L1 else np.float32(2) * weights[k]
            gradient[k] += factor * slope


@entry
def penalty(weights, matrices, regularization):
    """`sum |W|` (1) or `sum W^2` (2) over all rows that count in the penalty; padding is zero."""
    total = 0.0
    for m in range(len(matrices)):
        matrix = matrices[m]
        for k in range(matrix.start, matrix.start + matrix.penalised * matrix.stride):
            value = np.float64(weights[k])
            total += abs(value) if regularization == L1 else value * value
    return total
