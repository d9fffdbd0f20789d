"""Keras -> Model, without Keras or TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from pytmva_rnn.description import Layer, LayerWeights, Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.foreign import ForeignNetwork, foreign_model
from pytmva_rnn.export.keras.keras_chain import chain_of, input_sizes
from pytmva_rnn.export.keras.keras_files import KerasFile, open_keras
from pytmva_rnn.export.keras.keras_layers import KerasLayers
from pytmva_rnn.export.metadata import METADATA, as_asked, carried_layers, model_from, refuse_said_twice, retrained
from pytmva_rnn.model import Model

__all__ = ["from_keras"]


def from_keras(
    path: str | os.PathLike[str],
    *,
    steps: int | None = None,
    variables: Sequence[str | Variable] | None = None,
    ranges: ArrayLike | None = None,
    analysis: str | None = None,
    classes: Sequence[str] | None = None,
    targets: Sequence[str | Variable] | None = None,
    spectators: Sequence[str | Variable] = (),
    title: str | None = None,
) -> Model:
    """A network that was trained in Keras, as a Model that `save` writes and C++ TMVA reads.

    SimpleRNN, LSTM, GRU (with the reset gate before or after), Dense, BatchNormalization, Flatten, Reshape, and the
    activations that TMVA has, one after another. Dropout does nothing when a network is asked. Everything else is
    refused by its name.

    Parameters
    ----------
    path : path of a .keras or .h5 file
        A whole model of Keras 2 or 3; neither Keras nor TensorFlow is needed.
    steps : int, optional
        T, for a model that leaves the number of time steps open.
    variables, ranges, analysis, classes, targets, spectators, title
        What a weight file says beside the network; see `pytmva_rnn.export.foreign.foreign_model`. A file of `to_keras`
        says it itself.

    Returns
    -------
    Model

    Raises
    ------
    MissingExtraError
        If h5py is not installed.
    DataError
        Naming the layer that has no equal in TMVA, what is missing, or what is wrong with the file.
    OSError
        If the file cannot be opened.
    """
    own: dict[str, Any] = {
        "variables": variables,
        "ranges": ranges,
        "analysis": analysis,
        "classes": classes,
        "targets": targets,
    }
    with open_keras(path) as file:
        chain = chain_of(file)
        sizes = _fixed(file, input_sizes(file, chain), steps)
        read = KerasLayers(file.path, sizes, file.arrays_of)
        for layer in chain:
            read.add(layer)
        text = file.metadata.get(METADATA)
        if text is None:
            read.finish()
            network = ForeignNetwork(file.path, read.layers, read.event_shape, read.ending)
            return foreign_model(network, **own, spectators=spectators, title=title or "DL")
        refuse_said_twice(file.path, {**own, "spectators": spectators or None})
        return as_asked(_own(file, str(text), read.layers), file.path, title=title, steps=steps)


def _fixed(file: KerasFile, sizes: list[int | None], steps: int | None) -> list[int]:
    if None in sizes and steps is None:
        raise DataError(f"{file.path}: the number of time steps is left open, but TMVA's is fixed; give steps=T")
    if None not in sizes and steps not in (None, sizes[0] if len(sizes) == 2 else 1):
        raise DataError(f"{file.path}: expected {sizes[0] if len(sizes) == 2 else 1} steps, found steps={steps}")
    return [steps if size is None else size for size in sizes]  # type: ignore[misc]  # it was asked for


def _own(file: KerasFile, text: str, layers: Sequence[Layer]) -> Model:
    """The network that `to_keras` wrote."""
    try:
        carried = carried_layers(text)
        with_arrays = [layer for layer in carried if layer.arrays()]
        found = [layer for layer in layers if layer.arrays()]
        if [layer.kind for layer in found] != [layer.kind for layer in with_arrays]:
            raise DataError("its layers are others than its metadata says")
        following = iter(found)
        weights: list[LayerWeights] = [next(following).weights if layer.arrays() else {} for layer in carried]
        model, same = model_from(text, weights)
    except DataError as error:
        raise DataError(f"{file.path}: {error}") from None
    return model if same else retrained(model, file.path)
