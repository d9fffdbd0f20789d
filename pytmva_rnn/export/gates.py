"""The gates of LSTM and GRU, in TMVA one matrix each, stacked as other frameworks have them, and their biases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import GRU, Recurrent
from pytmva_rnn.errors import DataError

__all__ = ["GATE_ORDERS", "Framework", "join_gates", "one_bias", "split_gates"]

Framework: TypeAlias = Literal["onnx", "torch", "keras"]

GATE_ORDERS: dict[Framework, dict[str, str]] = {
    "onnx": {"RNN": "", "LSTM": "iofc", "GRU": "zrc"},
    "torch": {"RNN": "", "LSTM": "ifco", "GRU": "rzc"},
    "keras": {"RNN": "", "LSTM": "ifco", "GRU": "zrc"},
}
"""By the kind of layer: in which order a framework stacks the gates, with TMVA's letters."""


def join_gates(layer: Recurrent, array: str, framework: Framework) -> NDArray[np.float64]:
    """The matrices "W" or "U", or the biases "b", of all gates on top of each other: (G*H, D), (G*H, H), (G*H, 1)."""
    return np.concatenate(
        [np.asarray(layer.weights[name], np.float64) for name in _names(layer.kind, array, framework)]
    )


def split_gates(
    kind: str, arrays: Mapping[str, NDArray[Any]], state_size: int, framework: Framework
) -> dict[str, NDArray[Any]]:
    """A layer's weights under their mathematical names, from the stacked ones; the inverse of `join_gates`.

    Parameters
    ----------
    kind : "RNN", "LSTM" or "GRU"
    arrays : mapping
        "W" (G*H, D), "U" (G*H, H) and "b" (G*H,) or (G*H, 1).
    state_size : int
        H.
    framework : "onnx", "torch" or "keras"
    """
    weights = {}
    for array, stacked in arrays.items():
        rows = np.asarray(stacked).reshape(len(stacked), -1)
        for number, name in enumerate(_names(kind, array, framework)):
            weights[name] = rows[number * state_size : (number + 1) * state_size]
    return weights


def _names(kind: str, array: str, framework: Framework) -> list[str]:
    return [f"{array}_{gate}" for gate in GATE_ORDERS[framework][kind]] or [array]


def one_bias(
    layer: str,
    kind: str,
    input_bias: NDArray[Any],
    recurrent_bias: NDArray[Any],
    *,
    reset_gate_after: bool,
    framework: Framework,
) -> NDArray[Any]:
    """TMVA's single bias of each gate from the two that other frameworks have, (G*H,): their sum, where that is exact.

    It is not for the candidate of a GRU whose reset gate comes after the product: the gate multiplies the recurrent
    bias there, so that this has to be 0.

    Parameters
    ----------
    layer : str
        What an error calls the layer.
    kind : "RNN", "LSTM" or "GRU"
    input_bias, recurrent_bias : array, shape (G*H,)
    reset_gate_after : bool
    framework : "onnx", "torch" or "keras"

    Raises
    ------
    DataError
        For such a bias that is not 0, with its largest value.
    """
    if kind == GRU.kind and reset_gate_after:
        of_gate = np.asarray(recurrent_bias).reshape(len(GRU.gates), -1)
        candidate = of_gate[GATE_ORDERS[framework]["GRU"].index("c")]
        largest = candidate[np.abs(candidate).argmax()]
        if largest != 0:
            raise DataError(
                f"{layer}: expected a recurrent bias of the candidate of 0 in a GRU with the reset gate after, found "
                f"up to {largest:.6g}; TMVA has no such bias, and the reset gate multiplies it: train with it kept at 0"
            )
    return np.asarray(np.asarray(input_bias) + np.asarray(recurrent_bias))
