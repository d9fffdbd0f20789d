"""Networks that a model keeps from call to call: to make one takes longer than to score some hundred events."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.description import Description
from pytmva_rnn.network.network import Network
from pytmva_rnn.network.scoring import predict
from pytmva_rnn.network.threads import asked_threads

__all__ = ["KeptNetworks"]

_MOST = os.cpu_count() or 1  # that wait for their next use


class KeptNetworks:
    """The networks of a model on all backends. Threads may call at once: each takes a network of its own."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int | None], list[Network]] = {}

    def predict(
        self, model: Description, X: ArrayLike, backend: str, threads: int | None = None
    ) -> NDArray[np.float32]:
        """Score events; see `Model.predict`."""
        # threads agree on a list, and on who takes what from it: these are single operations of Python
        threads = asked_threads(threads)
        key = (backend, threads)
        idle = self._idle.get(key)
        if idle is None:
            idle = self._idle.setdefault(key, [])
        try:
            network = idle.pop()
        except IndexError:
            network = Network(model, backend, threads=threads)
        scores = predict(network, X)
        if len(idle) < _MOST:
            idle.append(network)
        return scores
