"""CUDA graphs: what is asked of the driver, and that a batch of training needs nothing from the host."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from numba import cuda

from pytmva_rnn.network.devices import simulated
from pytmva_rnn.options import TrainingPhase
from tests.test_kernels_cpu import Net

if TYPE_CHECKING:
    from pytmva_rnn.kernels.cuda.machine.graphs import Graphs

pytestmark = pytest.mark.gpu


class Driver:
    """The driver's functions; those in `refused` fail."""

    CUstreamCaptureMode = SimpleNamespace(CU_STREAM_CAPTURE_MODE_RELAXED="relaxed")
    CUstream_flags = SimpleNamespace(CU_STREAM_NON_BLOCKING=1)

    def __init__(self, refused: tuple[str, ...] = ()) -> None:
        self.refused = refused
        self.calls: list[str] = []

    def CUstream(self, handle: int) -> int:
        return handle

    def __getattr__(self, name: str) -> Callable[..., tuple[Any, ...]]:
        def call(*arguments: Any) -> tuple[Any, ...]:
            self.calls.append(name)
            if name in self.refused:
                return (901,)
            return (0,) if name == "cuGraphLaunch" else (0, 7 if name == "cuStreamCreate" else f"made by {name}")

        return call


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Driver], Graphs]]:
    """Makes a driver the one in use."""
    from pytmva_rnn.kernels.cuda.machine import graphs

    def use(driver: Driver) -> Graphs:
        monkeypatch.setitem(sys.modules, "cuda.bindings.driver", driver)  # type: ignore[arg-type]
        # the simulator has none
        monkeypatch.setattr(cuda, "external_stream", lambda handle: handle, raising=False)
        graphs._captures.cache_clear()
        made = graphs.Graphs()
        made.wanted = True
        return made

    yield use
    graphs._captures.cache_clear()


CAPTURE = ["cuStreamBeginCapture", "launches on 7", "cuStreamEndCapture", "cuGraphInstantiate", "cuGraphDestroy"]


def test_calls_of_the_driver(use: Callable[[Driver], Graphs]) -> None:
    from pytmva_rnn.kernels.cuda.machine.graphs import Repeated

    driver = Driver()
    repeated = Repeated(lambda stream: driver.calls.append(f"launches on {stream}"), 5, use(driver))
    for _ in range(3):
        repeated()
    assert driver.calls == ["launches on 5", "cuStreamCreate", *CAPTURE, "cuGraphLaunch", "cuGraphLaunch"]
    del repeated
    assert driver.calls[-1] == "cuGraphExecDestroy"


@pytest.mark.parametrize(
    "refused", ["cuStreamCreate", "cuStreamBeginCapture", "cuStreamEndCapture", "cuGraphInstantiate"]
)
def test_without_the_drivers_help(
    refused: str, use: Callable[[Driver], Graphs], caplog: pytest.LogCaptureFixture
) -> None:
    from pytmva_rnn.kernels.cuda.machine.graphs import Repeated

    driver = Driver((refused,))
    graphs = use(driver)
    repeated, other = (Repeated(lambda stream: driver.calls.append(f"on {stream}"), 5, graphs) for _ in range(2))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            repeated()
            other()
    # one refusal is enough
    assert caplog.messages == [f"going on without CUDA graphs: {refused} failed: 901"]
    assert driver.calls[-2:] == ["on 5", "on 5"]
    assert ("cuStreamEndCapture" in driver.calls) == (refused not in ("cuStreamCreate", "cuStreamBeginCapture"))


def test_a_launch_that_fails_ends_the_capture(use: Callable[[Driver], Graphs]) -> None:
    from pytmva_rnn.kernels.cuda.machine.graphs import Graph

    def launch(stream: Any) -> None:
        raise ValueError("no such kernel")

    driver = Driver()
    use(driver)
    with pytest.raises(ValueError, match="no such kernel"):
        Graph(launch)
    assert driver.calls == ["cuStreamCreate", "cuStreamBeginCapture", "cuStreamEndCapture"]


