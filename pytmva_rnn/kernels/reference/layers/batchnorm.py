"""Batch normalisation of each feature (Ioffe and Szegedy 2015) with TMVA's running statistics.

    xhat = (x - mean) / sqrt(variance + epsilon),  y = gamma*xhat + beta

Training takes mean and biased variance of the batch and moves the running ones towards them; inference takes the
running ones. After any inference pass the next training batch sets the running statistics outright.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pytmva_rnn.kernels.reference.machine.recurrent import Array, Cache, Memory, Parameters


def forward(layer: Any, p: Parameters, x: Array, memory: Memory, training: bool) -> tuple[Array, Cache]:
    """Output of x, shape (B, 1, D); in training p["mu"] and p["variance"] are updated in place."""
    gamma, beta, epsilon = p["gamma"], p["beta"], layer.epsilon
    if not training:
        memory["batches"] = 0
        return gamma * (x - p["mu"]) / np.sqrt(p["variance"] + epsilon) + beta, {}
    n = len(x)
    mean, variance = x.mean(0), x.var(0)
    k = memory.get("batches", 0)
    old = 0.0 if k == 0 else layer.momentum if layer.momentum >= 0 else k / (k + 1)
    p["mu"][...] = old * p["mu"] + (1 - old) * mean
    p["variance"][...] = old * p["variance"] + (1 - old) * variance * (n / (n - 1 + epsilon))
    memory["batches"] = k + 1
    scale = 1 / np.sqrt(variance + epsilon)
    xhat = (x - mean) * scale
    return gamma * xhat + beta, {"xhat": xhat, "scale": scale}


def backward(layer: Any, p: Parameters, cache: Cache, dy: Array) -> tuple[Array, Parameters]:
    """Gradients for the gradient dy of the output, through the batch's mean and variance."""
    xhat = cache["xhat"]
    dgamma, dbeta = (dy * xhat).sum(0), dy.sum(0)
    dx = p["gamma"] * cache["scale"] * (dy - dbeta / len(dy) - xhat * dgamma / len(dy))
    return dx, {"gamma": dgamma, "beta": dbeta}
