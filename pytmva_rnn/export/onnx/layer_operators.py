"""Layers as ONNX operators, and back: the operators' arrays have names, by which a file of ours gives them back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import GRU, LSTM, RNN, BatchNorm, Dense, Layer, LayerWeights, Recurrent, Reshape
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.gates import join_gates, split_gates
from pytmva_rnn.export.onnx.graph_builder import Activations, GraphBuilder
from pytmva_rnn.registration import Registry

__all__ = ["OPERATORS", "LayerOperators", "add_layer", "layer_weights", "register_layer"]

Arrays: TypeAlias = Callable[[str], NDArray[Any]]
"""From a layer's own name of an array, "W", to the array in the file."""


@dataclass(frozen=True)
class LayerOperators:
    """How a layer stands in ONNX.

    Attributes
    ----------
    write : callable (graph, layer, prefix, x)
        Adds the layer's operators to a graph; its arrays get names that begin with the prefix. Returns what comes out.
    read : callable (layer, arrays)
        The weights under their mathematical names, from the arrays in the file.
    """

    write: Callable[[GraphBuilder, Any, str, Activations], Activations]
    read: Callable[[Any, Arrays], LayerWeights]


OPERATORS: Registry[type[Layer], LayerOperators] = Registry("layer of ONNX files")
"""By the layer's class."""


def register_layer(layer: type[Layer], operators: LayerOperators) -> None:
    """Let ONNX files have a layer.

    Raises
    ------
    ValueError
        If there is such a layer already.
    """
    OPERATORS.add(layer, operators)


def add_layer(g: GraphBuilder, layer: Layer, number: int, x: Activations) -> Activations:
    """Add the operators of layer `number` to a graph.

    Raises
    ------
    DataError
        For a layer that ONNX files cannot have.
    """
    if type(layer) not in OPERATORS:
        raise DataError(
            f"{layer.kind} layers have no ONNX; there is one of {', '.join(each.kind for each in OPERATORS)}"
        )
    return OPERATORS.find(type(layer)).write(g, layer, _prefix(number), x)


def layer_weights(layer: Layer, number: int, arrays: Arrays) -> LayerWeights:
    """The weights of layer `number`, from the arrays of a file that `add_layer` wrote.

    Raises
    ------
    KeyError
        As `arrays` does for an array that is not there.
    ValueError
        For one of another shape.
    """
    return OPERATORS.find(type(layer)).read(layer, lambda name: arrays(_prefix(number) + name))


def _prefix(number: int) -> str:
    return f"layer{number}."


def _write_recurrent(g: GraphBuilder, layer: Recurrent, prefix: str, x: Activations) -> Activations:
    """Time first, as `layout=0` has it: the other layout is refused by some and ignored by others, silently."""
    sequence = g.add("Transpose", g.in_steps(x, layer.time_steps, layer.input_size).name, perm=[1, 0, 2])
    W, U, b = (join_gates(layer, name, "onnx") for name in "WUb")
    biases = np.concatenate([b.reshape(-1), np.zeros(b.size)])
    # explicit states, since SOFIE goes on from those of the call before where there are none
    states = [g.zero_states(sequence, width) for width in layer.state_widths]
    named = [g.weights(prefix + name, values[np.newaxis]) for name, values in (("W", W), ("R", U), ("B", biases))]
    if g.there:
        return _stepwise(g, layer, sequence, named, states)
    output = g.add(
        layer.kind, *_inputs(sequence, named, states), wanted=0 if layer.return_sequence else 1, **_settings(layer)
    )
    if layer.return_sequence:  # (T, 1, N, H)
        of_step = g.add("Squeeze", output, g.constant([1], np.int64))
        result = g.add("Transpose", of_step, perm=[1, 0, 2])
        return Activations(result, layer.time_steps, layer.state_size, flat=False)
    return Activations(g.add("Squeeze", output, g.constant([0], np.int64)), 1, layer.state_size)


def _inputs(sequence: str, weights: Sequence[str], states: Sequence[str]) -> list[str]:
    """Of a recurrent operator, without the lengths of the sequences."""
    return [sequence, *weights, "", *states]


def _settings(layer: Recurrent) -> dict[str, int]:
    after = {"linear_before_reset": int(layer.reset_gate_after)} if isinstance(layer, GRU) else {}
    return {"hidden_size": layer.state_size, **after}


