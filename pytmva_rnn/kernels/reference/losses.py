"""Loss functions. Targets y and raw outputs have shape (B, O), event weights w (B,)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pytmva_rnn.kernels.reference.machine.recurrent import Array
from pytmva_rnn.kernels.reference.outputs import sigmoid, softmax


def sum_of_squares(y: Array, out: Array, w: Array) -> tuple[float, Array]:
    """`sum w (y - out)^2 / (B O)` and its gradient with respect to out."""
    scale = w[:, np.newaxis] / y.size
    return float(np.sum(scale * (y - out) ** 2)), 2 * scale * (out - y)


def cross_entropy(y: Array, out: Array, w: Array) -> tuple[float, Array]:
    """`-sum w (y log s + (1-y) log(1-s)) / (B O)` with s = sigmoid(out), in the form that does not overflow."""
    scale = w[:, np.newaxis] / y.size
    terms = np.maximum(out, 0) - out * y + np.log1p(np.exp(-np.abs(out)))
    return float(np.sum(scale * terms)), scale * (sigmoid(out) - y)


def softmax_cross_entropy(y: Array, out: Array, w: Array) -> tuple[float, Array]:
    """`-sum w sum_j y_j log softmax(out)_j / B` and its gradient."""
    scale = w[:, np.newaxis] / len(y)
    top = out.max(-1, keepdims=True)
    log_sum = top + np.log(np.exp(out - top).sum(-1, keepdims=True))
    return float(np.sum(scale * y * (log_sum - out))), scale * (softmax(out) * y.sum(-1, keepdims=True) - y)


LOSSES: dict[str, Callable[[Array, Array, Array], tuple[float, Array]]] = {
    "R": sum_of_squares,
    "C": cross_entropy,
    "S": softmax_cross_entropy,
}
