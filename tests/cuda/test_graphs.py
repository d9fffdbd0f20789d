"""CUDA graphs: what is asked of the driver, and that a batch of training needs nothing from the host."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numba import cuda

from pytmva_rnn.network.devices import simulated
from pytmva_rnn.options import TrainingPhase
from tests.test_kernels_cpu import Net

pytestmark = pytest.mark.gpu


class Driver:
    """The driver's functions; those in `refused` fail."""

    CUstreamCaptureMode = SimpleNamespace(CU_STREAM_CAPTURE_MODE_RELAXED="relaxed")

    def __init__(self, refused: tuple[str, ...] = ()) -> None:
        self.refused = refused
        self.calls: list[str] = []

    def CUstream(self, handle: int) -> int:
        return handle

    def __getattr__(self, name: str) -> Callable[..., tuple[Any, ...]]:
        def call(*arguments: Any) -> tuple[Any, ...]:
            self.calls.append(name)
            return 901 if name in self.refused else 0, f"made by {name}"

        return call


def use(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> Driver:
    monkeypatch.setitem(sys.modules, "cuda.bindings.driver", driver)  # type: ignore[arg-type]
    return driver


CAPTURE = ["cuStreamBeginCapture", "launches", "cuStreamEndCapture", "cuGraphInstantiate", "cuGraphDestroy"]


def test_calls_of_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.machine.graphs import Repeating

    driver = use(Driver(), monkeypatch)
    stream = Stream()
    with Repeating(lambda: driver.calls.append("launches"), stream, True) as repeat:
        for _ in range(3):
            repeat()
    assert driver.calls == ["launches", *CAPTURE, "cuGraphLaunch", "cuGraphLaunch", "waits", "cuGraphExecDestroy"]


class Stream:
    """A stream of the fake driver."""

    def __int__(self) -> int:
        return 7

    def synchronize(self) -> None:
        sys.modules["cuda.bindings.driver"].calls.append("waits")


@pytest.mark.parametrize("refused", ["cuStreamBeginCapture", "cuStreamEndCapture", "cuGraphInstantiate"])
def test_without_the_drivers_help(
    refused: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from pytmva_rnn.kernels.cuda.machine.graphs import Repeating

    driver = use(Driver((refused,)), monkeypatch)
    with caplog.at_level(logging.WARNING), Repeating(lambda: driver.calls.append("launches"), 7, True) as repeat:
        for _ in range(3):
            repeat()
    assert caplog.messages == [f"training without a CUDA graph: {refused} failed: 901"]
    assert repeat.refused
    assert driver.calls[-2:] == ["launches", "launches"]
    assert ("cuStreamEndCapture" in driver.calls) == (refused != "cuStreamBeginCapture")


def test_a_launch_that_fails_ends_the_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.machine.graphs import Graph

    def launch() -> None:
        raise ValueError("no such kernel")

    driver = use(Driver(), monkeypatch)
    with pytest.raises(ValueError, match="no such kernel"):
        Graph(launch, 7)
    assert driver.calls == ["cuStreamBeginCapture", "cuStreamEndCapture"]


@pytest.mark.skipif(not simulated(), reason="the driver is a fake")
def test_one_refusal_is_enough(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.engine import Engine

    use(Driver(("cuStreamBeginCapture",)), monkeypatch)
    monkeypatch.setattr(cuda, "stream", Stream)
    net = Net("DENSE|2|TANH,LINEAR", (1, 1, 2), 6)
    engine = net.engine(Engine, settings=TrainingPhase())
    engine.graphs = True
    for _ in range(2):
        engine.epoch(*net.batch, np.arange(6).reshape(2, 3), np.array([1, 2]), lambda: None)
    assert len(caplog.messages) == 1
    assert not engine.graphs


@pytest.mark.parametrize("streamed", [False, True])
def test_batches_are_the_same_launches(streamed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of dropout, learning rates, running means and events of each batch are found on the device."""
    from pytmva_rnn.kernels.cuda.engine import Engine
    from pytmva_rnn.kernels.cuda.machine import graphs, memory

    launched = []

    class Again:
        """A graph that launches one by one."""

        def __init__(self, launch: Callable[[], None], stream: Any) -> None:
            self.launch = lambda: launched.append(1) or launch()

        def close(self) -> None:
            launched.append(0)

    net = Net("LSTM|2|2|2|1|1,RESHAPE|FLAT,BNORM,DENSE|3|TANH,LINEAR", (2, 1, 2), 9)
    phase = TrainingPhase(learning_rate=1e-2, optimizer="ADAM", drop_config=(0.0, 0.0, 0.0, 0.4, 0.2))
    plain, graph = net.engine(Engine, settings=phase), net.engine(Engine, settings=phase)
    if simulated():
        monkeypatch.setattr(graphs, "Graph", Again)
    if streamed:
        monkeypatch.setattr(memory, "free_memory", lambda: 10)
    graph.graphs = True
    random = np.random.default_rng(5)
    for _ in range(2):
        batches, keys = random.permutation(9).reshape(3, 3), random.integers(2**31, size=3)
        losses = [engine.epoch(*net.batch, batches, keys, lambda: None) for engine in (plain, graph)]
        assert losses[0] == losses[1]
    if simulated():
        assert launched == [1, 1, 0] * 2
    for mine, theirs in zip(graph.weights(), plain.weights(), strict=True):
        for name, value in theirs.items():
            np.testing.assert_array_equal(mine[name], value)


def test_graphs_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.machine import graphs

    monkeypatch.setattr(graphs, "SIMULATED", False)
    for value, expected in (("1", True), ("0", False), ("", False)):
        monkeypatch.setenv(graphs.VARIABLE, value)
        assert graphs.wanted() is expected
    monkeypatch.delenv(graphs.VARIABLE)
    assert not graphs.wanted()
    monkeypatch.setenv(graphs.VARIABLE, "1")
    monkeypatch.setattr(graphs, "SIMULATED", True)
    assert not graphs.wanted()


@pytest.mark.skipif(not simulated(), reason="counts the launches of the simulator's kernels")
def test_launches_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks are as fast as their launches."""
    from numba.cuda.simulator.kernel import FakeCUDAKernel

    from pytmva_rnn.kernels.cuda.engine import Engine

    names: list[str] = []
    whole = FakeCUDAKernel.__call__

    def counted(self: Any, *arguments: Any) -> Any:
        if not self._device:
            names.append(self.fn.__name__)
        return whole(self, *arguments)

    monkeypatch.setattr(FakeCUDAKernel, "__call__", counted)
    for layer, more in (("LSTM|2|2|2|0|1", 0), ("GRU|2|2|2|0|1|1", 1), ("RNN|2|2|2|0|1", 0)):
        net = Net(f"{layer},RESHAPE|FLAT,DENSE|3|TANH,LINEAR", (2, 1, 2), 4)
        engine = net.engine(Engine, settings=TrainingPhase())
        engine.step(*net.batch, np.arange(3), 0)
        assert len(names) == 13 + more, names
        names.clear()
