"""TMVA's activation functions y = f(a) and their derivatives from a and y, by TMVA's numbers."""

from __future__ import annotations

import math

import numpy as np

from pytmva_rnn.kernels.cuda.device import device

NUMBERS = {
    name: number
    for number, name in enumerate(("LINEAR", "RELU", "SIGMOID", "TANH", "SYMMRELU", "SOFTSIGN", "GAUSS", "FTANH"))
}


@device
def sigmoid(a):
    """`1 / (1 + exp(-a))`, without overflow."""
    half = np.float32(0.5)
    return half * math.tanh(half * a) + half


@device
def activate(number, a):
    """f(a). A NaN stays one."""
    one = np.float32(1)
    if number == 0:
        return a
    if number == 1:
        return np.float32(0) if a < np.float32(0) else a
    if number == 2:
        return sigmoid(a)
    if number == 4:
        return abs(a)
    if number == 5:
        return a / (one + abs(a))
    if number == 6:
        return math.exp(-a * a)
    return math.tanh(a)


@device
def slope(number, a, y):
    """df/da. RELU's at 0 is 1, as in TMVA."""
    one, zero = np.float32(1), np.float32(0)
    if number == 0:
        return one
    if number == 1:
        return one if a >= zero else zero
    if number == 2:
        return y * (one - y)
    if number == 4:
        return one if a >= zero else -one
    if number == 5:
        return (one - abs(y)) * (one - abs(y))
    if number == 6:
        return np.float32(-2) * a * y
    return one - y * y
