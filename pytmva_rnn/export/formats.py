"""Networks in files of all formats, told apart by the suffix."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.ensemble import Ensemble
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.cpp.header import generate
from pytmva_rnn.export.keras import from_keras, to_keras
from pytmva_rnn.export.onnx import from_onnx, save_onnx
from pytmva_rnn.export.pytorch import from_torch, save_torch
from pytmva_rnn.files import atomic_path
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.weightfile.ensemble_index import is_index

__all__ = [
    "HEADERS",
    "KERAS",
    "ONNX",
    "TORCH",
    "XML",
    "check_writable",
    "format_of",
    "read_model",
    "read_network",
    "read_scorer",
    "write_network",
]

XML, HEADERS, ONNX = (".xml",), (".hxx", ".hpp", ".hh", ".h"), (".onnx",)
TORCH, KERAS = (".pt", ".pth", ".safetensors"), (".keras", ".h5", ".hdf5")
_FORMATS = {suffix: suffixes for suffixes in (XML, HEADERS, ONNX, TORCH, KERAS) for suffix in suffixes}
_TAKES = {
    ONNX: ("steps",),
    TORCH: ("layout", "order", "steps"),
    KERAS: ("steps",),
}
"""What is asked of formats besides what a weight file says."""
_ABOUT = ("variables", "ranges", "analysis", "classes", "targets", "spectators", "title")


def format_of(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """The suffixes of a file's format, one of those of this module.

    Raises
    ------
    DataError
        For another suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise DataError(f"{os.fspath(path)}: expected a name that ends in one of {known}; found {suffix or 'none'}")
    return _FORMATS[suffix]


def read_network(path: str | os.PathLike[str], about: Mapping[str, Any] | None = None) -> Model:
    """Read a network from a weight file of TMVA, or a file of ONNX, PyTorch or Keras.

    Parameters
    ----------
    path : path-like
    about : mapping, optional
        What a weight file says and other files do not: `variables`, `ranges`, `analysis`, `classes`, `targets`,
        `spectators` and `title`, as `pytmva_rnn.export.foreign.foreign_model` has them; `steps`, and for PyTorch's
        `layout` and `order`.

    Returns
    -------
    Model

    Raises
    ------
    DataError
        For what TMVA's layers cannot do, what is missing, or an argument that a format does not take.
    WeightFileError
        Of a weight file.
    MissingExtraError
        Where the format's package is not installed.
    OSError
        If the file cannot be opened.
    """
    kind = format_of(path)
    if kind == HEADERS:
        raise DataError(f"{os.fspath(path)}: a C++ header is not read; give the file that it was made from")
    given = {key: value for key, value in (about or {}).items() if value is not None}
    takes = (*_ABOUT, *_TAKES.get(kind, ())) if kind != XML else ()
    if others := [key for key in given if key not in takes]:
        what = "a weight file says that itself" if kind == XML else "that is not asked for here"
        raise DataError(f"{os.fspath(path)}: {others[0]} is given, but {what}; leave it out")
    if kind == XML:
        return read_weights(path)
    if kind == ONNX:
        return from_onnx(path, **given)
    return from_torch(path, **given) if kind == TORCH else from_keras(path, **given)


def read_scorer(path: str | os.PathLike[str]) -> Model | Ensemble:
    """The network of a file that tells all of it, or the ensemble of a table of trainings.

    Raises
    ------
    WeightFileError, DataError, OSError
        As `read_model` and `Ensemble.load`.
    """
    return Ensemble.load(path) if is_index(path) else read_model(path)


def read_model(path: str | os.PathLike[str]) -> Model:
    """The network of a weight file, or of another file that tells as much, as those do that we write.

    Raises
    ------
    WeightFileError, DataError, MissingExtraError, OSError
        As `read_network`.
    """
    return read_network(path) if Path(path).suffix.lower() in (*ONNX, *TORCH) else read_weights(path)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Make sure, before the work, that a network can be written in the format of a file.

    Raises
    ------
    MissingExtraError
        Where the format's package is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix in ONNX:
        extras.onnx()
    elif suffix == ".safetensors":
        extras.safetensors()
    elif suffix in TORCH:
        extras.torch()


def write_network(model: Model, path: str | os.PathLike[str], *, name: str = "", source: bytes | None = None) -> None:
    """Write a network in the format that the suffix names.

    Parameters
    ----------
    model : Model
    path : path-like
    name : str
        Of the class in a C++ header; the name of the file if not given.
    source : bytes, optional
        Content of the weight file that a header is made from.

    Raises
    ------
    DataError
        For what the format cannot do exactly.
    MissingExtraError, OSError
        As `read_network`.
    """
    match format_of(path):
        case kind if kind == HEADERS:
            text = generate(model, name or Path(path).stem, source=source)
            with atomic_path(path) as temporary:
                temporary.write_text(text, encoding="utf-8", newline="\n")
        case kind if kind == ONNX:
            save_onnx(model, path)
        case kind if kind == TORCH:
            save_torch(model, path)
        case kind if kind == KERAS:
            to_keras(model, path)
        case _:
            model.save(path)
