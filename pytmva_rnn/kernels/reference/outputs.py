"""Output functions: from raw outputs, shape (..., O), to scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pytmva_rnn.kernels.reference.machine.recurrent import Array, sigmoid

__all__ = ["OUTPUTS", "identity", "sigmoid", "softmax"]


def identity(out: Array) -> Array:
    """The raw outputs themselves."""
    return out


def softmax(out: Array) -> Array:
    """`exp(out_j) / sum_k exp(out_k)` over the last axis."""
    e = np.exp(out - out.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


OUTPUTS: dict[str, Callable[[Array], Array]] = {"I": identity, "S": sigmoid, "M": softmax}
"""By the weight file's letters."""
