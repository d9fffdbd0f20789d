"""Model -> Keras: a `.keras` file that Keras 3 loads."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.description import GRU, BatchNorm, Dense, Description, Identity, Layer, Recurrent, Reshape, Shape
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.gates import join_gates
from pytmva_rnn.export.keras.keras_files import CONFIG, METADATA_FILE, WEIGHTS, snake_case
from pytmva_rnn.export.keras.keras_layers import KERAS_ACTIVATIONS
from pytmva_rnn.export.metadata import METADATA, carried_text
from pytmva_rnn.files import atomic_path

__all__ = ["to_keras"]

_ACTIVATIONS = {**{tmva: keras for keras, tmva in KERAS_ACTIVATIONS.items()}, "FTANH": "tanh"}
_OUTPUTS = {"I": "linear", "S": "sigmoid", "M": "softmax"}
_CLASSES = {"RNN": "SimpleRNN", "LSTM": "LSTM", "GRU": "GRU"}
_RELEASE = "3.0.0"
_MOMENTUM = 0.99
"""Keras' own, where TMVA's is a cumulative average."""


def to_keras(model: Description, path: str | os.PathLike[str]) -> None:
    """Write a network as a `.keras` file, which Keras 3 loads (`keras.models.load_model`); `from_keras` brings it back.

    The model of Keras takes the variables (n, T, D), or (n, NVar) where there is one step, and gives the scores (n, O)
    of `Model.predict`, except that for an event with NaN it answers NaN.

    Parameters
    ----------
    model : Model
    path : path-like
        `.keras`; it appears complete or not at all.

    Raises
    ------
    MissingExtraError
        If h5py is not installed.
    DataError
        For what Keras has not: transformations of the variables or targets, remembered states, the activations SYMMRELU
        and GAUSS; and for another suffix.
    OSError
        If the file cannot be written.
    """
    if Path(path).suffix.lower() != ".keras":
        raise DataError(f"{os.fspath(path)}: expected a name that ends in .keras, found {Path(path).suffix!r}")
    h5py = extras.h5py()
    model.check()
    layers = _Layers(model)
    config = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "tmva", "trainable": True, "dtype": "float32", "layers": layers.configs},
        "registered_name": None,
        "build_config": {"input_shape": layers.input_shape},
    }
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        for place, (name, arrays) in layers.arrays.items():
            group = file.create_group(f"layers/{place}/vars")
            group.attrs["name"] = name
            for number, values in enumerate(arrays):
                group.create_dataset(str(number), data=np.ascontiguousarray(values, np.float32))
        file.create_group("vars").attrs["name"] = "tmva"
    metadata = {
        "keras_version": _RELEASE,
        "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S"),
        METADATA: carried_text(model),
    }
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(METADATA_FILE, json.dumps(metadata))
        archive.writestr(CONFIG, json.dumps(config))
        archive.writestr(WEIGHTS, weights.getvalue())


class _Layers:
    """The configurations of Keras' layers, and by their places their names and arrays."""

    def __init__(self, model: Description) -> None:
        if any(not isinstance(each, Identity) for each in model.transformations):
            kinds = ", ".join(each.kind for each in model.transformations)
            raise DataError(
                f"Keras' layers cannot make the transformations {kinds} as TMVA does; ONNX and PyTorch can. For a "
                "network of transformed variables write dataclasses.replace(model, transformations=())"
            )
        self.configs: list[dict[str, Any]] = []
        self.arrays: dict[str, tuple[str, list[NDArray[Any]]]] = {}
        self._counts: Counter[str] = Counter()
        shape = model.input_layout
        first = model.layers[0]
        if model.mask_padding:
            raise DataError(
                "steps that are not there (mask_padding) are NaN in all their inputs, which Keras' layers do not leave "
                "out; save_onnx and save_torch keep such a network"
            )
        steps, inputs = model.event_shape
        self._sizes = [steps, inputs] if steps > 1 or isinstance(first, Recurrent) else [inputs]
        self.input_shape = [None, *self._sizes]
        self._add("InputLayer", {"batch_shape": self.input_shape, "dtype": "float32", "sparse": False})
        for number, layer in enumerate(model.layers):
            try:
                self._layer(layer, shape)
            except DataError as error:
                raise DataError(f"layer {number} ({layer.kind}): {error}") from None
            shape = layer.output_shape(shape)
        self._output(_OUTPUTS[model.output_function])

    def _layer(self, layer: Layer, shape: Shape) -> None:
        if layer.remembers:
            raise DataError("with RememberState scores depend on the events before; of Keras' files that is not known")
        after = layer.output_shape(shape)
        steps = after[0] * after[1]
        match layer:
            case Recurrent():
                self._shaped([shape[0] * shape[1], shape[2]])
                self._recurrent(layer)
                if steps == 1:
                    self._shaped([after[2]])
            case Dense():
                if layer.activation not in _ACTIVATIONS:
                    known = ", ".join(_ACTIVATIONS)
                    raise DataError(f"Keras has no activation {layer.activation}; it has {known}")
                W, b = layer.weights["W"], layer.weights["b"]
                config = {"units": layer.width, "activation": _ACTIVATIONS[layer.activation], "use_bias": True}
                self._add("Dense", config, [np.asarray(W).T, np.asarray(b)[:, 0]])
                self._sizes = [layer.width]
            case BatchNorm():
                momentum = _MOMENTUM if layer.momentum < 0 else layer.momentum
                config = {"axis": -1, "momentum": momentum, "epsilon": layer.epsilon, "center": True, "scale": True}
                names = ("gamma", "beta", "mu", "variance")
                self._add("BatchNormalization", config, [np.asarray(layer.weights[name])[0] for name in names])
            case Reshape():
                self._shaped([steps, after[2]] if steps > 1 else [after[2]])
            case _:
                raise DataError("Keras has no such layer")

    def _recurrent(self, layer: Recurrent) -> None:
        after = isinstance(layer, GRU) and layer.reset_gate_after
        bias = join_gates(layer, "b", "keras")[:, 0]
        config: dict[str, Any] = {
            "units": layer.state_size,
            "activation": "tanh",
            "use_bias": True,
            "return_sequences": layer.return_sequence,
        }
        config |= {} if layer.kind == "RNN" else {"recurrent_activation": "sigmoid"}
        config |= {"reset_after": after} if layer.kind == "GRU" else {}
        arrays = [join_gates(layer, "W", "keras").T, join_gates(layer, "U", "keras").T]
        self._add(_CLASSES[layer.kind], config, [*arrays, np.stack([bias, 0 * bias]) if after else bias], cell=True)
        self._sizes = [layer.time_steps, layer.state_size] if layer.return_sequence else [layer.state_size]

    def _shaped(self, sizes: list[int]) -> None:
        """A layer that gives an event other sizes, where it has others."""
        if sizes != self._sizes:
            kind = "Flatten" if len(sizes) == 1 else "Reshape"
            self._add(kind, {} if kind == "Flatten" else {"target_shape": sizes})
            self._sizes = sizes

    def _output(self, activation: str) -> None:
        last = self.configs[-1]
        if last["class_name"] == "Dense" and last["config"]["activation"] == "linear":
            last["config"]["activation"] = activation
        elif activation != "linear":
            self._add("Activation", {"activation": activation})

    def _add(
        self, kind: str, config: Mapping[str, Any], arrays: list[NDArray[Any]] | None = None, *, cell: bool = False
    ) -> None:
        base = snake_case(kind)
        place = f"{base}_{self._counts[base]}" if self._counts[base] else base
        self._counts[base] += 1
        own = config if kind == "InputLayer" else {"trainable": True, "dtype": "float32", **config}
        self.configs.append(
            {"module": "keras.layers", "class_name": kind, "config": {"name": place, **own}, "registered_name": None}
        )
        if kind == "InputLayer":
            return
        self.configs[-1]["build_config"] = {"input_shape": [None, *self._sizes]}
        self.arrays[place] = (place, [] if cell else arrays or [])
        if cell:
            self.arrays[f"{place}/cell"] = (f"{base}_cell", arrays or [])
