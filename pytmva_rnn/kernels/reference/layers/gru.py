"""Gated recurrent unit (Cho et al. 2014), with the reset gate before or after the product with U_c.

r = sigmoid(W_r x + U_r h + b_r)
z = sigmoid(W_z x + U_z h + b_z)
g = tanh(W_c x + U_c (r*h) + b_c)       reset gate before
g = tanh(W_c x + r*(U_c h) + b_c)       reset gate after
h' = z*h + (1 - z)*g
"""

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
    sigmoid,
)


def forward(layer: Any, p: Parameters, x: Array, memory: Memory, training: bool) -> tuple[Array, Cache]:
    """States of x, shape (B, T, D) -> (B, T, H), or the last, (B, 1, H)."""
    B, T, _ = x.shape
    H = layer.state_size
    h = np.empty((B, T + 1, H))
    r, z, g = np.empty((3, B, T, H))
    h[:, 0] = initial(layer, memory, "h", B)
    there = memory.get(THERE)
    for t in range(T):
        xt, ht = x[:, t], h[:, t]
        r[:, t] = sigmoid(xt @ p["W_r"].T + ht @ p["U_r"].T + p["b_r"][:, 0])
        z[:, t] = sigmoid(xt @ p["W_z"].T + ht @ p["U_z"].T + p["b_z"][:, 0])
        U_c = p["U_c"].T
        Uh = r[:, t] * (ht @ U_c) if layer.reset_gate_after else (r[:, t] * ht) @ U_c
        g[:, t] = np.tanh(xt @ p["W_c"].T + Uh + p["b_c"][:, 0])
        h[:, t + 1] = chosen(there, t, z[:, t] * ht + (1 - z[:, t]) * g[:, t], ht)
    memory["h"] = h[:, T]
    return finish(layer, h), {"x": x, "h": h, "r": r, "z": z, "g": g, THERE: there}


def backward(layer: Any, p: Parameters, cache: Cache, dy: Array) -> tuple[Array, Parameters]:
    """Gradients for the gradient dy of the output; the initial state counts as the constant zero."""
    x, h, there = cache["x"], cache["h"].copy(), cache[THERE]
    h[:, 0] = 0
    dx = np.zeros_like(x)
    gradients = {name: np.zeros_like(value) for name, value in p.items()}
    dy = returned_gradient(layer, dy)
    dh = np.zeros_like(h[:, 0])
    for t in reversed(range(layer.time_steps)):
        r, z, g, ht = cache["r"][:, t], cache["z"][:, t], cache["g"][:, t], h[:, t]
        dht = dy[:, t] + dh
        z = chosen(there, t, z, 1)  # which hands all of the gradient on, and leaves nothing to the candidate
        dc = dht * (1 - z) * (1 - g**2)
        dz = dht * (ht - g) * z * (1 - z)
        if layer.reset_gate_after:
            du = dc * r  # gradient of U_c h
            dr = dc * (ht @ p["U_c"].T) * r * (1 - r)
            gradients["U_c"] += du.T @ ht
            dh = dht * z + du @ p["U_c"]
        else:
            du = dc @ p["U_c"]  # gradient of r*h
            dr = du * ht * r * (1 - r)
            gradients["U_c"] += dc.T @ (r * ht)
            dh = dht * z + du * r
        for gate, d in {"r": dr, "z": dz}.items():
            gradients[f"U_{gate}"] += d.T @ ht
            dh += d @ p[f"U_{gate}"]
        for gate, d in {"r": dr, "z": dz, "c": dc}.items():
            gradients[f"W_{gate}"] += d.T @ x[:, t]
            gradients[f"b_{gate}"][:, 0] += d.sum(0)
            dx[:, t] += d @ p[f"W_{gate}"]
    return dx, gradients
