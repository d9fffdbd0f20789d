"""CUDA graphs: many launches in one call, for networks so small that launching is the work.

PYTMVA_RNN_CUDA_GRAPHS=0 does without.
"""

from __future__ import annotations

import importlib
import logging
import threading
import weakref
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, switched_on

log = logging.getLogger("pytmva_rnn")

VARIABLE = "PYTMVA_RNN_CUDA_GRAPHS"

Launches: TypeAlias = Callable[[Any], None]
"""Launches kernels on a stream, and copies between arrays of the device: the same whenever it is called."""


def _call(name: str, *arguments: Any) -> Any:
    """A function of the driver.

    Raises
    ------
    RuntimeError
        If it refuses.
    """
    code, *values = getattr(_driver(), name)(*arguments)
    if int(code) != 0:
        raise RuntimeError(f"{name} failed: {code}")
    return values[0] if values else None


def _driver() -> Any:
    return importlib.import_module("cuda.bindings.driver")


@cache
def _captures() -> Any:
    """The stream that launches are captured on.

    One that does not wait for the default stream: what another thread does there would be refused meanwhile.
    """
    handle = _call("cuStreamCreate", _driver().CUstream_flags.CU_STREAM_NON_BLOCKING)
    return cuda.external_stream(int(handle))


_capturing = threading.Lock()


class Graph:
    """Launches that were captured once, to be launched again as a whole.

    They must not allocate, wait or copy from the host, and their kernels must have been compiled before. Whoever has
    the graph keeps the memory that they use.

    Parameters
    ----------
    launches : callable

    Raises
    ------
    RuntimeError
        If the driver refuses; nothing has been launched then.
    """

    def __init__(self, launches: Launches) -> None:
        driver = _driver()
        self._launch = driver.cuGraphLaunch
        with _capturing, cuda.defer_cleanup():
            stream = _captures()
            handle = driver.CUstream(int(stream))
            _call("cuStreamBeginCapture", handle, driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED)
            try:
                launches(stream)
            finally:
                # also where the launches failed: the stream must not stay in capture
                captured = _call("cuStreamEndCapture", handle)
        try:
            self._graph = _call("cuGraphInstantiate", captured, 0)
        finally:
            _call("cuGraphDestroy", captured)
        # one that is at work is freed after it; at the end of the process the driver frees all
        weakref.finalize(self, driver.cuGraphExecDestroy, self._graph).atexit = False

    def launch(self, stream: Any) -> None:
        """Do it all once more."""
        (code,) = self._launch(self._graph, int(stream))
        if int(code) != 0:
            raise RuntimeError(f"cuGraphLaunch failed: {code}")


class Graphs:
    """Whether launches become graphs: as the environment says, and as long as the driver captures them.

    Attributes
    ----------
    wanted : bool
    """

    def __init__(self) -> None:
        self.wanted = switched_on(VARIABLE, otherwise=True) and not SIMULATED

    def capture(self, launches: Launches) -> Graph | None:
        """Their graph, or None, and no further attempt, where there is none to be had."""
        try:
            return Graph(launches)
        except Exception as error:  # whatever the driver, its bindings or Numba say: it goes on without
            log.warning("going on without CUDA graphs: %s", error)
            self.wanted = False
            return None


class Repeated:
    """Launches that are done again and again: from the second time on by a graph, where it can be had.

    The first time compiles what they need, which must not happen in a capture; and to capture takes about as long as to
    launch one by one.

    Parameters
    ----------
    launches : callable
    stream : CUDA stream
        Not the default one.
    graphs : Graphs
    """

    def __init__(self, launches: Launches, stream: Any, graphs: Graphs) -> None:
        self._launches, self._stream, self._graphs = launches, stream, graphs
        self._first = True
        self._graph: Graph | None = None

    def __call__(self) -> None:
        """Do it once more."""
        if self._graph is None and self._graphs.wanted and not self._first:
            self._graph = self._graphs.capture(self._launches)
        self._first = False
        if self._graph is None:
            self._launches(self._stream)
        else:
            self._graph.launch(self._stream)
