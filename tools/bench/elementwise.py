"""Operations beside the matrix products: those of the cells' equations and of activation functions.

Counted as `kernels.cpu.machine.vector` and the layers beside it write them, of one value each: a sum, a product, a
quotient, a minimum or a maximum is one, a multiply-add is two.
"""

from __future__ import annotations

from pytmva_rnn.description import Dense, Layer, Recurrent

__all__ = ["elementwise_operations"]

_TANH = 23
"""Two bounds, a square, polynomials of six and three multiply-adds, a product and a quotient."""

_SIGMOID = _TANH + 3
"""Half the argument before, and a multiply-add behind."""

_CELLS = {"RNN": (_TANH, 3), "LSTM": (3 * _SIGMOID + 2 * _TANH + 4, 22), "GRU": (2 * _SIGMOID + _TANH + 6, 15)}
"""Of a unit in a step, forward and backward; of the GRU whose reset gate comes after the product."""

_ACTIVATIONS = {"TANH": (_TANH, 3), "LINEAR": (0, 0)}
"""Of a unit of a dense layer; those that the benchmark's networks have."""


def elementwise_operations(layer: Layer, *, backward: bool) -> int:
    """Operations of a layer on one event besides products and biases; with `backward`, of both directions."""
    if isinstance(layer, Recurrent):
        values, (there, back) = layer.time_steps * layer.state_size, _CELLS[layer.kind]
    elif isinstance(layer, Dense):
        values, (there, back) = layer.width, _ACTIVATIONS[layer.activation]
    else:
        return 0
    return values * (there + back if backward else there)
