"""Output functions of raw outputs, shape (..., O), in float64; see `kernels.reference.outputs`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import kernel

__all__ = ["OUTPUTS", "identity", "sigmoid", "sigmoid_of_one", "softmax"]

Doubles = NDArray[np.float64]


def identity(out: NDArray[Any]) -> Doubles:
    """The raw outputs themselves."""
    return np.asarray(out, np.float64)


def sigmoid(out: NDArray[Any]) -> Doubles:
    """`1 / (1 + exp(-out))`, without overflow."""
    return np.asarray(0.5 * np.tanh(0.5 * identity(out)) + 0.5)


@kernel
def sigmoid_of_one(out):
    """The same of one number, for compiled code."""
    return 0.5 * math.tanh(0.5 * out) + 0.5


def softmax(out: NDArray[Any]) -> Doubles:
    """`exp(out_j) / sum_k exp(out_k)` over the last axis."""
    out = identity(out)
    e = np.exp(out - out.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


OUTPUTS: dict[str, Callable[[NDArray[Any]], Doubles]] = {"I": identity, "S": sigmoid, "M": softmax}
"""By the weight file's letters."""
