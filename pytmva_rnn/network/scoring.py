"""From raw variables to the scores that TMVA's Reader reports."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.network.events import expected, shaped
from pytmva_rnn.network.network import Network

__all__ = ["predict", "scored"]

_BLOCK = 1 << 21  # numbers that are prepared at once, 8 MiB in float32: enough for many threads, little beside a sample


def scored(network: Network, X: ArrayLike, *, resume: bool = False) -> NDArray[np.float32]:
    """Scores (n, O) of raw variables as TMVA reports them: targets on their scale, a classifier's NaN as -999.

    With `resume`, remembered states go on from the call before; see `Network.predict`.
    """
    model = network.model
    inputs = shaped(X, model.event_shape, network.dtype)
    inputs = network.chain(inputs.reshape(len(inputs), -1)).reshape(inputs.shape)
    scores = network.predict(inputs, resume=resume).reshape(len(inputs), model.outputs)
    if network.targets_back:
        scores = network.targets_back(np.array(scores, np.float64, order="C"))
    result = scores.astype(np.float32)
    if model.analysis == "Classification":
        result[np.isnan(result)] = -999
    return result


def predict(network: Network, X: ArrayLike) -> NDArray[np.float32]:
    """Score events with a network that may be kept from call to call; see `Model.predict`.

    Events are prepared and scored block by block, so that what this needs beside them and the scores is a few tens of
    MiB. Float32 numbers in C order are not copied.
    """
    model = network.model
    events = expected(X, model.event_shape)
    size = max(1, _BLOCK // len(model.variables))
    resume = False
    if model.remembers and len(events) > size:
        # the states pass on from block to block, but not to whoever shares the network
        network, resume = Network(model, network.backend, threads=network.threads), True
    scores = np.empty((len(events), model.outputs), np.float32)
    for first in range(0, len(events), size):
        block = slice(first, first + size)
        scores[block] = scored(network, events[block], resume=resume)
    return scores[:, 0] if model.outputs == 1 else scores
