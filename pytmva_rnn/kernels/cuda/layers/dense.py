"""Fully connected layer, `y = activation(W x + b)`; see `kernels.reference.layers.dense`."""

from __future__ import annotations

from typing import Any

from numba import cuda

from pytmva_rnn.kernels.codes import ACTIVATIONS, LINEAR
from pytmva_rnn.kernels.cuda.machine import products
from pytmva_rnn.kernels.cuda.machine.activations import slope
from pytmva_rnn.kernels.cuda.machine.device import THREADS, blocks_for, kernel
from pytmva_rnn.kernels.cuda.machine.layer import Memory, Part, Run
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights


@kernel
def backward(activation, a, y, dy, elements):
    """The gradient of the activation's argument, in the place of that of y; all of them flat."""
    for k in range(cuda.grid(1), elements, cuda.gridsize(1)):
        dy[k] *= slope(activation, a[k], y[k])


class DensePart(Part):
    """The layer; see `layer.Part`."""

    finishes = True
    finished = False
    """Whether the part above multiplies its gradient with the derivative of this activation."""

    def plan(self, layer: Any, weights: DeviceWeights, memory: Memory, x: Any) -> None:
        width, inputs = layer.width, layer.input_size
        self.activation = ACTIVATIONS[layer.activation]
        self.W, self.b = weights.matrix(self.number, "W"), weights.vector(self.number, "b")
        self.x = x.reshape(memory.events, inputs)
        self.y = memory.matrix(1, width)
        self.leaves = self.activation != LINEAR
        self.a = memory.matrix(1, width) if self.training and self.leaves else self.y
        self.chunks = products.chunks(memory.most, width, inputs + 1)
        if self.training and self.wanted:
            self.dx = memory.matrix(1, inputs)

    def finish_in(self, above: Part) -> None:
        above.below = self.activation, self.a.reshape(*above.dx.shape), self.y.reshape(*above.dx.shape)
        self.finished = True

    def forward(self, run: Run) -> None:
        products.forward(run, self.x, self.W, self.b, self.a, self.y, run.events, self.activation)

    def backward(self, run: Run) -> None:
        width = self.y.shape[1]
        if self.leaves and not self.finished:
            elements = run.events * width
            a, y, dy = (array.reshape(array.size) for array in (self.a, self.y, self.dy))
            backward[blocks_for(elements), THREADS, run.stream](self.activation, a, y, dy, elements)
        W, b = self.start["W"], self.start["b"]
        products.weight_gradient(run, self.partials, self.dy, 0, width, self.x, W, run.events, b)
        if self.wanted:
            products.input_gradient(run, self.dy, self.W, self.dx, run.events, self.below)
