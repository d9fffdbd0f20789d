"""Another shape for the same activations, in their time-major order."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.kernels.reference.machine.recurrent import Array, Cache, Memory, Parameters


def forward(layer: Any, p: Parameters, x: Array, memory: Memory, training: bool) -> tuple[Array, Cache]:
    """x, shape (B, T, D) -> (B, depth*height, width)."""
    steps, width = (1, -1) if layer.flat else (layer.depth * layer.height, layer.width)
    return x.reshape(len(x), steps, width), {"shape": x.shape}


def backward(layer: Any, p: Parameters, cache: Cache, dy: Array) -> tuple[Array, Parameters]:
    """The gradient in the shape of the input."""
    return dy.reshape(cache["shape"]), {}
