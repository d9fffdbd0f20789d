"""Which modules of PyTorch stand for a network's layers, and where their arrays are found; without PyTorch itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import GRU, BatchNorm, Dense, Layer, LayerWeights, Recurrent, Reshape, Shape
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.gates import GATE_ORDERS, join_gates, one_bias, split_gates

__all__ = ["ACTIVATION_MODULES", "NORM_ARRAYS", "Piece", "plan", "read_arrays", "recurrent_weights", "written_arrays"]

ACTIVATION_MODULES = {
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "TANH": "Tanh",
    "SYMMRELU": "SymmetricReLU",
    "SOFTSIGN": "Softsign",
    "GAUSS": "GaussActivation",
    "FTANH": "Tanh",
}
"""Classes of `torch.nn` and of `torch_modules`, by TMVA's names; LINEAR has none."""
NORM_ARRAYS = {"gamma": "weight", "beta": "bias", "mu": "running_mean", "variance": "running_var"}
"""Names of `BatchNorm1d`'s arrays, by ours."""


@dataclass(frozen=True)
class Piece:
    """One module: a class of `torch.nn` or `torch_modules`, the arguments of its making, and the layer it stands for.

    Attributes
    ----------
    layer : int, optional
        Number of the layer whose arrays are the module's parameters; None for a module without.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    layer: int | None = None


def plan(layers: Sequence[Layer], input_layout: Shape) -> list[Piece]:
    """The modules, in their order. Events between them are (n, steps, width), or (n, width) where there is one step.

    Raises
    ------
    DataError
        For a layer that PyTorch has not: one that remembers its state, or a kind that is not TMVA's own.
    """
    pieces: list[Piece] = []
    shape = input_layout
    for number, layer in enumerate(layers):
        pieces += _pieces(layer, number, shape)
        shape = layer.output_shape(shape)
    return pieces


def _pieces(layer: Layer, number: int, shape: Shape) -> list[Piece]:
    steps, after = shape[0] * shape[1], layer.output_shape(shape)
    if layer.remembers:
        raise DataError(
            f"layer {number} ({layer.kind}): with RememberState scores depend on the events before; PyTorch's layers "
            "start each batch from a state of zero, so that such a network has no equal there"
        )
    match layer:
        case Recurrent():
            unflatten = [Piece("Unflatten", {"dim": 1, "unflattened_size": (1, shape[2])})] if steps == 1 else []
            end = [Piece("LastStep")] if not layer.return_sequence else [Piece("Flatten")] if steps == 1 else []
            arguments = {"input_size": layer.input_size, "hidden_size": layer.state_size, "batch_first": True}
            before = isinstance(layer, GRU) and not layer.reset_gate_after
            if before:
                del arguments["batch_first"]
            return [*unflatten, Piece("GRUResetBefore" if before else layer.kind, arguments, number), *end]
        case Dense():
            linear = Piece("Linear", {"in_features": layer.input_size, "out_features": layer.width}, number)
            return [linear, *([Piece(ACTIVATION_MODULES[layer.activation])] if layer.activation != "LINEAR" else [])]
        case BatchNorm():
            momentum = None if layer.momentum < 0 else 1 - layer.momentum
            settings = {"num_features": layer.size, "eps": layer.epsilon, "momentum": momentum}
            return [Piece("BatchNorm1d", settings, number)]
        case Reshape():
            sizes = (after[0] * after[1], after[2])
            return [
                *([Piece("Flatten")] if steps > 1 else []),
                *([Piece("Unflatten", {"dim": 1, "unflattened_size": sizes})] if sizes[0] > 1 else []),
            ]
    raise DataError(f"layer {number} ({layer.kind}): PyTorch has no such layer")


def written_arrays(layers: Sequence[Layer], input_layout: Shape, dtype: Any = np.float32) -> dict[str, NDArray[Any]]:
    """The network's part of a state dict: `layers.<number of the module>.<name in PyTorch>`."""
    arrays: dict[str, NDArray[Any]] = {}
    for place, piece in enumerate(plan(layers, input_layout)):
        if piece.layer is not None:
            for name, values in _written(layers[piece.layer]).items():
                keeps = values.dtype == np.int64
                arrays[f"layers.{place}.{name}"] = values if keeps else np.ascontiguousarray(values, dtype)
    return arrays


