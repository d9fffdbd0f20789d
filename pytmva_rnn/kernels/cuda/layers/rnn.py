"""Elman network (Elman 1990): `h_t = tanh(W x_t + U h_{t-1} + b)`; see `kernels.reference.layers.rnn`."""

from __future__ import annotations

import math

import numpy as np

from pytmva_rnn.kernels.cuda.machine.device import device
from pytmva_rnn.kernels.cuda.machine.equations import Equations
from pytmva_rnn.kernels.cuda.machine.recurrent import RecurrentPart
from pytmva_rnn.kernels.cuda.small.recurrent import SmallRecurrent


@device
def step(gates, e, h, extra):
    """The new h."""
    gates[0, e] = math.tanh(gates[0, e])
    return gates[0, e], extra


@device
def gradient(gates, dh, dextra, h, kept, earlier):
    """h acts through tanh's argument alone."""
    gates[0] = dh * (np.float32(1) - gates[0] * gates[0])
    return np.float32(0), dextra


class RNNPart(RecurrentPart):
    """The layer; see `layer.Part`."""

    cell = Equations("", step, gradient)


class SmallRNN(SmallRecurrent):
    """The layer in one kernel; see `small.part.SmallPart`."""

    cell = RNNPart.cell
