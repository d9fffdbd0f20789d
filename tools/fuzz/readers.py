"""What is done with an input: everything that reads it, as far as it goes."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from pytmva_rnn import Model, load_config, parse_options, read_weights
from pytmva_rnn.cli.convert_command import read_events
from pytmva_rnn.data import Source
from pytmva_rnn.data.sources import read_columns
from pytmva_rnn.export.keras import from_keras
from pytmva_rnn.export.onnx import from_onnx
from pytmva_rnn.export.pytorch import from_torch
from pytmva_rnn.export.pytorch.torch_writing import EXTRA_STATE, state_arrays
from pytmva_rnn.formula import Formula, evaluate
from pytmva_rnn.options import SplitOptions, parse_strategy
from pytmva_rnn.options.layout import parse_layout
from pytmva_rnn.options.vartransform import parse_var_transform
from pytmva_rnn.options.width import width_of
from pytmva_rnn.weightfile.stored_history import HISTORY, stored_history
from pytmva_rnn.weightfile.stored_recipe import INPUTS, stored_recipe
from pytmva_rnn.weightfile.validation import validate

__all__ = [
    "LAYOUT",
    "NETWORKS",
    "ROOT",
    "UnreadableMessage",
    "in_a_file",
    "read_formula",
    "read_keras",
    "read_metadata",
    "read_npz",
    "read_onnx",
    "read_options",
    "read_root",
    "read_stored",
    "read_toml",
    "read_torch",
    "read_weight_file",
    "scored",
    "state_of",
    "validated",
]

ROOT = Path(__file__).parents[2]

LAYOUT = "LSTM|4|2|3|0|0,DENSE|3|TANH,LINEAR"
"""Of the state dicts that say nothing of themselves."""

NETWORKS = ("lstm_last", "gru_after_last", "batch_norm", "regression", "dense_activations")
"""Reference networks that are written in other formats."""

_MOST_WEIGHTS = 100_000
"""Of a network that is run."""


class UnreadableMessage(Exception):
    """An error of ours that is too long, or has control characters."""


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def in_a_file(suffix: str, read: Callable[[Path], Any]) -> Callable[[bytes], None]:
    """A reader of bytes out of one of files."""

    def reads(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"input{suffix}"
            path.write_bytes(data)
            read(path)

    return reads


_COLUMNS = {
    "x": np.array([1.5, -2.0, np.nan, 0.0]),
    "y": np.array([1, 2, 3, -4]),
    "v": ak.Array([[1.0, 2.0], [], [3.0], [4.0, 5.0, 6.0]]),
    "w": ak.Array([[[1, 2], []], [], [[3]], [[4, 5, 6], [7]]]),
    "n": np.array([2, 0, 1, 3]),
}


def read_formula(data: bytes) -> None:
    """Computed for four events."""
    evaluate(_text(data), _COLUMNS)


_READERS: dict[str, Callable[[str], Any]] = {
    "method": parse_options,
    "layout": parse_layout,
    "strategy": parse_strategy,
    "split": SplitOptions.parse,
    "transform": parse_var_transform,
    "width": lambda text: width_of(text, 30),
}


def read_options(data: bytes) -> None:
    """By the reader that the first line names."""
    which, _, text = _text(data).partition("\n")
    read: Callable[[str], Any] = _READERS.get(which, parse_options)
    read(text)


def read_toml(path: Path) -> None:
    """As `pytmva-rnn train` does before it reads events."""
    load_config(path)


def read_weight_file(path: Path) -> None:
    """With what it keeps in JSON."""
    model = read_weights(path)
    stored_recipe(model)
    stored_history(model)


def scored(path: Path) -> None:
    """Read, and run on events in compiled code."""
    model = read_weights(path)
    if sum(array.size for layer in model.layers for array in layer.weights.values()) > _MOST_WEIGHTS:
        return
    steps, inputs = model.event_shape
    X = np.linspace(-2, 2, 3 * steps * inputs, dtype=np.float32).reshape(3, -1)
    if X.size < _MOST_WEIGHTS:
        model.predict(X)
        model.predict_one(X[0])


def validated(path: Path) -> None:
    """Validated, and what is said of it looked at."""
    for finding in validate(path):
        if not str(finding).replace("\n", "").isprintable():
            raise UnreadableMessage(f"a message with control characters: {str(finding)[:200]!r}")


@cache
def _some_model() -> Model:
    return read_weights(ROOT / "tests" / "data" / "reference" / "lstm_last" / "weights.xml")


def read_stored(data: bytes) -> None:
    """A text of JSON where a weight file keeps the recipe or the history, as the first line says."""
    which, _, text = _text(data).partition("\n")
    name = HISTORY if which == "history" else INPUTS
    model = dataclasses.replace(_some_model(), info=((name, text),))
    stored_history(model)
    stored_recipe(model)


@cache
def state_of(name: str) -> dict[str, Any]:
    """The arrays of a reference network as PyTorch has them, with what it says of itself."""
    return state_arrays(read_weights(ROOT / "tests" / "data" / "reference" / name / "weights.xml"))


def read_metadata(data: bytes) -> None:
    """What a network says of itself in files of other formats, beside the arrays of that which the first line names."""
    name, _, text = data.partition(b"\n")
    arrays = state_of(next((each for each in NETWORKS if each.encode() == name), NETWORKS[0]))
    from_torch({**arrays, EXTRA_STATE: np.frombuffer(text, np.uint8)})


def read_npz(path: Path) -> None:
    """Events of `pytmva-rnn convert --events`."""
    read_events(_some_model(), path)


def read_root(path: Path) -> None:
    """All columns, of numbers, lists, lists of lists and fixed arrays."""
    for piece in read_columns(Source((str(path),)), [Formula.parse(name) for name in ("x", "n", "v", "w", "ww", "a")]):
        len(piece)


def read_onnx(path: Path) -> None:
    """Made a Model, and compared with what runs the file."""
    from_onnx(path)


def read_keras(path: Path) -> None:
    """Made a Model."""
    from_keras(path)


def read_torch(path: Path) -> None:
    """By what it says of itself, or by a layout."""
    from_torch(path, layout=None if b'"_extra_state"' in path.read_bytes() else LAYOUT)
