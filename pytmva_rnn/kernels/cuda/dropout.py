"""Dropout of a layer's input, by the counter of `kernels.reference.dropout`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import THREADS, blocks_for, device, kernel
from pytmva_rnn.kernels.cuda.machine.layer import Memory, Part, Run
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights


@device
def factor(key, counter, threshold, scale):
    """0 where the hash of (key, counter) is below the threshold, else the scale."""
    # sums and products of 32 bits in 64: cut them back
    bits = np.uint64(0xFFFFFFFF)
    x = ((np.uint64(counter) & bits) * np.uint64(0x9E3779B9) + np.uint64(key)) & bits
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(0x85EBCA6B)) & bits
    x ^= x >> np.uint64(13)
    x = (x * np.uint64(0xC2B2AE35)) & bits
    x ^= x >> np.uint64(16)
    return scale if x >= np.uint64(threshold) else np.float32(0)


@kernel
def scale(x, y, elements, keys, now, number, threshold, scale):
    """y = x times the factors of layer `number` in the batch at hand; activations forward, gradients backward."""
    key = keys[now[1]] + number
    for k in range(cuda.grid(1), elements, cuda.gridsize(1)):
        y[k] = x[k] * factor(key, k, threshold, scale)


class DropoutPart(Part):
    """What stands before a layer that drops some of its inputs; see `layer.Part`.

    Parameters
    ----------
    probability : float
        To drop an input.
    """

    chunks = 0

    def __init__(self, probability: float, *arguments: Any, **options: Any) -> None:
        self.threshold = int(min(probability * 2**32, 2**32 - 1))
        self.factor = np.float32(1 / (1 - probability))
        super().__init__(*arguments, **options)

    def plan(self, layer: Any, weights: DeviceWeights, memory: Memory, x: Any) -> None:
        elements = x.size
        self.columns = elements // memory.events
        self.x = x.reshape(elements)
        self.y = memory.matrix(1, self.columns)
        self.y_flat = self.y.reshape(elements)

    def connect(self, dy: Any) -> None:
        """The gradient of the input takes the place of that of the output."""
        super().connect(dy)
        self.dx = self.dy
        self.dx_flat = self.dx.reshape(self.y_flat.size)

    def forward(self, run: Run) -> None:
        self._scale(self.x, self.y_flat, run)

    def backward(self, run: Run) -> None:
        if self.wanted:
            self._scale(self.dx_flat, self.dx_flat, run)

    def _scale(self, x: Any, y: Any, run: Run) -> None:
        elements, schedule = run.events * self.columns, run.schedule
        grid = blocks_for(elements), THREADS, run.stream
        scale[grid](x, y, elements, schedule.keys, schedule.now, self.number, self.threshold, self.factor)
