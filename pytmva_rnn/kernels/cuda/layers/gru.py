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

from pytmva_rnn.kernels.cuda.machine.activations import sigmoid
from pytmva_rnn.kernels.cuda.machine.device import device
from pytmva_rnn.kernels.cuda.machine.equations import Equations
from pytmva_rnn.kernels.cuda.machine.layer import Memory
from pytmva_rnn.kernels.cuda.machine.recurrent import RecurrentPart
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights
from pytmva_rnn.kernels.cuda.small.recurrent import SmallRecurrent

R, Z, G = range(3)


@device
def reset(gates, e, h):
    """r*h."""
    gates[R, e], gates[Z, e] = sigmoid(gates[R, e]), sigmoid(gates[Z, e])
    return gates[R, e] * h


@device
def step_before(gates, e, h, rh):
    """The new h, and r*h."""
    z, g = gates[Z, e], math.tanh(gates[G, e])
    gates[G, e] = g
    return z * h + (np.float32(1) - z) * g, rh


@device
def gradient_before(gates, dh, dextra, h, rh, earlier):
    """Of z and g; the gradient of h through z*h."""
    one = np.float32(1)
    z, g = gates[Z], gates[G]
    gates[Z] = dh * (h - g) * z * (one - z)
    gates[G] = dh * (one - z) * (one - g * g)
    return dh * z, dextra


@device
def reset_gradient(drh, r, h):
    """Of r, and of h, from that of r*h."""
    return drh * h * r * (np.float32(1) - r), drh * r


@device
def step_after(gates, e, h, extra):
    """The new h, and U_c h, which comes apart from the argument of g."""
    r, z, Uh = sigmoid(gates[R, e]), sigmoid(gates[Z, e]), gates[G, e]
    g = math.tanh(gates[G + 1, e] + r * Uh)
    gates[R, e], gates[Z, e], gates[G, e] = r, z, g
    return z * h + (np.float32(1) - z) * g, Uh


@device
def gradient_after(gates, dh, dextra, h, Uh, earlier):
    """The gradient of h through z*h, and that of U_c h."""
    one = np.float32(1)
    r, z, g = gates[R], gates[Z], gates[G]
    dg = dh * (one - z) * (one - g * g)
    gates[R] = dg * Uh * r * (one - r)
    gates[Z] = dh * (h - g) * z * (one - z)
    gates[G] = dg
    return dh * z, dg * r


BEFORE = Equations("rzc", step_before, gradient_before, reset=reset, reset_gradient=reset_gradient)
AFTER = Equations("rzc", step_after, gradient_after, apart=True)


class GRUPart(RecurrentPart):
    """The layer; see `layer.Part`."""

    def plan(self, layer: Any, weights: DeviceWeights, memory: Memory, x: Any) -> None:
        self.cell = AFTER if layer.reset_gate_after else BEFORE
        super().plan(layer, weights, memory, x)


class SmallGRU(SmallRecurrent):
    """The layer in one kernel; see `small.part.SmallPart`."""

    def plan(self, layer: Any, weights: DeviceWeights) -> None:
        self.cell = AFTER if layer.reset_gate_after else BEFORE
        super().plan(layer, weights)
