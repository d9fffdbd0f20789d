"""The optimizers' updates of the flat weights, and the penalty; see `kernels.reference.optimizers`."""

from __future__ import annotations

import math

import numpy as np

from pytmva_rnn.compile import kernel
from pytmva_rnn.kernels.codes import ADAGRAD, ADAM, L1, RMSPROP, SGD


@kernel
def update(kind, w, g, v, u, t, rate, first, second, epsilon):
    """Step t of all weights w by the gradient g, with moments v and u, in place.

    `first` and `second` are momentum and rho, or Adam's two betas. The arithmetic is float64 and what is kept float32:
    an adaptive step makes much of the last digits where gradients are small. Adam, the default, is all float32, as in
    TMVA: otherwise it would be a tenth of a small network's training step.
    """
    if kind == SGD:
        for k in range(len(w)):
            vk = first * v[k] + g[k]
            w[k] -= rate * vk
            v[k] = vk
    elif kind == ADAM:
        alpha = np.float32(rate * math.sqrt(1 - second**t) / (1 - first**t))
        beta1, rest1 = np.float32(first), np.float32(1 - first)
        beta2, rest2, tiny = np.float32(second), np.float32(1 - second), np.float32(epsilon)
        for k in range(len(w)):
            uk = beta1 * u[k] + rest1 * g[k]
            vk = beta2 * v[k] + rest2 * g[k] * g[k]
            w[k] -= alpha * uk / (math.sqrt(vk) + tiny)
            u[k], v[k] = uk, vk
    elif kind == ADAGRAD:
        for k in range(len(w)):
            gk = np.float64(g[k])
            vk = v[k] + gk * gk
            w[k] -= rate * gk / math.sqrt(vk + epsilon)
            v[k] = vk
    elif kind == RMSPROP:
        for k in range(len(w)):
            gk = np.float64(g[k])
            vk = second * v[k] + (1 - second) * gk * gk
            uk = first * u[k] + rate * gk / math.sqrt(vk + epsilon)
            w[k] -= uk
            u[k], v[k] = uk, vk
    else:
        for k in range(len(w)):
            gk, uk = np.float64(g[k]), np.float64(u[k])
            vk = second * v[k] + (1 - second) * gk * gk
            d = gk * math.sqrt(uk + epsilon) / math.sqrt(vk + epsilon)
            w[k] -= rate * d
            u[k], v[k] = second * uk + (1 - second) * d * d, vk


@kernel
def add_decay(weights, gradient, matrices, regularization, decay):
    """Add the penalty's gradient: `decay*sign(W)` (1) or `2*decay*W` (2), for the rows that decay."""
    factor = np.float32(decay)
    for m in range(len(matrices)):
        matrix = matrices[m]
        for k in range(matrix.start, matrix.start + matrix.decaying * matrix.stride):
            slope = np.sign(weights[k]) if regularization == L1 else np.float32(2) * weights[k]
            gradient[k] += factor * slope


@kernel
def penalty(weights, matrices, regularization):
    """`sum |W|` (1) or `sum W^2` (2) over all rows that count in the penalty; padding is zero."""
    total = 0.0
    for m in range(len(matrices)):
        matrix = matrices[m]
        for k in range(matrix.start, matrix.start + matrix.penalised * matrix.stride):
            value = np.float64(weights[k])
            total += abs(value) if regularization == L1 else value * value
    return total
