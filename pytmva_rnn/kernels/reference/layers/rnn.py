"""Elman network (Elman 1990): `h_t = tanh(W x_t + U h_{t-1} + b)`."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytmva_rnn.kernels.reference.machine.recurrent import (
    THERE,
    Array,
    Cache,
    Memory,
    Parameters,
    chosen,
    finish,
    initial,
    returned_gradient,
)


def forward(layer: Any, p: Parameters, x: Array, memory: Memory, training: bool) -> tuple[Array, Cache]:
    """States of x, shape (B, T, D) -> (B, T, H), or the last, (B, 1, H)."""
    W, U, b = p["W"], p["U"], p["b"][:, 0]
    B, T, _ = x.shape
    h = np.empty((B, T + 1, len(W)))
    h[:, 0] = initial(layer, memory, "h", B)
    there = memory.get(THERE)
    for t in range(T):
        h[:, t + 1] = chosen(there, t, np.tanh(x[:, t] @ W.T + h[:, t] @ U.T + b), h[:, t])
    memory["h"] = h[:, T]
    return finish(layer, h), {"x": x, "h": h, THERE: there}


def backward(layer: Any, p: Parameters, cache: Cache, dy: Array) -> tuple[Array, Parameters]:
    """Gradients for the gradient dy of the output; the initial state counts as the constant zero."""
    W, U = p["W"], p["U"]
    x, h, there = cache["x"], cache["h"].copy(), cache[THERE]
    h[:, 0] = 0
    dx = np.empty_like(x)
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros_like(p["b"])
    dy = returned_gradient(layer, dy)
    dh = np.zeros_like(h[:, 0])
    for t in reversed(range(layer.time_steps)):
        dht = dy[:, t] + dh
        da = chosen(there, t, dht * (1 - h[:, t + 1] ** 2), 0)
        dW += da.T @ x[:, t]
        dU += da.T @ h[:, t]
        db[:, 0] += da.sum(0)
        dx[:, t] = da @ W
        dh = chosen(there, t, da @ U, dht)
    return dx, {"W": dW, "U": dU, "b": db}
