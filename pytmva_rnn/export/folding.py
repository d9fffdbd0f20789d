"""Activations that stand by themselves in other frameworks, where TMVA has them in dense layers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pytmva_rnn.description import BatchNorm, Dense, Layer
from pytmva_rnn.errors import DataError

__all__ = ["with_activation"]


def with_activation(layers: Sequence[Layer], activation: str, place: str) -> list[Layer]:
    """Layers with an activation after the last of them.

    After a batch normalisation of a linear dense layer, both become one dense layer: what they do together is linear.
    Its weights are computed in double precision.

    Parameters
    ----------
    layers : sequence of Layer
        With weights.
    activation : str
        TMVA's name.
    place : str
        What errors call the last layer.

    Raises
    ------
    DataError
        If the last layer is none that can have it.
    """
    *before, last = layers
    if activation == "LINEAR":
        return list(layers)
    if isinstance(last, Dense) and last.activation == "LINEAR":
        return [*before, replace(last, activation=activation)]
    if isinstance(last, BatchNorm) and before and isinstance(before[-1], Dense) and before[-1].activation == "LINEAR":
        return [*before[:-1], replace(_folded(before[-1], last), activation=activation)]
    what = "a linear dense layer or its batch normalisation"
    raise DataError(f"{place}: {activation} follows a layer {last.layout()}; in TMVA it can follow {what} only")


def _folded(dense: Dense, norm: BatchNorm) -> Dense:
    gamma, beta, mu, variance = (
        np.asarray(norm.weights[name], np.float64)[0] for name in ("gamma", "beta", "mu", "variance")
    )
    scale = gamma / np.sqrt(variance + norm.epsilon)
    W, b = (np.asarray(dense.weights[name], np.float64) for name in ("W", "b"))
    return replace(dense, weights={"W": scale[:, None] * W, "b": (scale * (b[:, 0] - mu) + beta)[:, None]})
