"""One event at a time, in microseconds: what a loop over events in somebody's analysis needs."""

from __future__ import annotations

import threading
from math import isnan
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.compile import readable
from pytmva_rnn.description import Description
from pytmva_rnn.kernels.cpu.engine import Engine
from pytmva_rnn.network.network import Network, output_function
from pytmva_rnn.network.scoring import prepared, reported

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

    def __init__(self, model: Description) -> None:
        self._model = model
        self._engine = cast(Engine, Network(model, "cpu", threads=1).engine)
        steps, inputs = model.event_shape
        # shapes of what needs no preparation
        self._shapes = () if model.transformations else ((steps, inputs), (steps * inputs,))
        self._sigmoid = model.outputs == 1 and model.output_function == "S"
        self._of_thread = threading.local()

    def __call__(self, x: ArrayLike) -> Any:  # a float for one output, else an array
        """Score one event; see `Model.predict_one`."""
        if not (type(x) is np.ndarray and x.dtype is _FLOAT32 and x.shape in self._shapes and x.flags.carray):
            x = self._event(x)
        try:
            evaluate = self._of_thread.evaluate
        except AttributeError:
            evaluate = self._of_thread.evaluate = self._engine.single(sigmoid=self._sigmoid)
        found = evaluate(x)
        if self._sigmoid:
            return -999.0 if isnan(found) else found
        outputs = np.reshape(found, (1, -1)).astype(_FLOAT32, copy=False)
        scores = reported(self._model, output_function(self._model.output_function, outputs))[0]
        return scores.item() if len(scores) == 1 else scores

    def _event(self, x: ArrayLike) -> NDArray[np.float32]:
        given = np.asarray(x)
        if given.shape in self._shapes and given.dtype == _FLOAT32:
            return readable(given, _FLOAT32)
        return readable(prepared(self._model, given[np.newaxis], _FLOAT32)[0], _FLOAT32)
