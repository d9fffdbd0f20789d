"""One event at a time, in microseconds: what a loop over events in somebody's analysis needs."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pytmva_rnn.model import Model
from pytmva_rnn.network import Network, output_function, prepared, reported, steps_of

__all__ = ["Scorer"]

_FLOAT32 = np.dtype(np.float32)


class Scorer:
    """A model made ready to score single events on the CPU; threads may share it.

    Each thread has scratch memory of its own, and the kernels release Python's lock.

    Parameters
    ----------
    model : Model
        With weights in all layers.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._network = Network(model, "cpu", threads=1)
        steps, inputs = steps_of(model)
        self._shapes = ((steps, inputs), (steps * inputs,))
        self._plain = not model.transformations
        self._sigmoid = model.outputs == 1 and model.output_function == "S"
        self._of_thread = threading.local()

    def __call__(self, x: ArrayLike) -> Any:  # a float for one output, else an array
        """Score one event; see `Model.predict_one`."""
        if not (self._plain and type(x) is np.ndarray and x.dtype is _FLOAT32 and x.shape in self._shapes):
            x = prepared(self._model, np.asarray(x)[np.newaxis], _FLOAT32)
        try:
            evaluate = self._of_thread.evaluate
        except AttributeError:
            evaluate = self._of_thread.evaluate = self._network.single()
        raw = evaluate(x.reshape(-1))
        if self._sigmoid:
            score = 0.5 * math.tanh(0.5 * raw.item()) + 0.5
            return -999.0 if math.isnan(score) else score
        scores = reported(self._model, output_function(self._model.output_function, raw[np.newaxis]))[0]
        return scores.item() if len(scores) == 1 else scores
