"""Fully connected layer, `y = activation(W x + b)`; see `kernels.cuda.layers.dense`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from pytmva_rnn.kernels.codes import ACTIVATIONS, FTANH, LINEAR, SIGMOID, TANH
from pytmva_rnn.kernels.cuda.machine.activations import slope
from pytmva_rnn.kernels.cuda.machine.device import device
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights
from pytmva_rnn.kernels.cuda.small.part import Function, SmallPart, bias_gradient, in_turn
from pytmva_rnn.kernels.cuda.small.product import Depth, Factor, Target, into_gradient, into_shared
from pytmva_rnn.kernels.cuda.small.room import constant

_BY_VALUE = (LINEAR, SIGMOID, TANH, FTANH)
"""Activations whose derivative is known from their value."""


class SmallDense(SmallPart):
    """The layer; see `part.SmallPart`."""

    def plan(self, layer: Any, weights: DeviceWeights) -> None:
        room, events = self.block.room, self.block.events
        self.width, self.inputs = layer.width, layer.input_size
        self.activation = ACTIVATIONS[layer.activation]
        self.W = room.matrix(self.starts["W"], self.width, self.inputs)
        self.b = room.matrix(self.starts["b"], 1, self.width)
        self.matrices = self.W, self.b
        self.y = room.rows(events, self.width)
        self.keeps = self.block.training and self.activation not in _BY_VALUE
        self.a = room.rows(events, self.width) if self.keeps else self.y
        if self.block.training:
            self.dy = room.rows(events, self.width)

    def forward(self) -> Function:
        y, events, threads = self.y, self.block.events, self.block.threads
        product = into_shared(
            Factor(self.x.start, events, self.x.pitch, 1),
            Factor(self.W.start, self.width, self.W.pitch, 1),
            Depth(self.inputs),
            threads,
            Target(y.start, y.pitch, events, self.width, self.b.start, True, self.activation, self.a.start, self.keeps),
        )

        @device
        def forward(shared, thread):
            product(shared, thread)
            cuda.syncthreads()

        return forward

    def backward(self) -> Function:
        events, threads, dx, dy = self.block.events, self.block.threads, self.dx, self.dy
        W, b, inputs, width = self.W, self.b, self.inputs, self.width
        gradients = in_turn(
            [
                into_gradient(
                    Factor(dy.start, width, 1, dy.pitch),
                    Factor(self.x.start, inputs, 1, self.x.pitch),
                    Depth(events),
                    threads,
                    W.source,
                ),
                bias_gradient(dy, events, threads, b.source),
            ]
        )
        of_input = (
            [
                into_shared(
                    Factor(dy.start, events, dy.pitch, 1),
                    Factor(W.start, inputs, 1, W.pitch),
                    Depth(width),
                    threads,
                    Target(dx.start, dx.pitch, events, inputs),
                )
            ]
            if dx is not None
            else []
        )
        input_gradient = in_turn(of_input)
        leaves, step = self.activation != LINEAR, np.uint64(threads)
        place = _Activation(self.activation, events, width, self.a.start, self.y.start, dy.start, dy.pitch)
        place = constant(place)

        @device
        def backward(shared, gradient, fresh, thread):
            if leaves:
                multiply_by_slopes(shared, thread, step, place)
                cuda.syncthreads()
            gradients(shared, gradient, fresh, thread)
            input_gradient(shared, thread)
            cuda.syncthreads()

        return backward


class _Activation(NamedTuple):
    """An activation, and where its arguments, its values and their gradients lie, with one pitch."""

    number: int
    events: int
    width: int
    a: int
    y: int
    dy: int
    pitch: int


@device
def multiply_by_slopes(shared, thread, step, of):
    """Make gradients of the activation's arguments of those of its values."""
    n = thread
    while n < of.events * of.width:
        k = n // of.width * of.pitch + n % of.width
        shared[of.dy + k] *= slope(of.number, shared[of.a + k], shared[of.y + k])
        n += step
