"""Layers as C++: the weights in the order in which the header's functions read them, and the call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import GRU, LSTM, RNN, BatchNorm, Dense, Layer, Recurrent, Reshape
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.cpp.literals import padded
from pytmva_rnn.registration import Registry

__all__ = ["CALLS", "FUNCTORS", "NARROW", "LayerCall", "register_layer", "step"]

NARROW = 3
"""Units up to which a dense layer's weights are stored unit by unit."""
FUNCTORS = {
    "LINEAR": "Linear",
    "RELU": "Relu",
    "SIGMOID": "Sigmoid",
    "TANH": "Tanh",
    "SYMMRELU": "SymmRelu",
    "SOFTSIGN": "SoftSign",
    "GAUSS": "Gauss",
    "FTANH": "Tanh",
}
"""The class in `runtime/layers.hxx` of each activation."""


@dataclass(frozen=True)
class LayerCall:
    """What one layer does: a function of the header, its template arguments, and the arrays that it reads."""

    function: str
    arrays: dict[str, NDArray[np.float32]]


CALLS: Registry[type[Layer], Callable[[Any], LayerCall | None]] = Registry("layer of the C++ header")
"""By the layer's class."""


def register_layer(layer: type[Layer], call: Callable[[Any], LayerCall | None]) -> None:
    """Let headers have a layer.

    Parameters
    ----------
    layer : type
    call : callable (layer)
        What `step` is to return for such a layer. The function that it names stands in `runtime/layers.hxx`.

    Raises
    ------
    ValueError
        If there is such a layer already.
    """
    CALLS.add(layer, call)


def step(layer: Layer) -> LayerCall | None:
    """The C++ of a layer; None for one that only gives another shape to what lies in memory.

    Raises
    ------
    DataError
        For a layer that has no C++.
    """
    if type(layer) not in CALLS:
        raise DataError(f"{layer.kind} layers have no C++; there is one of {', '.join(each.kind for each in CALLS)}")
    return CALLS.find(type(layer))(layer)


def _columns(layer: Layer, kind: str, gates: str) -> NDArray[np.float32]:
    """Matrices (outputs, inputs) of the gates, side by side and transposed: a padded row for each input."""
    names = [f"{kind}_{gate}" for gate in gates] if gates else [kind]
    matrix = np.concatenate([np.asarray(layer.weights[name], np.float32) for name in names]).T
    return np.pad(matrix, ((0, 0), (0, padded(matrix.shape[1]) - matrix.shape[1])))


def _biases(layer: Layer, gates: str) -> NDArray[np.float32]:
    names = [f"b_{gate}" for gate in gates] if gates else ["b"]
    return _padded(np.concatenate([np.asarray(layer.weights[name], np.float32).reshape(-1) for name in names]))


def _padded(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.pad(values.astype(np.float32), (0, padded(len(values)) - len(values)))


def _sizes(layer: Recurrent) -> str:
    returned = "true" if layer.return_sequence else "false"
    return f"{layer.time_steps}, {layer.input_size}, {layer.state_size}, {returned}"


def _recurrent(layer: Any) -> LayerCall:
    gates = layer.gates
    arrays = {"W": _columns(layer, "W", gates), "U": _columns(layer, "U", gates), "b": _biases(layer, gates)}
    return LayerCall(f"{layer.kind.lower()}<{_sizes(layer)}>", arrays)


def _gru(layer: Any) -> LayerCall:
    arrays = {
        "W": _columns(layer, "W", "rzc"),
        "U": _columns(layer, "U", "rz"),
        "U_c": _columns(layer, "U", "c"),
        "b": _biases(layer, "rzc"),
    }
    return LayerCall(f"gru<{_sizes(layer)}, {'true' if layer.reset_gate_after else 'false'}>", arrays)


def _dense(layer: Any) -> LayerCall:
    W = np.asarray(layer.weights["W"], np.float32)
    narrow = layer.width <= NARROW
    rows = np.pad(W, ((0, 0), (0, padded(W.shape[1]) - W.shape[1]))) if narrow else _columns(layer, "W", "")
    sizes = f"{layer.input_size}, {layer.width}, {FUNCTORS[layer.activation]}"
    return LayerCall(f"{'dense_narrow' if narrow else 'dense'}<{sizes}>", {"W": rows, "b": _biases(layer, "")})


def _batch_norm(layer: Any) -> LayerCall:
    weights = {name: np.asarray(values, np.float64).reshape(-1) for name, values in layer.weights.items()}
    arrays = {
        "mu": weights["mu"],
        "scale": weights["gamma"] / np.sqrt(weights["variance"] + layer.epsilon),
        "beta": weights["beta"],
    }
    return LayerCall(f"batch_norm<{layer.size}>", {name: _padded(values) for name, values in arrays.items()})


register_layer(RNN, _recurrent)
register_layer(LSTM, _recurrent)
register_layer(GRU, _gru)
register_layer(Dense, _dense)
register_layer(BatchNorm, _batch_norm)
register_layer(Reshape, lambda layer: None)