class Again:
    """A graph that launches one by one."""

    made: ClassVar[list[Again]] = []

    def __init__(self, launches: Callable[[Any], None]) -> None:
        self._launches = launches
        self.launched = 0
        self.made.append(self)

    def launch(self, stream: Any) -> None:
        self.launched += 1
        self._launches(stream)


@pytest.fixture
def graphs_made(monkeypatch: pytest.MonkeyPatch) -> list[Again]:
    """The graphs, which under the simulator launch one by one."""
    from pytmva_rnn.kernels.cuda.machine import graphs

    if simulated():
        monkeypatch.setattr(graphs, "SIMULATED", False)
        monkeypatch.setattr(graphs, "Graph", Again)
        monkeypatch.setattr(Again, "made", [])
    return Again.made


@pytest.mark.parametrize("streamed", [False, True])
def test_batches_are_the_same_launches(
    streamed: bool, graphs_made: list[Again], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys of dropout, learning rates, running means and events of each batch are found on the device."""
    from pytmva_rnn.kernels.cuda.engine import Engine
    from pytmva_rnn.kernels.cuda.machine import memory

    net = Net("LSTM|2|2|2|1|1,RESHAPE|FLAT,BNORM,DENSE|3|TANH,LINEAR", (2, 1, 2), 9)
    phase = TrainingPhase(learning_rate=1e-2, optimizer="ADAM", drop_config=(0.0, 0.0, 0.0, 0.4, 0.2))
    plain, graph = net.engine(Engine, settings=phase), net.engine(Engine, settings=phase)
    plain.graphs.wanted = False
    if streamed:
        monkeypatch.setattr(memory, "free_memory", lambda: 10)
    random = np.random.default_rng(5)
    for count in (3, 3, 4):
        batches, keys = random.permutation(12)[: 3 * count].reshape(count, 3) % 9, random.integers(2**31, size=count)
        losses = [engine.epoch(*net.batch, batches, keys, lambda: None) for engine in (plain, graph)]
        assert losses[0] == losses[1]
    if simulated():
        # one for all epochs, from the second batch on
        assert [each.launched for each in graphs_made] == [9]
    for mine, theirs in zip(graph.weights(), plain.weights(), strict=True):
        for name, value in theirs.items():
            np.testing.assert_array_equal(mine[name], value)


def test_inference_is_the_same_launches(graphs_made: list[Again], monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses of a sample and scores of as many events are those of the weights as they are, however often."""
    from pytmva_rnn.kernels.cuda.engine import Engine
    from pytmva_rnn.kernels.cuda.machine import reserve

    monkeypatch.setattr(reserve, "_MOST_EVENTS", 4)
    net = Net("LSTM|2|2|2|0|1,RESHAPE|FLAT,DENSE|3|TANH,LINEAR", (2, 1, 2), 9)
    phase = TrainingPhase(learning_rate=1e-2)
    plain, graph = net.engine(Engine, settings=phase), net.engine(Engine, settings=phase)
    plain.graphs.wanted = False
    for _ in range(3):
        found = []
        for engine in (plain, graph):
            engine.step(*net.batch, np.arange(9), 1)
            found.append((engine.loss(*net.batch), engine.outputs(net.X).tolist(), engine.outputs(net.X[5:]).tolist()))
        assert found[0] == found[1]
    if simulated():
        # a step, a loss, scores of four events and of one
        assert sorted(each.launched for each in graphs_made) == [2, 2, 2, 8]


def test_graphs_can_be_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.machine import graphs

    monkeypatch.setattr(graphs, "SIMULATED", False)
    for value, expected in (("1", True), ("0", False), ("", False)):
        monkeypatch.setenv(graphs.VARIABLE, value)
        assert graphs.Graphs().wanted is expected
    monkeypatch.delenv(graphs.VARIABLE)
    assert graphs.Graphs().wanted
    monkeypatch.setattr(graphs, "SIMULATED", True)
    assert not graphs.Graphs().wanted


@pytest.mark.skipif(not simulated(), reason="counts the launches of the simulator's kernels")
def test_launches_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks are as fast as their launches; one of these transposes the recurrent weights."""
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
        assert len(names) == 14 + more, names
        names.clear()
