"""Scores of the network in a file, by whatever runs files of its format, on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.errors import MissingExtraError
from pytmva_rnn.export.cpp.compiled_header import header_scores
from pytmva_rnn.export.formats import HEADERS, ONNX, TORCH, format_of
from pytmva_rnn.export.onnx import onnx_outputs
from pytmva_rnn.export.pytorch import to_torch
from pytmva_rnn.kernels import output_function
from pytmva_rnn.model import Model
from pytmva_rnn.network.events import mask_of

__all__ = ["Answers", "answers"]

Scores = NDArray[np.float32]

_BLOCK = 4096


@dataclass(frozen=True)
class Answers:
    """What scores events with a file.

    Attributes
    ----------
    by : str
        Who computes.
    scores : callable
        From events (n, NVar), float32, to scores (n, O).
    """

    by: str
    scores: Callable[[Scores], Scores]


def answers(path: str | os.PathLike[str], model: Model, steps: int | None = None) -> Answers:
    """What scores events with the network in a file: ONNX Runtime, PyTorch, a C++ compiler, or pytmva_rnn.

    Parameters
    ----------
    path : path-like
    model : Model
        Of `read_network`; of a C++ header, that of the file that it was made from.
    steps : int, optional
        T, where an ONNX file leaves the number of steps open.

    Raises
    ------
    BackendError, DataError, MissingExtraError, OSError
        If it cannot be run.
    """
    kind = format_of(path)
    if kind == HEADERS:
        compiler, scores = header_scores(path)
        return Answers(compiler, scores)
    if kind == ONNX:
        by, outputs = onnx_outputs(path, steps)
        return Answers(by, _in_blocks(lambda X: _as_scores(outputs(X), model, X)))
    if kind == TORCH:
        try:
            return _torch_answers(model)
        except MissingExtraError:
            return Answers("pytmva_rnn, as PyTorch is not installed", _ours(model))
    return Answers("pytmva_rnn", _ours(model))


def _ours(model: Model) -> Callable[[Scores], Scores]:
    return lambda X: model.predict(X, mask=mask_of(model, X)).reshape(len(X), model.outputs)


def _torch_answers(model: Model) -> Answers:
    torch = extras.torch()
    network = to_torch(model)

    def scores(X: Scores) -> Scores:
        with torch.inference_mode():
            return np.asarray(network(torch.from_numpy(np.ascontiguousarray(X))).numpy())

    return Answers(f"PyTorch {torch.__version__}", _in_blocks(scores))


def _in_blocks(scores: Callable[[Scores], Scores]) -> Callable[[Scores], Scores]:
    """Some thousand events at a time: what others keep of each step of an event may be large."""
    return lambda X: np.concatenate([scores(X[first : first + _BLOCK]) for first in range(0, len(X), _BLOCK)])


def _as_scores(outputs: NDArray[np.floating], model: Model, X: Scores) -> Scores:
    """Of a network that may end before the output function: what TMVA makes of its outputs.

    When it was read, its outputs were found to be the Model's, with the output function or without: the nearer it is.
    """
    outputs = outputs.reshape(len(X), model.outputs)
    finished = output_function("reference", model.output_function)(outputs.astype(np.float64))
    ours = _ours(model)(X)
    distances = [np.nanmax(np.abs(each - ours), initial=0) for each in (outputs, finished)]
    return np.asarray(outputs if distances[0] <= distances[1] else finished, np.float32)
