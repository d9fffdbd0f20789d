"""Long short-term memory with a forget gate (Gers, Schmidhuber and Cummins 2000); see `kernels.reference.layers.lstm`.

i = sigmoid(W_i x + U_i h + b_i)        c' = f*c + i*g
f = sigmoid(W_f x + U_f h + b_f)        h' = o*tanh(c')
g = tanh(W_c x + U_c h + b_c)
o = sigmoid(W_o x + U_o h + b_o)

The gates lie in the order i, f, g, o.
"""

from __future__ import annotations

import math

import numpy as np

from pytmva_rnn.kernels.cuda.machine.activations import sigmoid
from pytmva_rnn.kernels.cuda.machine.device import device
from pytmva_rnn.kernels.cuda.machine.equations import Equations
from pytmva_rnn.kernels.cuda.machine.recurrent import RecurrentPart
from pytmva_rnn.kernels.cuda.small.recurrent import SmallRecurrent


@device
def step(gates, e, h, c):
    """The new h and c."""
    i, f, g, o = sigmoid(gates[0, e]), sigmoid(gates[1, e]), math.tanh(gates[2, e]), sigmoid(gates[3, e])
    gates[0, e], gates[1, e], gates[2, e], gates[3, e] = i, f, g, o
    new = f * c + i * g
    return o * math.tanh(new), new


@device
def gradient(gates, dh, dc, h, c, earlier):
    """The gradient of c before the step; h acts through the gates alone."""
    one = np.float32(1)
    i, f, g, o = gates[0], gates[1], gates[2], gates[3]
    tanh_c = math.tanh(c)
    dc = dc + dh * o * (one - tanh_c * tanh_c)
    gates[0] = dc * g * i * (one - i)
    gates[1] = dc * earlier * f * (one - f)
    gates[2] = dc * i * (one - g * g)
    gates[3] = dh * tanh_c * o * (one - o)
    return np.float32(0), dc * f


class LSTMPart(RecurrentPart):
    """The layer; see `layer.Part`."""

    cell = Equations("ifco", step, gradient, carries=True)


class SmallLSTM(SmallRecurrent):
    """The layer in one kernel; see `small.part.SmallPart`."""

    cell = LSTMPart.cell
