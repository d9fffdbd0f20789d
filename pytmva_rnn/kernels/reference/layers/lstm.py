"""Long short-term memory with a forget gate (Gers, Schmidhuber and Cummins 2000).

i = sigmoid(W_i x + U_i h + b_i)        c' = f*c + i*g
f = sigmoid(W_f x + U_f h + b_f)        h' = o*tanh(c')
g = tanh(W_c x + U_c h + b_c)
o = sigmoid(W_o x + U_o h + b_o)
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
    h, c = np.empty((2, B, T + 1, H))
    i, f, g, o = np.empty((4, B, T, H))
    h[:, 0] = initial(layer, memory, "h", B)
    c[:, 0] = initial(layer, memory, "c", B)
    there = memory.get(THERE)
    for t in range(T):
        xt, ht = x[:, t], h[:, t]
        i[:, t] = sigmoid(xt @ p["W_i"].T + ht @ p["U_i"].T + p["b_i"][:, 0])
        f[:, t] = sigmoid(xt @ p["W_f"].T + ht @ p["U_f"].T + p["b_f"][:, 0])
        g[:, t] = np.tanh(xt @ p["W_c"].T + ht @ p["U_c"].T + p["b_c"][:, 0])
        o[:, t] = sigmoid(xt @ p["W_o"].T + ht @ p["U_o"].T + p["b_o"][:, 0])
        c[:, t + 1] = chosen(there, t, f[:, t] * c[:, t] + i[:, t] * g[:, t], c[:, t])
        h[:, t + 1] = chosen(there, t, o[:, t] * np.tanh(c[:, t + 1]), ht)
    memory["h"], memory["c"] = h[:, T], c[:, T]
    return finish(layer, h), {"x": x, "h": h, "c": c, "i": i, "f": f, "g": g, "o": o, THERE: there}


def backward(layer: Any, p: Parameters, cache: Cache, dy: Array) -> tuple[Array, Parameters]:
    """Gradients for the gradient dy of the output; the initial states count as the constant zero."""
    x, h, c, there = cache["x"], cache["h"].copy(), cache["c"].copy(), cache[THERE]
    h[:, 0] = c[:, 0] = 0
    dx = np.zeros_like(x)
    gradients = {name: np.zeros_like(value) for name, value in p.items()}
    dy = returned_gradient(layer, dy)
    dh, dc = np.zeros_like(h[:, 0]), np.zeros_like(c[:, 0])
    for t in reversed(range(layer.time_steps)):
        i, f, g, o = cache["i"][:, t], cache["f"][:, t], cache["g"][:, t], cache["o"][:, t]
        tanh_c = np.tanh(c[:, t + 1])
        dht = dy[:, t] + dh
        dct = dc + dht * o * (1 - tanh_c**2)
        da = {
            "i": dct * g * i * (1 - i),
            "f": dct * c[:, t] * f * (1 - f),
            "c": dct * i * (1 - g**2),
            "o": dht * tanh_c * o * (1 - o),
        }
        dc = chosen(there, t, dct * f, dc)
        dh = chosen(there, t, np.zeros_like(dh), dht)
        for gate, each in da.items():
            d = chosen(there, t, each, 0)
            gradients[f"W_{gate}"] += d.T @ x[:, t]
            gradients[f"U_{gate}"] += d.T @ h[:, t]
            gradients[f"b_{gate}"][:, 0] += d.sum(0)
            dx[:, t] += d @ p[f"W_{gate}"]
            dh += d @ p[f"U_{gate}"]
    return dx, gradients
