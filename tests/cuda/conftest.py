"""Tests marked `gpu` run on a GPU where there is one, else under Numba's simulator, else not at all."""

from __future__ import annotations

import pytest

from pytmva_rnn.network.devices import cuda_problem, simulated


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    problem = cuda_problem()
    for item in items:
        if problem is not None and "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason=f"{problem}; test_simulator.py runs it without"))


@pytest.fixture(autouse=simulated())
def _quick_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run kernels by our own simulator."""
    from numba.cuda.simulator.kernel import FakeCUDAKernel

    from tests.cuda import simulator

    monkeypatch.setattr(FakeCUDAKernel, "__call__", simulator.call)


@pytest.fixture(autouse=True)
def _general_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks here are small; test_small.py lets them have one kernel."""
    monkeypatch.setenv("PYTMVA_RNN_CUDA_ONE_KERNEL", "0")
