"""TMVA's activation functions y = f(a) and their derivatives from a and y, by TMVA's numbers."""

from __future__ import annotations

import math

import numpy as np

from pytmva_rnn.kernels.codes import GAUSS, LINEAR, RELU, SIGMOID, SOFTSIGN, SYMMRELU
from pytmva_rnn.kernels.cuda.machine.device import device


@device
def sigmoid(a):
    """`1 / (1 + exp(-a))`, without overflow."""
    half = np.float32(0.5)
    return half * math.tanh(half * a) + half


@device
def activate(number, a):
    """f(a). A NaN stays one."""
    one = np.float32(1)
    if number == LINEAR:
        return a
    if number == RELU:
        return np.float32(0) if a < np.float32(0) else a
    if number == SIGMOID:
        return sigmoid(a)
    if number == SYMMRELU:
        return abs(a)
    if number == SOFTSIGN:
        return a / (one + abs(a))
    if number == GAUSS:
        return math.exp(-a * a)
    return math.tanh(a)


@device
def slope(number, a, y):
    """df/da. RELU's at 0 is 1, as in TMVA."""
    one, zero = np.float32(1), np.float32(0)
    if number == LINEAR:
        return one
    if number == RELU:
        return one if a >= zero else zero
    if number == SIGMOID:
        return y * (one - y)
    if number == SYMMRELU:
        return one if a >= zero else -one
    if number == SOFTSIGN:
        # not from y, which is 1 long before the slope is 0
        return one / (one + abs(a)) / (one + abs(a))
    if number == GAUSS:
        return np.float32(-2) * (a * y)
    return one - y * y
