"""pytmva_rnn on a GPU, with and without CUDA graphs, timed with CUDA events."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.cases import CaseData
from bench.contestants.base import Contestant
from pytmva_rnn._version import __version__
from pytmva_rnn.kernels import Computation
from pytmva_rnn.network.devices import backend_engine

__all__ = ["OursOnGpu", "OursWithGraph"]


class OursOnGpu(Contestant):
    """An epoch of the engine; in inference a loss, whose events stay on the device as those of PyTorch do."""

    name = "pytmva_rnn"
    does: ClassVar[tuple[str, ...]] = ("train", "infer")
    graphs: ClassVar[bool] = False

    def __init__(self, problem: CaseData, threads: int = 0) -> None:
        super().__init__(problem, threads)
        model = problem.model
        computation = Computation(
            model.layers,
            [layer.weights for layer in model.layers],
            *model.event_shape,
            model.loss,
            settings=problem.options.training_strategy[0],
        )
        engine: Any = backend_engine("cuda")
        self.engine = engine(computation)
        self.engine.graphs = self.graphs
        self._w, self._order = np.ones(len(problem.X), np.float32), np.arange(len(problem.X))

    @classmethod
    def version(cls) -> str:
        backend_engine("cuda")
        return __version__

    def call(self, what: str) -> Callable[[], Any]:
        X, y = self.problem.X, self.problem.y
        if what == "train":
            return lambda: self.engine.step(X, y, self._w, self._order, 0)
        return lambda: self.engine.loss(X, y, self._w)

    def timer(self, what: str) -> Callable[[int], float]:
        cuda, X, y = importlib.import_module("numba.cuda"), self.problem.X, self.problem.y
        loss = self.call("infer")

        def by_events(count: int) -> float:
            start, stop = cuda.event(), cuda.event()
            batches = np.tile(self._order, (count, 1))
            start.record()
            if what == "train":
                self.engine.epoch(X, y, self._w, batches, np.zeros(count, np.int64), lambda: None)
            else:
                for _ in range(count):
                    loss()
            stop.record()
            stop.synchronize()
            if self.graphs and not self.engine.graphs:
                raise RuntimeError("it could not be captured")
            return float(start.elapsed_time(stop)) / 1e3

        return by_events

    def scores(self) -> NDArray[np.float64]:
        outputs = self.engine.outputs(self.problem.X)
        return 1 / (1 + np.exp(-np.asarray(outputs, np.float64).reshape(-1)))


class OursWithGraph(OursOnGpu):
    """Training steps replayed as one CUDA graph."""

    name = "pytmva_rnn, CUDA graph"
    does = ("train",)
    graphs = True
