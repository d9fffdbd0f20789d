"""Tests marked `gpu` run on a GPU where there is one, else under Numba's simulator, else not at all."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numba.np import numpy_support

from pytmva_rnn.network.devices import cuda_problem, simulated


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    problem = cuda_problem()
    for item in items:
        if problem is not None and "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason=f"{problem}; test_simulator.py runs it without"))


@pytest.fixture(autouse=simulated())
def _quick_and_safe_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the simulator's threads, which wait for one another all the time, switch quickly.

    Two threads of the simulator that ask for the same shared array at the same time may get one each.
    """
    from numba.cuda.simulator.kernelapi import FakeCUDAShared

    lock = threading.Lock()

    def array(self: Any, shape: Any, dtype: Any) -> Any:
        dtype = numpy_support.as_dtype(dtype)
        if shape == 0:
            return np.frombuffer(self._dynshared.data, dtype, self._dynshared_size // dtype.itemsize)
        caller = sys._getframe(1)
        with lock:
            return self._allocations.setdefault((caller.f_code, caller.f_lineno), np.empty(shape, dtype))

    monkeypatch.setattr(FakeCUDAShared, "array", array)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)
