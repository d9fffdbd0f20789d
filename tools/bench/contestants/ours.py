"""pytmva_rnn itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bench.cases import CaseData
from bench.contestants.base import Contestant, Gradients
from pytmva_rnn._version import __version__
from pytmva_rnn.kernels import Computation, engine_class
from pytmva_rnn.network.network import Network

__all__ = ["Ours"]


class Ours(Contestant):
    """The CPU backend: training steps as the training loop makes them, scores as `Network` and `Model` give them."""

    name = "pytmva_rnn"
    threads_for_one = False

    def __init__(self, problem: CaseData, threads: int) -> None:
        super().__init__(problem, threads)
        model = problem.model
        self._network = Network(model, threads=threads)
        computation = Computation(
            model.layers,
            [layer.weights for layer in model.layers],
            *model.event_shape,
            model.loss,
            settings=problem.options.training_strategy[0],
            threads=threads,
        )
        self.engine = engine_class("cpu")(computation)

    @classmethod
    def version(cls) -> str:
        return __version__

    def call(self, what: str) -> Callable[[], Any]:
        X, y = self.problem.X, self.problem.y
        if what == "train":
            w, events = np.ones(len(X), np.float32), np.arange(len(X))
            return partial(self.engine.step, X, y, w, events, 0)
        if what == "infer":
            return partial(self._network.predict, X)
        return partial(self.problem.model.predict_one, X[0])

    def gradients(self) -> Gradients:
        _, gradients = self._network.loss_and_gradients(self.problem.X, self.problem.y)
        return list(gradients.values())
