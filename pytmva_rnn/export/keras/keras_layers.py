"""Keras' layers as TMVA's, from their configurations and arrays; what has no equal is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import GRU, LSTM, RNN, BatchNorm, Dense, Layer, OutputFunction, Recurrent, Reshape
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.folding import with_activation
from pytmva_rnn.export.gates import one_bias, split_gates
from pytmva_rnn.export.keras.keras_files import ArraysOf

__all__ = ["KERAS_ACTIVATIONS", "KerasLayers"]

KERAS_ACTIVATIONS = {
    "linear": "LINEAR",
    "relu": "RELU",
    "sigmoid": "SIGMOID",
    "tanh": "TANH",
    "softsign": "SOFTSIGN",
}
"""TMVA's names by Keras'."""
_HOMES = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")
_RECURRENT: dict[str, type[Recurrent]] = {"SimpleRNN": RNN, "LSTM": LSTM, "GRU": GRU}


class KerasLayers:
    """TMVA's layers, as Keras' come one after another.

    Parameters
    ----------
    path : str
        What errors call the file.
    sizes : sequence of int
        Of an event: [T, D] or [NVar].
    arrays_of : callable
        See `ArraysOf`.

    Attributes
    ----------
    layers : list of Layer
    event_shape : (T, D)
    ending : "I", "S" or "M"
        The output function.
    """

    def __init__(self, path: str, sizes: Sequence[int], arrays_of: ArraysOf) -> None:
        self.layers: list[Layer] = []
        self.ending: OutputFunction = "I"
        self.event_shape = (sizes[0], sizes[1]) if len(sizes) == 2 else (1, sizes[0])
        self._path, self._sizes, self._arrays_of = path, list(sizes), arrays_of

    def add(self, layer: Mapping[str, Any]) -> None:
        """Add what stands for one layer of Keras, `layer` being its configuration.

        Raises
        ------
        DataError
            If TMVA has not what it does.
        """
        kind, config = layer["class_name"], layer["config"]
        place = f"{self._path}, {config.get('name')}"
        module = str(layer.get("module") or "keras")
        if kind not in _KNOWN or not module.startswith(_HOMES) or ">" in str(layer.get("registered_name")):
            raise DataError(f"{place}: {kind} is none of the layers that TMVA has; these are {', '.join(_KNOWN)}")
        _check_precision(place, config)
        if self.ending != "I" and kind not in ("Dropout", "InputLayer"):
            raise DataError(f"{place}: it follows a softmax, which TMVA has at the end only")
        _KNOWN[kind](self, place, config)

    def finish(self) -> None:
        """Take a sigmoid at the end for the output function."""
        if self.layers and isinstance(last := self.layers[-1], Dense) and last.activation == "SIGMOID":
            self.layers[-1] = Dense(last.width, last.input_size, "LINEAR", weights=last.weights)
            self.ending = "S"

    def _nothing(self, place: str, config: Mapping[str, Any]) -> None:
        """A layer that does nothing when a network is asked."""

    def _recurrent(self, place: str, config: Mapping[str, Any], kind: str) -> None:
        if len(self._sizes) != 2:
            raise DataError(f"{place}: expected a sequence before {kind}, found {self._sizes}")
        for key in ("go_backwards", "stateful", "return_state", "time_major"):
            if config.get(key, False) is not False:
                raise DataError(f"{place}: {key}={config[key]}, which TMVA's layers have not")
        _check_activation(place, config, "activation", "tanh")
        if kind != "SimpleRNN":
            _check_activation(place, config, "recurrent_activation", "sigmoid")
        steps, inputs = self._sizes
        H = _size(place, config, "units")
        after = kind == "GRU" and bool(config.get("reset_after", False))
        names = ["kernel", "recurrent_kernel"] + (["bias"] if config.get("use_bias", True) else [])
        arrays = self._arrays(place, config, names)
        made = _RECURRENT[kind]
        rows = H * max(1, len(made.gates))
        bias = arrays.get("bias", np.zeros((2, rows) if after else rows, np.float32))
        _check_shapes(
            place,
            {
                "kernel": (arrays["kernel"], (inputs, rows)),
                "recurrent_kernel": (arrays["recurrent_kernel"], (H, rows)),
                "bias": (bias, (2, rows) if after else (rows,)),
            },
        )
        both = (bias[0], bias[1]) if after else (bias, np.zeros_like(bias))
        one = one_bias(place, made.kind, *both, reset_gate_after=after, framework="keras")
        stacked = {"W": arrays["kernel"].T, "U": arrays["recurrent_kernel"].T, "b": one}
        weights = split_gates(made.kind, stacked, H, "keras")
        sequence = bool(config.get("return_sequences", False))
        options: dict[str, Any] = {"reset_gate_after": after} if kind == "GRU" else {}
        self.layers.append(made(H, inputs, steps, return_sequence=sequence, weights=weights, **options))
        self._sizes = [steps, H] if sequence else [H]

    def _dense(self, place: str, config: Mapping[str, Any]) -> None:
        self._check_flat(place, "Dense")
        inputs, width = self._sizes[0], _size(place, config, "units")
        arrays = self._arrays(place, config, ["kernel", "bias"] if config.get("use_bias", True) else ["kernel"])
        bias = arrays.get("bias", np.zeros(width, np.float32))
        _check_shapes(place, {"kernel": (arrays["kernel"], (inputs, width)), "bias": (bias, (width,))})
        self.layers.append(Dense(width, inputs, "LINEAR", weights={"W": arrays["kernel"].T, "b": bias[:, None]}))
        self._sizes = [width]
        self._activation(place, config)

    def _batch_norm(self, place: str, config: Mapping[str, Any]) -> None:
        self._check_flat(place, "BatchNormalization")
        if config.get("axis", -1) not in (-1, 1, [-1], [1]) or config.get("renorm", False):
            raise DataError(f"{place}: a batch normalisation over another axis or with renorm, which TMVA has not")
        names = [*(["gamma"] if config.get("scale", True) else []), *(["beta"] if config.get("center", True) else [])]
        arrays = self._arrays(place, config, [*names, "moving_mean", "moving_variance"])
        (size,) = self._sizes
        _check_shapes(place, {name: (values, (size,)) for name, values in arrays.items()})
        one = np.ones(size, np.float32)
        of_tmva = {
            "gamma": arrays.get("gamma", one),
            "beta": arrays.get("beta", 0 * one),
            "mu": arrays["moving_mean"],
            "variance": arrays["moving_variance"],
        }
        weights = {name: values.reshape(1, -1) for name, values in of_tmva.items()}
        momentum, epsilon = config.get("momentum", 0.99), config.get("epsilon", 1e-3)
        self.layers.append(BatchNorm(size, float(momentum), float(epsilon), weights=weights))

    def _flatten(self, place: str, config: Mapping[str, Any]) -> None:
        if config.get("data_format", "channels_last") not in (None, "channels_last"):
            raise DataError(f"{place}: data_format={config['data_format']}; TMVA flattens a sequence step by step")
        self._reshaped([prod(self._sizes)])

    def _reshape(self, place: str, config: Mapping[str, Any]) -> None:
        goal = config.get("target_shape")
        sizes = list(goal) if isinstance(goal, list | tuple) and all(isinstance(size, int) for size in goal) else []
        total = prod(self._sizes)
        if sizes.count(-1) == 1 and prod(sizes):
            sizes[sizes.index(-1)] = total // -prod(sizes)
        if len(sizes) not in (1, 2) or prod(sizes) != total or min(sizes) < 1:
            raise DataError(f"{place}: expected {self._sizes} as (steps, inputs) or (inputs), found the shape {goal}")
        self._reshaped(sizes)

    def _reshaped(self, sizes: list[int]) -> None:
        if sizes != self._sizes:
            if not self.layers:  # it is how the variables are laid out
                self.event_shape = (sizes[0], sizes[1]) if len(sizes) == 2 else (1, sizes[0])
            elif len(sizes) == 1:
                self.layers.append(Reshape(1, 1, sizes[0], flat=True))
            else:
                self.layers.append(Reshape(sizes[0], 1, sizes[1]))
        self._sizes = sizes

    def _activation(self, place: str, config: Mapping[str, Any], name: str | None = None) -> None:
        name = _activation_name(config.get("activation", "linear")) if name is None else name
        if name == "softmax":
            if len(self._sizes) != 1 or not self.layers:
                raise DataError(f"{place}: a softmax that is not over the outputs of the network")
            self.ending = "M"
            return
        if name not in KERAS_ACTIVATIONS:
            raise DataError(
                f"{place}: TMVA has no activation {name}; it has {', '.join(KERAS_ACTIVATIONS)} and softmax"
            )
        if name != "linear":
            if not self.layers:
                raise DataError(f"{place}: an activation of the variables themselves, which TMVA has not")
            self.layers = with_activation(self.layers, KERAS_ACTIVATIONS[name], place)

    def _relu(self, place: str, config: Mapping[str, Any]) -> None:
        for key in ("max_value", "negative_slope", "threshold"):
            if config.get(key):
                raise DataError(f"{place}: a ReLU with {key}={config[key]}, which TMVA has not")
        self._activation(place, config, "relu")

    def _softmax(self, place: str, config: Mapping[str, Any]) -> None:
        if config.get("axis", -1) not in (-1, 1, [-1], [1]):
            raise DataError(f"{place}: a softmax over another axis than the outputs")
        self._activation(place, config, "softmax")

    def _check_flat(self, place: str, kind: str) -> None:
        if len(self._sizes) != 1:
            raise DataError(
                f"{place}: a {kind} on every step of a sequence of {self._sizes[0]} steps, which TMVA has not; put a "
                "Flatten before it, or let the recurrent layer return its last state only"
            )

    def _arrays(self, place: str, config: Mapping[str, Any], names: Sequence[str]) -> dict[str, NDArray[Any]]:
        arrays = self._arrays_of(str(config.get("name")), names)
        for name, values in arrays.items():
            if not np.isfinite(values).all():
                raise DataError(f"{place}: expected finite numbers in {name}, found others")
        return arrays


def _activation_name(value: Any) -> str:
    """The name in `"relu"` or in `{"class_name": "function", "config": "relu"}`."""
    if isinstance(value, Mapping):
        value = value.get("config") if isinstance(value.get("config"), str) else value.get("class_name")
    return "linear" if value is None else str(value)


def _check_precision(place: str, config: Mapping[str, Any]) -> None:
    """Keras 3 writes a policy as a name or as a configuration that has one."""
    given = config.get("dtype")
    policy = given["config"].get("name") if isinstance(given, Mapping) and "config" in given else given
    if policy not in (None, "float32", "float64"):
        raise DataError(
            f"{place}: Keras computes it in {policy}, with other scores than float32's; set dtype='float32' and save "
            "it again"
        )


def _check_activation(place: str, config: Mapping[str, Any], key: str, wanted: str) -> None:
    found = _activation_name(config.get(key, wanted))
    if found != wanted:
        raise DataError(f"{place}: {key} is {found}; TMVA's layer has {wanted}")


def _size(place: str, config: Mapping[str, Any], key: str) -> int:
    value = config.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise DataError(f"{place}: expected a whole number of {key} from 1 on, found {value!r}")
    return value


def _check_shapes(place: str, arrays: Mapping[str, tuple[NDArray[Any], tuple[int, ...]]]) -> None:
    for name, (values, wanted) in arrays.items():
        if values.shape != wanted:
            raise DataError(f"{place}: expected {name} of the shape {wanted}, found {values.shape}")


_KNOWN: dict[str, Callable[[KerasLayers, str, Mapping[str, Any]], None]] = {
    "InputLayer": KerasLayers._nothing,
    "SimpleRNN": lambda layers, place, config: layers._recurrent(place, config, "SimpleRNN"),
    "LSTM": lambda layers, place, config: layers._recurrent(place, config, "LSTM"),
    "GRU": lambda layers, place, config: layers._recurrent(place, config, "GRU"),
    "Dense": KerasLayers._dense,
    "BatchNormalization": KerasLayers._batch_norm,
    "Flatten": KerasLayers._flatten,
    "Reshape": KerasLayers._reshape,
    "Dropout": KerasLayers._nothing,
    "Activation": KerasLayers._activation,
    "ReLU": KerasLayers._relu,
    "Softmax": KerasLayers._softmax,
}
"""By the names of Keras' classes."""
