"""The layers' nodes: one entry in the table of formats per layer, which serves both reading and writing.

TMVA writes the weights of a gated layer into its weight tags in the order in which it keeps them (all W, then all U),
whatever the tags are called; the entries below say what each tag really holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import (
    ACTIVATIONS,
    GRU,
    LSTM,
    RNN,
    BatchNorm,
    Dense,
    Layer,
    Recurrent,
    Reshape,
    Shape,
    not_finite,
)
from pytmva_rnn.errors import DataError
from pytmva_rnn.registration import Registry
from pytmva_rnn.weightfile.markup import Element, UnwritableError
from pytmva_rnn.weightfile.nodes import Node
from pytmva_rnn.weightfile.numbers import format_values, parse_floats, scientific, widened

__all__ = [
    "FORMATS",
    "LayerFormat",
    "check_fit",
    "check_size",
    "layer_element",
    "layer_format",
    "matrix_shapes",
    "read_layer",
    "read_values",
    "register_layer",
]

Attributes: TypeAlias = Mapping[str, str | int]
L = TypeVar("L", bound=Layer)


@dataclass(frozen=True)
class LayerFormat(Generic[L]):
    """How one kind of layer stands in the file.

    Attributes
    ----------
    tag : str
    layer : type
    read : callable
        Makes the layer, still without weights, from its node and the (depth, height, width) of its input.
    attributes : callable
        The node's attributes, in TMVA's order, of a layer and the (depth, height, width) of its input.
    matrices : tuple of (tag, weight name)
        In the file's order.
    checks : tuple of callable
        Each raises a WeightFileError if something in the node does not fit the layer, which is possible and takes its
        input, or that input.
    """

    tag: str
    layer: type[L]
    read: Callable[[Node, Shape], L]
    attributes: Callable[[L, Shape], Attributes]
    matrices: tuple[tuple[str, str], ...] = ()
    checks: tuple[Callable[[Node, L, Shape], None], ...] = ()


FORMATS: Registry[str, LayerFormat[Any]] = Registry("layer of weight files")
"""By the node's tag."""


def register_layer(entry: LayerFormat[Any]) -> None:
    """Let weight files have a layer.

    Raises
    ------
    ValueError
        If there is a layer with this tag already.
    """
    FORMATS.add(entry.tag, entry)


def read_layer(node: Node, number: int, shape: Shape) -> Layer:
    """The layer of a node, with its weights in double precision.

    Parameters
    ----------
    node : Node
    number : int
        The layer's number, for messages.
    shape : (depth, height, width) of the layer's input.

    Raises
    ------
    WeightFileError
        If the layer is unknown or not supported, or anything in it does not fit.
    """
    entry = layer_format(node, number)
    layer: Layer = entry.read(node, shape)
    for check in (check_fit, *entry.checks):
        check(node, layer, shape)
    found = {name: node.child(tag) for tag, name in entry.matrices}
    shapes = matrix_shapes(layer)
    return replace(layer, weights={name: _read_matrix(found[name], node, shapes[name]) for name in shapes})


def layer_format(node: Node, number: int) -> LayerFormat[Any]:
    """How the kind of layer that a node is stands in the file.

    Raises
    ------
    WeightFileError
        If the layer is unknown or not supported.
    """
    if node.tag in _REFUSED:
        raise node.error(
            f"(layer {number}) is not supported: pytmva_rnn covers the recurrent and dense parts of MethodDL, not its "
            f"{_REFUSED[node.tag]} layers; evaluate this file with ROOT's TMVA::Reader, or train a layout of RNN, "
            "LSTM, GRU and DENSE layers"
        )
    if node.tag not in FORMATS:
        raise node.error(f"(layer {number}): expected one of {', '.join(FORMATS)}; found an unknown layer")
    return FORMATS.find(node.tag)


def check_fit(node: Node, layer: Layer, shape: Shape) -> None:
    """Raise a WeightFileError unless a layer is possible, and takes an input of `shape`."""
    try:
        layer.check_fields()
        layer.check_input(shape)
    except DataError as error:
        raise node.error(str(error)) from None


