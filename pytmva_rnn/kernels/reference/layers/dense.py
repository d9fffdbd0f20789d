"""Fully connected layer, `y = activation(W x + b)`, and TMVA's activation functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pytmva_rnn.kernels.reference.machine.recurrent import Array, Cache, Memory, Parameters, sigmoid

ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]] = {
    "LINEAR": (lambda a: a, lambda a, y: np.ones_like(a)),
    "RELU": (lambda a: np.maximum(a, 0), lambda a, y: (a >= 0).astype(float)),
    "SIGMOID": (sigmoid, lambda a, y: y * (1 - y)),
    "TANH": (np.tanh, lambda a, y: 1 - y**2),
    "SYMMRELU": (np.abs, lambda a, y: np.where(a >= 0, 1.0, -1.0)),
    "SOFTSIGN": (lambda a: a / (1 + np.abs(a)), lambda a, y: (1 + np.abs(a)) ** -2.0),
    "GAUSS": (lambda a: np.exp(-(a**2)), lambda a, y: -2 * a * y),
    "FTANH": (np.tanh, lambda a, y: 1 - y**2),
}
"""Each function y = f(a), and its derivative from a and y. RELU's derivative at 0 is 1, as in TMVA."""


def forward(layer: Any, p: Parameters, x: Array, memory: Memory, training: bool) -> tuple[Array, Cache]:
    """Output of x, shape (B, 1, D) -> (B, 1, O)."""
    function, _ = ACTIVATIONS[layer.activation]
    a = x @ p["W"].T + p["b"][:, 0]
    y = function(a)
    return y, {"x": x, "a": a, "y": y}


def backward(layer: Any, p: Parameters, cache: Cache, dy: Array) -> tuple[Array, Parameters]:
    """Gradients for the gradient dy of the output."""
    _, derivative = ACTIVATIONS[layer.activation]
    da = dy * derivative(cache["a"], cache["y"])
    dW = da[:, 0].T @ cache["x"][:, 0]
    return da @ p["W"], {"W": dW, "b": da.sum((0, 1))[:, np.newaxis]}
