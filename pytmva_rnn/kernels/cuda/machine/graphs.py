"""CUDA graphs of a training batch: all its launches in one call, for networks so small that launching is the work.

Not yet run on a GPU, and so only on request: PYTMVA_RNN_CUDA_GRAPHS=1.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable
from typing import Any

from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import SIMULATED

log = logging.getLogger("pytmva_rnn")

VARIABLE = "PYTMVA_RNN_CUDA_GRAPHS"


def wanted() -> bool:
    """Whether the environment asks for graphs, and there is a GPU to capture them on."""
    return os.environ.get(VARIABLE, "0") not in ("", "0") and not SIMULATED


class Graph:
    """What a function launches on a stream, captured once and launched again as a whole.

    The function must not allocate, wait or copy from the host, and its kernels must have been compiled before.

    Parameters
    ----------
    launch : callable
    stream : CUDA stream
        Not the default one, which cannot be captured.

    Raises
    ------
    RuntimeError
        If the driver refuses; nothing has been launched then.
    """

    def __init__(self, launch: Callable[[], None], stream: Any) -> None:
        self._driver = importlib.import_module("cuda.bindings.driver")
        self._stream = self._driver.CUstream(int(stream))
        self._graph: Any = None
        mode = self._driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
        with cuda.defer_cleanup():
            self._call("cuStreamBeginCapture", self._stream, mode)
            try:
                launch()
            finally:
                # also where the launches failed: the stream must not stay in capture
                captured = self._call("cuStreamEndCapture", self._stream)
        try:
            self._graph = self._call("cuGraphInstantiate", captured, 0)
        finally:
            self._call("cuGraphDestroy", captured)

    def launch(self) -> None:
        """Do it all once more."""
        self._call("cuGraphLaunch", self._graph, self._stream)

    def close(self) -> None:
        """Free it, after its last launch."""
        self._call("cuGraphExecDestroy", self._graph)

    def _call(self, name: str, *arguments: Any) -> Any:
        code, *values = getattr(self._driver, name)(*arguments)
        if int(code) != 0:
            raise RuntimeError(f"{name} failed: {code}")
        return values[0] if values else None


class Repeating:
    """Calls of a function of launches; if asked, from the second on by a graph, where it can be had.

    The first call compiles what it needs, which must not happen in a capture.

    Attributes
    ----------
    refused : bool
        Whether there was no graph to be had.
    """

    def __init__(self, launch: Callable[[], None], stream: Any, asked: bool) -> None:
        self.refused = False
        self._launch, self._stream, self._asked = launch, stream, asked
        self._calls = 0
        self._graph: Graph | None = None

    def __enter__(self) -> Repeating:
        return self

    def __exit__(self, *error: object) -> None:
        if self._graph is not None:
            self._stream.synchronize()
            self._graph.close()

    def __call__(self) -> None:
        """Do it once more."""
        self._calls += 1
        if self._asked and self._calls == 2:
            try:
                self._graph = Graph(self._launch, self._stream)
            except Exception as error:  # whatever the driver, its bindings or Numba say: it goes on without
                log.warning("training without a CUDA graph: %s", error)
                self.refused = True
        if self._graph is None:
            self._launch()
        else:
            self._graph.launch()