def matrix_shapes(layer: Layer) -> dict[str, tuple[int, int]]:
    """(rows, columns) of every matrix of a layer in the file, by the name of what it holds."""
    return layer.weight_shapes() | layer.statistic_shapes()


def layer_element(layer: Layer, number: int, shape: Shape) -> Element:
    """The node of a layer, whose weights have been checked, for an input of `shape`.

    Raises
    ------
    UnwritableError
        If weight files have no such layer.
    """
    entry = next((known for known in map(FORMATS.find, FORMATS) if known.layer is type(layer)), None)
    if entry is None:
        raise UnwritableError(f"layer {number} ({layer.kind}): expected a layer that weight files have")
    matrices = []
    for tag, name in entry.matrices:
        values = layer.weights[name]
        rows, columns = values.shape
        matrices.append(Element(tag, {"Rows": rows, "Columns": columns}, line=format_values(values)))
    return Element(entry.tag, entry.attributes(layer, shape), matrices)


def _read_matrix(node: Node, parent: Node, shape: tuple[int, int]) -> NDArray[np.float64]:
    for name, size in zip(("Rows", "Columns"), shape, strict=True):
        check_size(node, name, size, parent)
    return read_values(node, shape)


def check_size(node: Node, name: str, size: int, parent: Node) -> None:
    """Raise a WeightFileError unless a matrix has `size` in its attribute `name`, which is Rows or Columns."""
    found = node.integer(name)
    if found != size:
        raise node.error(f"{name}: expected {size} to fit <{parent.tag}> and its input, found {found}")


def read_values(node: Node, shape: tuple[int, int]) -> NDArray[np.float64]:
    """The numbers in a matrix's text, which have to be as many as `shape` asks for, and finite in float32."""
    try:
        values = parse_floats(node.text)
    except ValueError as error:
        raise node.error(f"expected numbers, found: {error}") from None
    if values.size != prod(shape):
        raise node.error(f"expected {prod(shape)} numbers ({shape[0]} x {shape[1]}), found {values.size}")
    matrix = values.reshape(shape)
    if problem := not_finite(matrix):
        raise node.error(f"expected finite float32 numbers, found {problem}")
    return matrix


def _recurrent_fields(node: Node, sequence_by_default: bool = False) -> dict[str, Any]:
    state, size, steps = (node.integer(name, minimum=1) for name in ("StateSize", "InputSize", "TimeSteps"))
    old = sequence_by_default and not node.has("ReturnSequence")
    return {
        "state_size": state,
        "input_size": size,
        "time_steps": steps,
        "remember_state": node.flag("RememberState"),
        "return_sequence": old or node.flag("ReturnSequence"),
    }


def _recurrent_attributes(layer: Recurrent, cell: bool = False) -> dict[str, str | int]:
    return {
        "StateSize": layer.state_size,
        **({"CellSize": layer.state_size} if cell else {}),
        "InputSize": layer.input_size,
        "TimeSteps": layer.time_steps,
        "RememberState": int(layer.remember_state),
        "ReturnSequence": int(layer.return_sequence),
    }


def _read_rnn(node: Node, shape: Shape) -> RNN:
    # Before ROOT 6.22 the attribute did not exist and the layer always returned the sequence.
    return RNN(**_recurrent_fields(node, sequence_by_default=True))


def _rnn_attributes(layer: RNN, shape: Shape) -> Attributes:
    return _recurrent_attributes(layer)


def _read_lstm(node: Node, shape: Shape) -> LSTM:
    return LSTM(**_recurrent_fields(node))


def _cell_size(node: Node, layer: LSTM, shape: Shape) -> None:
    if node.has("CellSize") and node.integer("CellSize") != layer.state_size:
        raise node.error(f"CellSize: expected the StateSize {layer.state_size}, found {node.attribute('CellSize')}")


def _lstm_attributes(layer: LSTM, shape: Shape) -> Attributes:
    return _recurrent_attributes(layer, cell=True)


def _read_gru(node: Node, shape: Shape) -> GRU:
    after = node.has("ResetGateAfter") and node.flag("ResetGateAfter")
    return GRU(**_recurrent_fields(node), reset_gate_after=after)


