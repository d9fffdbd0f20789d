"""From raw variables to the scores that TMVA's Reader reports."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.description import Description
from pytmva_rnn.network.events import shaped
from pytmva_rnn.network.network import Network
from pytmva_rnn.transformations import apply_transformations, invert_targets

__all__ = ["predict", "prepared", "reported"]


def prepared(model: Description, X: ArrayLike, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Raw variables as the network takes them: shape (n, T, D), transformed."""
    inputs = shaped(X, model.event_shape, dtype)
    if not model.transformations:
        return inputs
    flat = apply_transformations(model.transformations, inputs.reshape(len(inputs), -1), model.variables)
    return np.ascontiguousarray(flat, dtype).reshape(inputs.shape)


def reported(model: Description, scores: NDArray[Any]) -> NDArray[np.float32]:
    """Scores (n, O) as TMVA reports them: regression targets on their own scale, float32, -999 for NaN."""
    if model.targets and model.transformations:
        scores = invert_targets(model.transformations, scores, model.targets)
    result = scores.astype(np.float32)
    result[np.isnan(result)] = -999
    return result


def predict(network: Network, X: ArrayLike) -> NDArray[np.float32]:
    """Score events with a network that may be kept from call to call; see `Model.predict`."""
    model = network.model
    inputs = prepared(model, X, np.dtype(np.float64 if network.backend == "reference" else np.float32))
    scores = network.predict(inputs)
    return reported(model, scores.reshape(len(scores), model.outputs)).reshape(scores.shape)
