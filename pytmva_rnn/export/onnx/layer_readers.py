"""The operators that are TMVA's layers, with what else they could say refused in words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import GRU, LSTM, RNN, BatchNorm, Dense, Recurrent
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.gates import one_bias, split_gates

__all__ = ["attributes", "read_batch_norm", "read_dense", "read_recurrent"]

_KINDS: dict[str, type[Recurrent]] = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}
_ACTIVATIONS = {"RNN": ["tanh"], "LSTM": ["sigmoid", "tanh", "tanh"], "GRU": ["sigmoid", "tanh"]}
_INPUTS = {"RNN": 6, "LSTM": 8, "GRU": 6}


def attributes(onnx: Any, node: Any) -> dict[str, Any]:
    """A node's attributes by their names."""
    return {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}


def read_recurrent(
    kind: str, given: dict[str, Any], values: list[Any], shape: tuple[int, int], producer: str, place: str
) -> Recurrent:
    """The layer of a recurrent operator, which returns the sequence.

    Parameters
    ----------
    kind : "RNN", "LSTM" or "GRU"
    given : dict
        The node's attributes.
    values : list
        Its inputs from W on, constants or None.
    shape : (T, D)
        Of an event.
    producer : str
        Of the file.
    place : str
        What errors call the node.
    """
    W, R, B, lengths, *rest = [None if each is None else np.asarray(each) for each in _padded(values, kind)]
    _refuse_variants(kind, given, place)
    if lengths is not None and (lengths != shape[0]).any():
        raise DataError(f"{place}: expected sequences of all {shape[0]} steps, found sequence_lens of others")
    states = rest[: 2 if kind == "LSTM" else 1]
    for name, state in zip(("initial_h", "initial_c"), states, strict=False):
        if state is not None and np.any(state):
            largest = np.abs(state).max()
            raise DataError(f"{place}: expected an initial state of 0, found {name} up to {largest:.6g}")
    if len(rest) > len(states) and rest[-1] is not None and np.any(rest[-1]):
        raise DataError(f"{place}: expected no peepholes (input P), found some; TMVA's LSTM has none")
    if W is None or R is None:
        raise DataError(f"{place}: expected the weights W and R, found none")
    gates = len(_KINDS[kind].gates) or 1
    hidden = int(given.get("hidden_size") or R.shape[-1])
    wanted = {"W": (1, gates * hidden, shape[1]), "R": (1, gates * hidden, hidden)}
    for name, array in (("W", W), ("R", R)):
        if array.shape != wanted[name]:
            raise DataError(f"{place}: expected {name} of the shape {wanted[name]}, found {array.shape}")
    biases = np.zeros(2 * gates * hidden, W.dtype) if B is None else B.reshape(-1)
    if biases.shape != (2 * gates * hidden,):
        raise DataError(f"{place}: expected {2 * gates * hidden} biases B, found {biases.size}")
    after = bool(given.get("linear_before_reset", 0))
    if kind == "GRU" and not after and producer == "pytorch":
        raise DataError(
            f"{place}: a GRU of PyTorch with linear_before_reset=0 is a defect of its exporter (onnxscript before "
            "0.7): the file computes something else than the module did; export it again with a newer onnxscript"
        )
    b = one_bias(place, kind, *np.split(biases, 2), reset_gate_after=after, framework="onnx")
    arrays = {"W": W[0], "U": R[0], "b": b}
    extra = {"reset_gate_after": after} if kind == "GRU" else {}
    return _KINDS[kind](
        hidden, shape[1], shape[0], return_sequence=True, weights=split_gates(kind, arrays, hidden, "onnx"), **extra
    )


def _padded(values: list[Any], kind: str) -> list[Any]:
    return [*values, *[None] * (_INPUTS[kind] - 1 - len(values))]


def _refuse_variants(kind: str, given: dict[str, Any], place: str) -> None:
    direction = _text(given.get("direction", b"forward"))
    if direction != "forward":
        raise DataError(f"{place}: expected direction forward, found {direction}; TMVA goes forward only")
    for name, wanted in (("layout", 0), ("input_forget", 0)):
        if given.get(name, wanted) != wanted:
            raise DataError(f"{place}: expected {name}={wanted}, found {given[name]}")
    if "clip" in given:
        raise DataError(f"{place}: expected no clip, found {given['clip']:g}; TMVA does not cut what enters the gates")
    found = [_text(each).lower() for each in given.get("activations", [])] or _ACTIVATIONS[kind]
    if found != _ACTIVATIONS[kind]:
        raise DataError(
            f"{place}: expected the activations {', '.join(_ACTIVATIONS[kind])}, which TMVA's {kind} has, found "
            f"{', '.join(found)}"
        )


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def read_dense(W: NDArray[Any], b: NDArray[Any] | None, place: str) -> Dense:
    """The linear layer `W x + b` of W (O, K) and b, of a shape that goes with (O,)."""
    if W.ndim != 2:
        raise DataError(f"{place}: expected a matrix of weights, found the shape {W.shape}")
    width, inputs = W.shape
    bias = np.zeros(width, W.dtype)
    if b is not None:
        try:
            bias = np.array(np.broadcast_to(np.asarray(b), (1, width)))
        except ValueError:
            raise DataError(f"{place}: expected {width} biases, found the shape {np.shape(b)}") from None
    return Dense(width, inputs, "LINEAR", weights={"W": W, "b": bias.reshape(-1, 1)})


def read_batch_norm(given: dict[str, Any], values: list[Any], place: str) -> BatchNorm:
    """The layer of BatchNormalization with its constants gamma, beta, mean and variance."""
    if given.get("training_mode", 0):
        raise DataError(f"{place}: expected a file for evaluation, found training_mode=1; export the network so")
    arrays = [np.asarray(each).reshape(1, -1) for each in values]
    sizes = {array.size for array in arrays}
    if len(arrays) != 4 or len(sizes) != 1:
        raise DataError(f"{place}: expected as many scales, shifts, means and variances, found {sorted(sizes)}")
    weights = dict(zip(("gamma", "beta", "mu", "variance"), arrays, strict=True))
    momentum, epsilon = (float(np.float32(given.get(name, default))) for name, default in _NORM_DEFAULTS)
    return BatchNorm(arrays[0].size, momentum, epsilon, weights=weights)


_NORM_DEFAULTS = (("momentum", 0.9), ("epsilon", 1e-5))
