"""The optimizers' updates of the flat weights, and the penalty; see `kernels.reference.optimizers`."""

from __future__ import annotations

import math

import numpy as np

from pytmva_rnn.kernels.cpu.jit import kernel

NUMBERS = {"SGD": 0, "ADAM": 1, "ADAGRAD": 2, "RMSPROP": 3, "ADADELTA": 4}


@kernel
def update(kind, w, g, v, u, t, rate, first, second, epsilon):
    """Step t of all weights w by the gradient g, with moments v and u, in place.

    `first` and `second` are momentum and rho, or Adam's two betas.
    """
    alpha = np.float32(rate)
    if kind == 1:
        alpha = np.float32(rate * math.sqrt(1 - second**t) / (1 - first**t))
    first, second, epsilon, one = np.float32(first), np.float32(second), np.float32(epsilon), np.float32(1)
    if kind == 0:
        for k in range(len(w)):
            v[k] = first * v[k] + g[k]
            w[k] -= alpha * v[k]
    elif kind == 1:
        for k in range(len(w)):
            u[k] = first * u[k] + (one - first) * g[k]
            v[k] = second * v[k] + (one - second) * g[k] * g[k]
            w[k] -= alpha * u[k] / (np.sqrt(v[k]) + epsilon)
    elif kind == 2:
        for k in range(len(w)):
            v[k] += g[k] * g[k]
            w[k] -= alpha * g[k] / np.sqrt(v[k] + epsilon)
    elif kind == 3:
        for k in range(len(w)):
            v[k] = second * v[k] + (one - second) * g[k] * g[k]
            u[k] = first * u[k] + alpha * g[k] / np.sqrt(v[k] + epsilon)
            w[k] -= u[k]
    else:
        for k in range(len(w)):
            v[k] = second * v[k] + (one - second) * g[k] * g[k]
            d = g[k] * np.sqrt(u[k] + epsilon) / np.sqrt(v[k] + epsilon)
            w[k] -= alpha * d
            u[k] = second * u[k] + (one - second) * d * d


@kernel
def add_decay(weights, gradient, matrices, regularization, decay):
    """Add the penalty's gradient: `decay*sign(W)` (1) or `2*decay*W` (2), for the matrices that decay."""
    factor = np.float32(decay)
    for m in range(len(matrices)):
        if matrices[m, 5]:
            start = matrices[m, 0]
            for k in range(start, start + matrices[m, 4] * matrices[m, 3]):
                slope = np.sign(weights[k]) if regularization == 1 else np.float32(2) * weights[k]
                gradient[k] += factor * slope


@kernel
def penalty(weights, matrices, regularization):
    """`sum |W|` (1) or `sum W^2` (2) over all matrices without their biases; padding is zero."""
    total = 0.0
    for m in range(len(matrices)):
        start = matrices[m, 0]
        for k in range(start, start + matrices[m, 4] * matrices[m, 3]):
            value = float(weights[k])
            total += abs(value) if regularization == 1 else value * value
    return total