def _stepwise(
    g: GraphBuilder, layer: Recurrent, sequence: str, weights: Sequence[str], states: Sequence[str]
) -> Activations:
    """One step at a time, after which states are as they were where it is not there.

    The operators take lengths of sequences only, which leave out steps at the end, and not all evaluators know them.
    """
    first = g.constant([0], np.int64)

    def step(before: Sequence[str], x: str, there: str) -> tuple[Sequence[str], str]:
        made = g.add(
            layer.kind,
            *_inputs(g.add("Unsqueeze", x, first), weights, before),
            wanted=len(states),
            **_settings(layer),
        )
        names = [*(f"{made}_{number}" for number in range(1, len(states))), made]
        after = [g.add("Where", there, new, old) for new, old in zip(names, before, strict=True)]
        return after, g.add("Squeeze", after[0], first)

    last, every = g.scan(step, states, sequence, layer.state_size)
    if layer.return_sequence:
        return Activations(g.add("Transpose", every, perm=[1, 0, 2]), layer.time_steps, layer.state_size, flat=False)
    return Activations(g.add("Squeeze", last, first), 1, layer.state_size)


def _read_recurrent(layer: Recurrent, arrays: Arrays) -> LayerWeights:
    biases = arrays("B")[0]
    stacked = {"W": arrays("W")[0], "U": arrays("R")[0], "b": biases[: len(biases) // 2]}
    return split_gates(layer.kind, stacked, layer.state_size, "onnx")


def _write_dense(g: GraphBuilder, layer: Dense, prefix: str, x: Activations) -> Activations:
    W, b = g.weights(prefix + "W", layer.weights["W"]), g.weights(prefix + "b", np.reshape(layer.weights["b"], -1))
    raw = g.add("Gemm", g.flattened(x).name, W, b, transB=1)
    return Activations(_ACTIVATIONS[layer.activation](g, raw), 1, layer.width)


def _read_dense(layer: Dense, arrays: Arrays) -> LayerWeights:
    return {"W": arrays("W"), "b": arrays("b").reshape(-1, 1)}


def _soft_sign(g: GraphBuilder, x: str) -> str:
    """`x/(1 + |x|)`; SOFIE lacks the operator, and ONNX Runtime has it in float32 only."""
    return g.add("Div", x, g.add("Add", g.add("Abs", x), g.constant(1)))


def _gauss(g: GraphBuilder, x: str) -> str:
    """`exp(-x*x)`."""
    return g.add("Exp", g.add("Neg", g.add("Mul", x, x)))


_ACTIVATIONS: dict[str, Callable[[GraphBuilder, str], str]] = {
    "LINEAR": lambda g, x: x,
    "RELU": lambda g, x: g.add("Relu", x),
    "SIGMOID": lambda g, x: g.add("Sigmoid", x),
    "TANH": lambda g, x: g.add("Tanh", x),
    "SYMMRELU": lambda g, x: g.add("Abs", x),
    "SOFTSIGN": _soft_sign,
    "GAUSS": _gauss,
    "FTANH": lambda g, x: g.add("Tanh", x),
}

_NORM_ARRAYS = ("gamma", "beta", "mu", "variance")
"""In the order of the operator's inputs."""


def _write_batch_norm(g: GraphBuilder, layer: BatchNorm, prefix: str, x: Activations) -> Activations:
    """With the running statistics, as an evaluation has it."""
    arrays = [g.weights(prefix + name, np.reshape(layer.weights[name], -1)) for name in _NORM_ARRAYS]
    # cumulative averages have no momentum in ONNX
    momentum: dict[str, Any] = {"momentum": float(layer.momentum)} if layer.momentum >= 0 else {}
    value = g.add("BatchNormalization", g.flattened(x).name, *arrays, epsilon=float(layer.epsilon), **momentum)
    return Activations(value, 1, layer.size)


def _read_batch_norm(layer: BatchNorm, arrays: Arrays) -> LayerWeights:
    return {name: arrays(name).reshape(1, -1) for name in _NORM_ARRAYS}


def _write_reshape(g: GraphBuilder, layer: Reshape, prefix: str, x: Activations) -> Activations:
    size = x.steps * x.width
    steps = 1 if layer.flat else layer.depth * layer.height
    return replace(g.flattened(x), steps=steps, width=size // steps)


for kind in (RNN, LSTM, GRU):
    register_layer(kind, LayerOperators(_write_recurrent, _read_recurrent))
register_layer(Dense, LayerOperators(_write_dense, _read_dense))
register_layer(BatchNorm, LayerOperators(_write_batch_norm, _read_batch_norm))
register_layer(Reshape, LayerOperators(_write_reshape, lambda layer, arrays: {}))
