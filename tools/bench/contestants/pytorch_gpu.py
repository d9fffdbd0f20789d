"""PyTorch's networks on a GPU: cuDNN's recurrent layers, plain, compiled and as CUDA graphs; timed with CUDA events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.cases import CaseData
from bench.contestants.pytorch import PyTorch
from bench.measure import repeated
from pytmva_rnn import extras
from pytmva_rnn.errors import MissingExtraError

__all__ = ["PyTorchCompiled", "PyTorchOnGpu", "PyTorchWithGraph"]


class PyTorchOnGpu(PyTorch):
    """The contestant `PyTorch` on a device, in float32 throughout: without the shorter products of TF32."""

    does = ("train", "infer")
    device: ClassVar[str] = "cuda"
    """On "cpu" the code runs where there is no GPU; time is the clock's then, and there are no graphs."""

    def __init__(self, problem: CaseData, threads: int = 0) -> None:
        super().__init__(problem, threads)
        torch = self._torch
        torch.backends.cudnn.allow_tf32 = False
        self._cell.to(self.device)
        for linear in self._linear:
            linear.to(self.device)
        self._X, self._y = self._X.to(self.device), self._y.to(self.device)
        # a step puts its batch together, as one of shuffled events does
        self._order = torch.arange(len(self._X), device=self.device)
        # what a CUDA graph needs: the number of the step on the device
        self._optimizer = self._adam(capturable=self.device == "cuda")

    @classmethod
    def version(cls) -> str:
        """Of PyTorch, and of the CUDA and cuDNN that it brings."""
        torch: Any = extras.torch()
        if cls.device == "cuda" and not torch.cuda.is_available():
            raise MissingExtraError("this PyTorch was built without CUDA, or finds no GPU")
        brought = {"CUDA": torch.version.cuda, "cuDNN": torch.backends.cudnn.version() if torch.version.cuda else None}
        return ", ".join([str(torch.__version__), *(f"{name} {found}" for name, found in brought.items() if found)])

    def prepare(self) -> None:
        return

    def gradients(self) -> None:
        return None

    def scores(self) -> NDArray[np.float64]:
        return np.asarray(self._torch.sigmoid(self._score(self._X)).cpu(), np.float64).reshape(-1)

    def timer(self, what: str) -> Callable[[int], float]:
        return self._events(self.call(what))

    @staticmethod
    def free() -> None:
        """Give the memory of contestants that have been deleted, which PyTorch keeps for others, back to the device."""
        try:
            torch = extras.torch()
        except MissingExtraError:
            return
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _loss(self) -> Any:
        outputs = self._outputs(self._X[self._order])
        return self._torch.nn.functional.binary_cross_entropy_with_logits(outputs, self._y[self._order])

    def _score(self, X: Any) -> Any:
        """Raw outputs: a loss needs no scores, and whoever wants some has them on the host."""
        with self._torch.inference_mode():
            return self._outputs(X)

    def _events(self, call: Callable[[], Any]) -> Callable[[int], float]:
        if self.device != "cuda":
            return repeated(call)
        torch = self._torch

        def by_events(count: int) -> float:
            start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            torch.cuda.synchronize()
            start.record()
            for _ in range(count):
                call()
            stop.record()
            stop.synchronize()
            return float(start.elapsed_time(stop)) / 1e3

        return by_events


class PyTorchCompiled(PyTorchOnGpu):
    """By `torch.compile`, which leaves cuDNN's layer as it is and joins what is around it."""

    name = "PyTorch, compiled"

    def __init__(self, problem: CaseData, threads: int = 0) -> None:
        super().__init__(problem, threads)
        self._compiled_loss = self._torch.compile(super()._loss)
        self._compiled_score = self._torch.compile(super()._score)

    def _loss(self) -> Any:
        return self._compiled_loss()

    def _score(self, X: Any) -> Any:
        return self._compiled_score(X)


class PyTorchWithGraph(PyTorchOnGpu):
    """A captured graph of one call."""

    name = "PyTorch, CUDA graph"

    def timer(self, what: str) -> Callable[[int], float]:
        """A timer of the replayed graph.

        Raises
        ------
        RuntimeError
            If PyTorch cannot capture the call, or has too little memory.
        """
        return self._events(self._captured(self.call(what)))

    def _captured(self, call: Callable[[], Any]) -> Callable[[], Any]:
        torch = self._torch
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                call()
        torch.cuda.current_stream().wait_stream(side)
        captured = torch.cuda.CUDAGraph()
        with torch.cuda.graph(captured):
            call()
        replay: Callable[[], Any] = captured.replay
        return replay
