"""Gated recurrent unit (Cho et al. 2014), with the reset gate before or after the product with U_c.

r = sigmoid(W_r x + U_r h + b_r)
z = sigmoid(W_z x + U_z h + b_z)
g = tanh(W_c x + U_c (r*h) + b_c)       reset gate before
g = tanh(W_c x + r*(U_c h) + b_c)       reset gate after
h' = z*h + (1 - z)*g

See `kernels.reference.layers.gru`. The gates lie in the order r, z, g.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pytmva_rnn.kernels.cuda.machine import products
from pytmva_rnn.kernels.cuda.machine.activations import sigmoid
from pytmva_rnn.kernels.cuda.machine.device import device
from pytmva_rnn.kernels.cuda.machine.equations import Equations
from pytmva_rnn.kernels.cuda.machine.layer import DeviceWeights, Memory, Run
from pytmva_rnn.kernels.cuda.machine.recurrent import RecurrentPart


@device
def reset(gates, e, h):
    """r*h."""
    gates[0, e], gates[1, e] = sigmoid(gates[0, e]), sigmoid(gates[1, e])
    return gates[0, e] * h


@device
def step_before(gates, e, h, rh):
    """The new h, and r*h."""
    z, g = gates[1, e], math.tanh(gates[2, e])
    gates[2, e] = g
    return z * h + (np.float32(1) - z) * g, rh


@device
def gradient_before(gates, dh, dextra, h, rh, earlier):
    """Of z and g; the gradient of h through z*h."""
    one = np.float32(1)
    z, g = gates[1], gates[2]
    gates[1] = dh * (h - g) * z * (one - z)
    gates[2] = dh * (one - z) * (one - g * g)
    return dh * z, dextra


@device
def reset_gradient(drh, r, h):
    """Of r, and of h, from that of r*h."""
    return drh * h * r * (np.float32(1) - r), drh * r


@device
def step_after(gates, e, h, extra):
    """The new h, and U_c h."""
    r, z, Uh = sigmoid(gates[0, e]), sigmoid(gates[1, e]), gates[2, e]
    g = math.tanh(gates[3, e] + r * Uh)
    gates[0, e], gates[1, e], gates[2, e] = r, z, g
    return z * h + (np.float32(1) - z) * g, Uh


@device
def gradient_after(gates, dh, dextra, h, Uh, earlier):
    """The gradient of h through z*h, and that of U_c h."""
    one = np.float32(1)
    r, z, g = gates[0], gates[1], gates[2]
    dg = dh * (one - z) * (one - g * g)
    gates[0] = dg * Uh * r * (one - r)
    gates[1] = dh * (h - g) * z * (one - z)
    gates[2] = dg
    return dh * z, dg * r


BEFORE = Equations("rzc", step_before, gradient_before, reset=reset, reset_gradient=reset_gradient)
AFTER = Equations("rzc", step_after, gradient_after, apart=True)


class GRUPart(RecurrentPart):
    """The layer; see `layer.Part`."""

    def plan(self, layer: Any, weights: DeviceWeights, memory: Memory, x: Any) -> None:
        self.cell = AFTER if layer.reset_gate_after else BEFORE
        super().plan(layer, weights, memory, x)

    def weight_gradients(self, run: Run, rows: int) -> None:
        H = self.H
        W, U, b = self.starts
        # the columns of c come after those of r and z
        c = 2 * H
        products.weight_gradient(run, self.a, 0, c + H, self.x, W, rows, b, (self.before, c, U))
        # the factors of U_c: dU_c h and h, or da_g and r*h
        gradient, first, factor = (self.saved, 0, self.before) if self.cell.apart else (self.a, c, self.saved)
        products.weight_gradient(run, gradient, first, H, factor, self.start["U_c"], rows)
