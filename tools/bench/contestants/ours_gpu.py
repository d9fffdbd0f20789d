"""pytmva_rnn on a GPU, timed with CUDA events.

With and without CUDA graphs, with and without one kernel for small networks, and with products on tensor cores.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.cases import CaseData
from bench.contestants.base import Contestant
from pytmva_rnn._version import __version__
from pytmva_rnn.errors import MissingExtraError
from pytmva_rnn.kernels import Computation
from pytmva_rnn.network.devices import backend_engine

__all__ = ["OursLaunchByLaunch", "OursLayerByLayer", "OursOnGpu", "OursOnTensorCores"]

_AT_ONCE = 64
"""Batches whose order is brought to the device before they are timed."""


class OursOnGpu(Contestant):
    """The engine with its events on the device: training steps, and raw outputs that stay there."""

    name = "pytmva_rnn"
    does: ClassVar[tuple[str, ...]] = ("train", "infer")
    graphs: ClassVar[bool] = True
    one_kernel: ClassVar[bool] = True
    tensor_cores: ClassVar[bool] = False

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
        with self._switched():
            self.engine = engine(computation)
        self.engine.graphs.wanted &= self.graphs
        self.engine.one_kernel &= self.one_kernel
        self._w, self._order = np.ones(len(problem.X), np.float32), np.arange(len(problem.X))

    @classmethod
    def version(cls) -> str:
        backend_engine("cuda")
        return __version__

    def call(self, what: str) -> Callable[[], Any]:
        X, y = self.problem.X, self.problem.y

        def call() -> Any:
            with self._switched():
                return self.engine.step(X, y, self._w, self._order, 0) if what == "train" else self.engine.outputs(X)

        return call

    def timer(self, what: str) -> Callable[[int], float]:
        with self._switched():
            timed = self._steps() if what == "train" else self._outputs()

        def switched(count: int) -> float:
            with self._switched():
                return timed(count)

        return switched

    def scores(self) -> NDArray[np.float64]:
        outputs = self.call("infer")()
        return 1 / (1 + np.exp(-np.asarray(outputs, np.float64).reshape(-1)))

    @contextmanager
    def _switched(self) -> Iterator[None]:
        """With tensor cores or without, whatever the environment says otherwise."""
        variable: str = _tensor_cores().VARIABLE
        before = os.environ.get(variable)
        os.environ[variable] = str(int(self.tensor_cores))
        try:
            yield
        finally:
            del os.environ[variable]
            if before is not None:
                os.environ[variable] = before

    def _steps(self) -> Callable[[int], float]:
        """A timer of steps on events of the device: put together, forward, back, and the weights moved."""
        X = self.problem.X.reshape(len(self.problem.X), -1)
        order = np.tile(self._order, (_AT_ONCE, 1))
        batches = self.engine.batches(X, self.problem.y, self._w, *order.shape)

        def by_events(count: int) -> float:
            seconds = 0.0
            while count > 0:
                some = min(count, _AT_ONCE)
                batches.begin(order, np.zeros(_AT_ONCE, np.int64), 0)
                seconds += self._timed(batches.launch, some)
                count -= some
            return seconds

        # compiled and captured
        by_events(2)
        return by_events

    def _outputs(self) -> Callable[[int], float]:
        """A timer of raw outputs; events of several pieces are copied into place one after another."""
        passes, sources, start = self.engine.passes(len(self.problem.X)), [], 0
        cuda, X = importlib.import_module("numba.cuda"), self.problem.X.reshape(len(self.problem.X), -1)
        for each in passes:
            sources.append(cuda.to_device(X[start : start + len(each.x)]))
            start += len(each.x)

        def call() -> None:
            for each, source in zip(passes, sources, strict=True):
                if len(passes) > 1:
                    each.x.copy_to_device(source, stream=self.engine.stream)
                each.launch()

        passes[0].x.copy_to_device(sources[0])
        self._timed(call, 2)
        return lambda count: self._timed(call, count)

    def _timed(self, call: Callable[[], None], count: int) -> float:
        cuda, stream = importlib.import_module("numba.cuda"), self.engine.stream
        start, stop = cuda.event(), cuda.event()
        stream.synchronize()
        start.record(stream)
        for _ in range(count):
            call()
        stop.record(stream)
        stop.synchronize()
        return float(start.elapsed_time(stop)) / 1e3


class OursLaunchByLaunch(OursOnGpu):
    """Without CUDA graphs."""

    name = "pytmva_rnn, no graph"
    graphs = False


class OursLayerByLayer(OursOnGpu):
    """With the kernels of all networks also where a small one has a kernel of its own."""

    name = "pytmva_rnn, layer by layer"
    one_kernel = False


class OursOnTensorCores(OursOnGpu):
    """With products on tensor cores, three of TF32 for one of float32, layer by layer."""

    name = "pytmva_rnn, 3xTF32"
    one_kernel = False
    tensor_cores = True

    @classmethod
    def version(cls) -> str:
        found = super().version()
        if not _tensor_cores().able():
            raise MissingExtraError("the GPU has no tensor cores for TF32, which come with compute capability 8.0")
        return found


def _tensor_cores() -> Any:
    return importlib.import_module("pytmva_rnn.kernels.cuda.machine.tensor_cores")  # it wants numba-cuda
