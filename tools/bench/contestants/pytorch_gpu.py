"""PyTorch's networks on a GPU: cuDNN's recurrent layers, with and without CUDA graphs."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cases import CaseData
from bench.contestants.pytorch import PyTorch
from pytmva_rnn import extras
from pytmva_rnn.errors import MissingExtraError

__all__ = ["PyTorchOnDevice"]


class PyTorchOnDevice(PyTorch):
    """The contestant `PyTorch` on a device, in float32 throughout: without the shorter products of TF32.

    Parameters
    ----------
    problem : CaseData
    device : "cuda" or "cpu"
        On the CPU there are no CUDA graphs, and time is the clock's.

    Raises
    ------
    MissingExtraError
        Without PyTorch, or with one that cannot use the device.
    """

    def __init__(self, problem: CaseData, device: str = "cuda") -> None:
        super().__init__(problem, 1)
        torch = self._torch
        self._device = device
        if device == "cuda":
            if not torch.cuda.is_available():
                raise MissingExtraError("this PyTorch was built without CUDA, or finds no GPU")
            torch.backends.cudnn.allow_tf32 = False
        self._cell.to(device)
        for linear in self._linear:
            linear.to(device)
        self._X, self._y = self._X.to(device), self._y.to(device)
        # what a CUDA graph needs: the number of the step on the device
        self._optimizer = self._adam(capturable=device == "cuda")

    @staticmethod
    def versions() -> dict[str, str]:
        """Of PyTorch, and of the CUDA and cuDNN that it brings; nothing if it is not installed."""
        try:
            torch: Any = extras.torch()
        except MissingExtraError:
            return {}
        found = {"torch": torch.__version__, "CUDA of torch": torch.version.cuda}
        found["cuDNN of torch"] = torch.backends.cudnn.version() if torch.version.cuda else None
        return {name: str(version) for name, version in found.items() if version is not None}

    def scores(self) -> NDArray[np.float64]:
        return np.asarray(self._score(self._X).cpu(), np.float64).reshape(-1)

    def timer(self, what: str, *, graph: bool = False) -> Callable[[int], float]:
        """A timer of calls one by one, or of a captured graph of one call.

        Raises
        ------
        RuntimeError
            If PyTorch cannot capture the call, or has too little memory.
        """
        call = self.call(what)
        return self._events(self._captured(call) if graph else call)

    @staticmethod
    def free() -> None:
        """Give the memory of contestants that are gone, which PyTorch keeps for others, back to the device."""
        try:
            torch = extras.torch()
        except MissingExtraError:
            return
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

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

    def _events(self, call: Callable[[], Any]) -> Callable[[int], float]:
        torch = self._torch

        def by_events(count: int) -> float:
            start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            torch.cuda.synchronize()
            start.record()
            for _ in range(count):
                call()
            stop.record()
            stop.synchronize()
            return float(start.elapsed_time(stop)) / 1e3 / count

        def by_clock(count: int) -> float:
            started = time.perf_counter()
            for _ in range(count):
                call()
            return (time.perf_counter() - started) / count

        return by_events if self._device == "cuda" else by_clock