def _gru_attributes(layer: GRU, shape: Shape) -> Attributes:
    return _recurrent_attributes(layer) | {"ResetGateAfter": int(layer.reset_gate_after)}


def _read_dense(node: Node, shape: Shape) -> Dense:
    number = node.integer("ActivationFunction")
    if number >= len(ACTIVATIONS):
        raise node.error(f"ActivationFunction: expected 0 to {len(ACTIVATIONS) - 1}, found {number}")
    return Dense(width=node.integer("Width", minimum=1), input_size=prod(shape), activation=ACTIVATIONS[number])


def _dense_attributes(layer: Dense, shape: Shape) -> Attributes:
    return {"Width": layer.width, "ActivationFunction": ACTIVATIONS.index(layer.activation)}


def _read_reshape(node: Node, shape: Shape) -> Reshape:
    depth, height, width = (node.integer(name, minimum=1) for name in ("Depth", "Height", "Width"))
    return Reshape(depth=depth, height=height, width=width, flat=node.flag("Flattening"))


def _flat_sizes(node: Node, layer: Reshape, shape: Shape) -> None:
    # what is flat takes any input, but the file says which it had
    check_fit(node, replace(layer, flat=False), shape)


def _reshape_attributes(layer: Reshape, shape: Shape) -> Attributes:
    depth, height, width = layer.output_shape(shape)
    return {"Depth": depth, "Height": height, "Width": width, "Flattening": int(layer.flat)}


def _read_batch_norm(node: Node, shape: Shape) -> BatchNorm:
    return BatchNorm(size=prod(shape), momentum=node.number("Momentum"), epsilon=node.number("Epsilon"))


def _batch_norm_attributes(layer: BatchNorm, shape: Shape) -> Attributes:
    return {
        "Momentum": scientific(widened(layer.momentum), 16),
        "Epsilon": scientific(widened(layer.epsilon), 16),
    }


_RNN_MATRICES = (("InputWeights", "W"), ("StateWeights", "U"), ("Biases", "b"))
_LSTM_MATRICES = (
    ("InputWeights", "W_i"),
    ("InputStateWeights", "W_f"),
    ("InputBiases", "b_i"),
    ("ForgetWeights", "W_c"),
    ("ForgetStateWeights", "W_o"),
    ("ForgetBiases", "b_f"),
    ("CandidateWeights", "U_i"),
    ("CandidateStateWeights", "U_f"),
    ("CandidateBiases", "b_c"),
    ("OuputWeights", "U_c"),  # so spelt by TMVA
    ("OutputStateWeights", "U_o"),
    ("OutputBiases", "b_o"),
)
_GRU_MATRICES = (
    ("ResetWeights", "W_r"),
    ("ResetStateWeights", "W_z"),
    ("ResetBiases", "b_r"),
    ("UpdateWeights", "W_c"),
    ("UpdateStateWeights", "U_r"),
    ("UpdateBiases", "b_z"),
    ("CandidateWeights", "U_z"),
    ("CandidateStateWeights", "U_c"),
    ("CandidateBiases", "b_c"),
)
_DENSE_MATRICES = (("Weights", "W"), ("Biases", "b"))
_BATCH_NORM_MATRICES = (("Training-mu", "mu"), ("Training-variance", "variance"), ("Gamma", "gamma"), ("Beta", "beta"))

register_layer(LayerFormat("RNNLayer", RNN, _read_rnn, _rnn_attributes, _RNN_MATRICES))
register_layer(LayerFormat("LSTMLayer", LSTM, _read_lstm, _lstm_attributes, _LSTM_MATRICES, (_cell_size,)))
register_layer(LayerFormat("GRULayer", GRU, _read_gru, _gru_attributes, _GRU_MATRICES))
register_layer(LayerFormat("DenseLayer", Dense, _read_dense, _dense_attributes, _DENSE_MATRICES))
register_layer(LayerFormat("ReshapeLayer", Reshape, _read_reshape, _reshape_attributes, checks=(_flat_sizes,)))
register_layer(LayerFormat("BatchNormLayer", BatchNorm, _read_batch_norm, _batch_norm_attributes, _BATCH_NORM_MATRICES))
_REFUSED = {"ConvLayer": "convolution", "MaxPoolLayer": "pooling"}