def _written(layer: Layer) -> dict[str, NDArray[Any]]:
    weights = {name: np.asarray(values) for name, values in layer.weights.items()}
    match layer:
        case Recurrent():
            bias = join_gates(layer, "b", "torch")[:, 0]
            arrays = {
                "weight_ih_l0": join_gates(layer, "W", "torch"),
                "weight_hh_l0": join_gates(layer, "U", "torch"),
                "bias_ih_l0": bias,
            }
            one = isinstance(layer, GRU) and not layer.reset_gate_after
            return arrays if one else {**arrays, "bias_hh_l0": np.zeros_like(bias)}
        case Dense():
            return {"weight": weights["W"], "bias": weights["b"][:, 0]}
        case _:
            arrays = {name: weights[ours][0] for ours, name in NORM_ARRAYS.items()}
            return {**arrays, "num_batches_tracked": np.array(0, np.int64)}


def read_arrays(
    layers: Sequence[Layer], input_layout: Shape, arrays: Mapping[str, NDArray[Any]]
) -> list[dict[str, NDArray[Any]]]:
    """Each layer's weights from such a part of a state dict; the inverse of `written_arrays`.

    Raises
    ------
    DataError
        If an array is missing, or a GRU has a recurrent bias of the candidate, which TMVA has not.
    """
    weights: list[dict[str, NDArray[Any]]] = [{} for _ in layers]
    for place, piece in enumerate(plan(layers, input_layout)):
        if piece.layer is not None:
            prefix = f"layers.{place}."
            own = {key.removeprefix(prefix): values for key, values in arrays.items() if key.startswith(prefix)}
            weights[piece.layer] = _read(layers[piece.layer], own, prefix.rstrip("."))
    return weights


def _read(layer: Layer, arrays: Mapping[str, NDArray[Any]], place: str) -> dict[str, NDArray[Any]]:
    def array(name: str) -> NDArray[Any]:
        if name not in arrays:
            raise DataError(f"{place}: expected the array {name}, found {', '.join(arrays) or 'none'}")
        return arrays[name]

    match layer:
        case Recurrent():
            before = isinstance(layer, GRU) and not layer.reset_gate_after
            own = {name: array(f"{name}_l0") for name in ("weight_ih", "weight_hh", "bias_ih")}
            own["bias_hh"] = np.zeros_like(own["bias_ih"]) if before else array("bias_hh_l0")
            return dict(recurrent_weights(layer.kind, layer.state_size, own, place, reset_gate_after=not before))
        case Dense():
            return {"W": array("weight"), "b": array("bias").reshape(-1, 1)}
        case _:
            return {ours: array(name).reshape(1, -1) for ours, name in NORM_ARRAYS.items()}


def recurrent_weights(
    kind: str, state_size: int, arrays: Mapping[str, NDArray[Any]], place: str, *, reset_gate_after: bool
) -> LayerWeights:
    """TMVA's arrays of an LSTM, GRU or RNN of PyTorch, one layer of it.

    Parameters
    ----------
    kind : "RNN", "LSTM" or "GRU"
    state_size : int
    arrays : mapping
        `weight_ih` (G*H, D) and `weight_hh` (G*H, H), and `bias_ih` and `bias_hh` (G*H,) if it has biases.
    place : str
        What an error calls the layer.
    reset_gate_after : bool

    Raises
    ------
    DataError
        For shapes that are none of such a layer, and as `one_bias`.
    """
    rows = state_size * max(1, len(GATE_ORDERS["torch"][kind]))
    zero = np.zeros(rows, np.float32)
    shapes = {"weight_ih": (rows, None), "weight_hh": (rows, state_size), "bias_ih": (rows,), "bias_hh": (rows,)}
    found = {name: arrays.get(name, zero) for name in shapes}
    for name, values in found.items():
        wanted = shapes[name]
        if values.ndim != len(wanted) or any(w not in (None, n) for w, n in zip(wanted, values.shape, strict=True)):
            sizes = ", ".join("inputs" if size is None else str(size) for size in wanted)
            raise DataError(f"{place}: expected {name} of the shape ({sizes}), found {values.shape}")
        if not np.isfinite(values).all() or not prod(values.shape):
            raise DataError(f"{place}: expected finite numbers in {name}, found others, or none")
    bias = one_bias(
        place, kind, found["bias_ih"], found["bias_hh"], reset_gate_after=reset_gate_after, framework="torch"
    )
    stacked = {"W": found["weight_ih"], "U": found["weight_hh"], "b": bias.reshape(-1, 1)}
    return split_gates(kind, stacked, state_size, "torch")
