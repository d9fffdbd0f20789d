"""From raw variables to the scores that TMVA's Reader reports."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.description.padded_steps import mark_again
from pytmva_rnn.kernels import NO_SCORE
from pytmva_rnn.network.events import expected, is_shaped, shaped
from pytmva_rnn.network.network import Network

__all__ = ["NO_SCORE", "predict", "scored"]

_BLOCK = 1 << 21  # numbers that are prepared at once, 8 MiB in float32: enough for many threads, little beside a sample
_BLOCK_ON_GPU = 1 << 26  # 256 MiB: a GPU has worked through less before it works at its pace


def scored(network: Network, X: ArrayLike, *, resume: bool = False) -> NDArray[np.float32]:
    """Scores (n, O) of raw variables as TMVA reports them: targets on their scale, a classifier's NaN as -999.

    With `resume`, remembered states go on from the call before; see `Network.predict`.
    """
    return _scored(network, shaped(X, network.shape, network.dtype), resume)


def _scored(network: Network, inputs: NDArray[Any], resume: bool) -> NDArray[np.float32]:
    """The same of events that are as `shaped` makes them."""
    if network.chain:
        inputs = _transformed(network, inputs)
    scores = network.scores(inputs, resume=resume, reports=True)
    if network.targets_back:
        scores = network.targets_back(np.array(scores, np.float64, order="C"))
    return scores.astype(np.float32, copy=False)


def _transformed(network: Network, inputs: NDArray[Any]) -> NDArray[Any]:
    """What the network is given of raw variables (n, T, D)."""
    raw = inputs.reshape(len(inputs), network.chain.width)
    made = network.chain(raw)
    if network.model.mask_padding:
        mark_again(made, raw, network.shape[0])
    return made.reshape(inputs.shape)


def predict(network: Network, X: ArrayLike) -> NDArray[np.float32]:
    """Score events with a network that may be kept from call to call; see `Model.predict`.

    Events are prepared and scored block by block, so that what this needs beside them and the scores is a few tens of
    MiB, some hundred on a GPU. Float32 numbers in C order are not copied.
    """
    if is_shaped(X, network.shape, network.dtype) and X.size <= _BLOCK:
        scores = network.scores(X, reports=True) if network.is_plain else _scored(network, X, False)
    else:
        events = expected(X, network.shape)
        size = _at_once(network, events)
        scores = scored(network, events) if len(events) <= size else _block_by_block(network, events, size)
    return scores[:, 0] if network.outputs == 1 else scores


def _at_once(network: Network, events: NDArray[Any]) -> int:
    """Events of a block."""
    steps, inputs = network.shape
    if network.backend != "cuda":
        return max(1, _BLOCK // (steps * inputs))
    if network.chain or events.dtype != network.dtype or not events.flags.c_contiguous:
        return max(1, _BLOCK_ON_GPU // (steps * inputs))
    # nothing is prepared, and the engine brings them to the GPU piece by piece
    return max(1, len(events))


def _block_by_block(network: Network, events: NDArray[Any], size: int) -> NDArray[np.float32]:
    model = network.model
    if model.remembers:
        # the states pass on from block to block, but not to whoever shares the network
        network = Network(model, network.backend, threads=network.threads)
    scores = np.empty((len(events), network.outputs), np.float32)
    for first in range(0, len(events), size):
        block = slice(first, first + size)
        scores[block] = scored(network, events[block], resume=model.remembers)
    return scores
