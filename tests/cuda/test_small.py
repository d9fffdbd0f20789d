"""One kernel for a small network: what it computes is what the general path and the reference do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import cuda

from pytmva_rnn.kernels.reference.engine import Engine as Reference
from pytmva_rnn.network.devices import simulated
from pytmva_rnn.options import TrainingPhase
from tests.test_kernels_cpu import RECURRENT, Net, recurrent

pytestmark = pytest.mark.gpu
ALL_LAYERS = pytest.mark.parametrize("kind", RECURRENT)
MANY = 9 if simulated() else 700
SGD = TrainingPhase(optimizer="SGD", learning_rate=0.1, momentum=0.5)


@pytest.fixture(autouse=True)
def _one_kernel(_general_path: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.small import choice

    monkeypatch.setenv("PYTMVA_RNN_CUDA_ONE_KERNEL", "1")
    monkeypatch.setattr(choice, "FEWEST_TRAINED", 1)
    monkeypatch.setattr(choice, "FEWEST_SCORED", 1)


@pytest.fixture(name="Engine")
def engine_class() -> type[Any]:
    from pytmva_rnn.kernels.cuda.engine import Engine

    return Engine


def paths(engine: Any) -> set[str]:
    """Which ways it goes."""
    return {type(workspace).__name__ for workspace in engine._reserve._workspaces.values()}


def assert_trains(net: Net, Engine: type[Any], phase: TrainingPhase = SGD, **options: Any) -> Any:
    """Outputs, losses and two steps are those of the reference; returns the engine."""
    mine, reference = (net.engine(each, settings=phase, **options) for each in (Engine, Reference))
    random = np.random.default_rng(5)
    np.testing.assert_allclose(mine.outputs(net.X), reference.outputs(net.X), rtol=2e-6, atol=2e-6)
    for key in (1, 2):
        events = random.permutation(len(net.X))
        assert mine.step(*net.batch, events, key) == pytest.approx(reference.step(*net.batch, events, key), rel=3e-6)
        assert mine.loss(*net.batch) == pytest.approx(reference.loss(*net.batch), rel=3e-6)
    trained = reference.weights()
    change = max(np.abs(each[n] - net.weights[k][n]).max() for k, each in enumerate(trained) for n in each)
    for number, (each, theirs) in enumerate(zip(mine.weights(), trained, strict=True)):
        for name, value in theirs.items():
            # a float32 weight, and the sum of its gradients
            np.testing.assert_allclose(
                each[name], value, rtol=2e-7, atol=5e-6 * change, err_msg=f"layer {number}, {name}"
            )
    return mine


@ALL_LAYERS
@pytest.mark.parametrize("sequence", [0, 1])
def test_recurrent(kind: str, sequence: int, Engine: type[Any]) -> None:
    layout = f"{recurrent(kind, 3, 2, 3, sequence=sequence)},RESHAPE|FLAT,DENSE|3|TANH,LINEAR"
    assert paths(assert_trains(Net(layout, (3, 1, 2), MANY), Engine)) == {"SmallWorkspace"}


@ALL_LAYERS
def test_weights_too_many_for_registers(kind: str, Engine: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.small import recurrent as module

    monkeypatch.setattr(module, "REGISTERS", 2)
    layout = f"{recurrent(kind, 3, 2, 2, sequence=0)},DENSE|2|TANH,{recurrent('RNN', 2, 1, 2)},RESHAPE|FLAT,LINEAR"
    layout = layout.replace(",RNN", ",RESHAPE|2|1|1,RNN")
    # the layer above wants the gradient of its input
    assert paths(assert_trains(Net(layout, (2, 1, 2), 5, seed=3), Engine)) == {"SmallWorkspace"}


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        ("RESHAPE|3|1|2,LSTM|2|2|3|0|1,GRU|3|2|3|0|1,RNN|2|3|3|0|0,RESHAPE|FLAT,LINEAR", (1, 1, 6)),
        ("RESHAPE|3|1|2,RNN|4|2|3|0|1,RESHAPE|6|1|2,LSTM|2|2|6|0|0,LINEAR", (1, 1, 6)),
        ("LSTM|1|1|1|0|1,RESHAPE|FLAT,LINEAR", (1, 1, 1)),
        ("DENSE|7|TANH,LINEAR", (1, 1, 5)),
    ],
)
def test_stacked_and_reshaped(layout: str, shape: tuple[int, int, int], Engine: type[Any]) -> None:
    assert paths(assert_trains(Net(layout, shape, 5), Engine)) == {"SmallWorkspace"}


@pytest.mark.parametrize("activation", ["LINEAR", "RELU", "SIGMOID", "SYMMRELU", "SOFTSIGN", "GAUSS", "FTANH"])
def test_activations(activation: str, Engine: type[Any]) -> None:
    assert_trains(Net(f"DENSE|3|{activation},LINEAR", (1, 1, 2), 5), Engine)


@pytest.mark.parametrize(("loss", "outputs"), [("C", 2), ("R", 2), ("S", 3)])
def test_losses(loss: str, outputs: int, Engine: type[Any]) -> None:
    net = Net(f"DENSE|3|TANH,DENSE|{outputs}|LINEAR", (1, 1, 2), MANY, outputs=outputs, loss=loss)
    assert paths(assert_trains(net, Engine)) == {"SmallWorkspace"}


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_batch_sizes(batch: int, Engine: type[Any]) -> None:
    """A block has a group of events, which may not be full, or several groups."""
    assert_trains(Net("GRU|2|2|2|0|1,RESHAPE|FLAT,LINEAR", (2, 1, 2), batch), Engine)


@pytest.mark.parametrize("regularization", ["1", "2"])
def test_what_the_update_adds(regularization: str, Engine: type[Any]) -> None:
    options: dict[str, Any] = {"regularization": regularization, "weight_decay": 1e-2, "clip_norm": 0.05}
    assert_trains(Net("DENSE|3|TANH,LINEAR", (1, 1, 2), 6), Engine, **options)


def test_a_sequence_as_the_output(Engine: type[Any]) -> None:
    assert_trains(Net("RNN|2|2|3|0|1,RESHAPE|FLAT", (3, 1, 2), 5, outputs=6, loss="R"), Engine)


def test_both_paths_make_the_same(Engine: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net("LSTM|3|2|3|0|1,RESHAPE|FLAT,DENSE|3|TANH,LINEAR", (3, 1, 2), 5)
    batches, keys = np.array([[0, 3, 2], [4, 1, 0]]), np.array([1, 2])
    one, again = (net.engine(Engine, settings=SGD) for _ in range(2))
    monkeypatch.setenv("PYTMVA_RNN_CUDA_ONE_KERNEL", "0")
    general = net.engine(Engine, settings=SGD)
    losses = [engine.epoch(*net.batch, batches, keys, lambda: None) for engine in (one, again, general)]
    assert losses[0] == losses[1] == pytest.approx(losses[2], rel=2e-6)
    assert (paths(one), paths(general)) == ({"SmallWorkspace"}, {"DeviceWorkspace"})
    for mine, same, theirs in zip(one.weights(), again.weights(), general.weights(), strict=True):
        for name, value in theirs.items():
            np.testing.assert_array_equal(mine[name], same[name])
            np.testing.assert_allclose(mine[name], value, atol=1e-6)


@pytest.mark.parametrize(
    ("layout", "drop"),
    [
        ("RNN|2|2|2|0|0,DENSE|2|TANH,LINEAR", (0.0, 0.5)),
        ("RNN|2|2|2|1|0,LINEAR", ()),
        ("RESHAPE|FLAT,BNORM,LINEAR", ()),
        ("RESHAPE|FLAT", ()),
    ],
    ids=["dropout", "remembered states", "batch normalisation", "nothing to train"],
)
def test_what_takes_the_general_path(layout: str, drop: tuple[float, ...], Engine: type[Any]) -> None:
    outputs = 4 if layout == "RESHAPE|FLAT" else 1
    net = Net(layout, (2, 1, 2), 4, outputs=outputs, loss="R")
    engine = net.engine(Engine, settings=TrainingPhase(drop_config=drop))
    engine.step(*net.batch, np.arange(4), 1)
    assert paths(engine) == {"DeviceWorkspace"}
    if drop:
        # nothing is dropped in inference
        engine.loss(*net.batch)
        assert paths(engine) == {"DeviceWorkspace", "SmallWorkspace"}


def test_a_layer_without_a_part_in_one_kernel(Engine: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.layers import LAYERS, SMALL_LAYERS, register_layer

    net = Net("DENSE|2|TANH,LINEAR", (1, 1, 2), 4)
    kind = "DENSE"
    part, small = LAYERS.find(kind), SMALL_LAYERS.find(kind)
    try:
        LAYERS.remove(kind)
        SMALL_LAYERS.remove(kind)
        register_layer(kind, part)
        assert paths(assert_trains(net, Engine)) == {"DeviceWorkspace"}
    finally:
        LAYERS.remove(kind)
        register_layer(kind, part, small)


def test_chosen_by_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As few events a block as keep all of a batch at work, or two blocks of many; and none where they do not fit."""
    from pytmva_rnn.kernels.cuda.small import choice
    from tests.cuda.signatures import untrained

    sizes = {"_EVENTS": (1, 2, 4, 8, 16), "_FEWEST": 8, "_THREADS": 256, "_RESERVED": 1024}
    card = {"multiprocessors": 132, "shared_bytes": 227 << 10, "shared_bytes_of_all": 228 << 10}
    for name, value in sizes.items():
        monkeypatch.setattr(choice, name, value)
    for name, value in card.items():
        monkeypatch.setattr(choice, name, lambda value=value: value)

    def events(layout: str, steps: int, inputs: int, batch: int, training: bool = True) -> int | None:
        layers, weights = untrained(layout, (steps, 1, inputs))
        network = choice.choose(layers, weights, steps * inputs, batch, training=training)
        return None if network is None else network.block.events

    typical = "LSTM|10|30|10|0|1,RESHAPE|FLAT,DENSE|64|TANH,LINEAR", 10, 30
    assert [events(*typical, batch) for batch in (1, 100, 200, 1000, 5000, 65536)] == [1, 1, 2, 8, 16, 16]
    monkeypatch.setattr(choice, "FEWEST_TRAINED", 16)
    monkeypatch.setattr(choice, "FEWEST_SCORED", 1024)
    assert [events(*typical, batch) for batch in (15, 16)] == [None, 1]
    assert [events(*typical, batch, training=False) for batch in (1023, 1024)] == [None, 8]
    # a block has the weights, or no other beside it
    assert [events("DENSE|170|TANH,LINEAR", 1, 170, batch) for batch in (1000, 65536)] == [8, None]
    assert events("DENSE|250|TANH,LINEAR", 1, 250, 100) is None
    assert events("LSTM|128|16|50|0|0,LINEAR", 50, 16, 100) is None
    # a card without more shared memory than any
    monkeypatch.setattr(choice, "shared_bytes", lambda: 48 << 10)
    assert [events(*typical, batch) for batch in (100, 1000)] == [1, None]
    assert events("RNN|8|4|5|0|0,LINEAR", 5, 4, 65536) == 16


def test_launches(Engine: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two a step, one a loss, one for scores; with the types that are compiled without a GPU."""
    if not simulated():
        pytest.skip("listens to the simulator")
    from numba import typeof
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray
    from numba.cuda.simulator.kernel import FakeCUDAKernel

    from tests.cuda.signatures import LEARNING, LOSSES, SCORING

    launched: list[tuple[str, Any]] = []
    whole = FakeCUDAKernel.__call__

    def noted(self: Any, *arguments: Any) -> Any:
        if not self._device:
            given = tuple(typeof(a._ary if isinstance(a, FakeCUDAArray) else a) for a in arguments)
            launched.append((self.fn.__name__, given))
        return whole(self, *arguments)

    monkeypatch.setattr(FakeCUDAKernel, "__call__", noted)
    net = Net("GRU|2|2|2|0|1|1,RESHAPE|FLAT,DENSE|3|TANH,LINEAR", (2, 1, 2), 4)
    engine = net.engine(Engine, settings=TrainingPhase())
    engine.step(*net.batch, np.arange(3), 0)
    engine.loss(*net.batch)
    engine.outputs(net.X)
    names = [name for name, _ in launched]
    assert names == ["learn", "_update", "add_loss", "score"]
    assert [launched[k][1] for k in (0, 2, 3)] == [LEARNING, LOSSES, SCORING]


def test_kernels_are_made_once(Engine: type[Any]) -> None:
    """For networks of the same sizes, and not for ever more of others."""
    from pytmva_rnn.kernels.cuda.small import workspace

    net = Net("DENSE|2|TANH,LINEAR", (1, 1, 3), 4)
    net.engine(Engine).outputs(net.X)
    before = dict(workspace._kernels)
    net.engine(Engine).outputs(net.X)
    assert workspace._kernels == before
    for _ in range(workspace._KEPT):
        workspace._kernels[object()] = None
    other = Net("DENSE|3|TANH,LINEAR", (1, 1, 3), 4)
    other.engine(Engine).outputs(other.X)
    assert len(workspace._kernels) <= workspace._KEPT + len(before)


def test_a_nan_stays_where_it_is(Engine: type[Any]) -> None:
    net = Net("LSTM|3|2|2|0|1,GRU|2|3|2|0|0|1,DENSE|2|RELU,LINEAR", (2, 1, 2), 5)
    engine = net.engine(Engine)
    together = engine.outputs(net.X)
    net.X[3, 1, 1] = np.nan
    spoilt = engine.outputs(net.X)
    assert np.isnan(spoilt[3, 0])
    np.testing.assert_array_equal(np.delete(spoilt, 3), np.delete(together, 3))


def test_products_of_any_size() -> None:
    """Rectangles that do not fill the rows or columns, vectors side by side and apart, numbers in any number."""
    from pytmva_rnn.kernels.cuda.machine.device import float32, kernel
    from pytmva_rnn.kernels.cuda.small.product import Depth, Factor, Target, into_gradient, into_shared

    random = np.random.default_rng(1)
    for rows, columns, inner, outer in ((7, 5, 3, 1), (3, 11, 4, 2), (1, 1, 2, 1), (2, 9, 1, 3), (3, 2, 5, 0)):
        left, right = random.normal(size=(rows, outer * inner)), random.normal(size=(columns, outer * inner))
        depth, n = Depth(inner, outer), outer * inner
        # rows side by side, and columns
        a = Factor(0, rows, n, 1, over=inner)
        b = Factor(rows * n, columns, 1, columns, over=inner * columns)
        start = rows * n + columns * n
        product = into_shared(a, b, depth, 4, Target(start, columns, rows, 0))
        swapped = into_gradient(b, a, depth, 4, 1)

        @kernel
        def multiply(given, out, gradient):  # type: ignore[no-untyped-def]
            shared = cuda.shared.array(0, float32)
            if cuda.threadIdx.x == 0:
                for k in range(len(given)):
                    shared[k] = given[k]
            cuda.syncthreads()
            thread = np.uint64(cuda.threadIdx.x)
            product(shared, thread)  # noqa: B023
            swapped(shared, gradient, True, thread)  # noqa: B023
            swapped(shared, gradient, False, thread)  # noqa: B023
            cuda.syncthreads()
            if cuda.threadIdx.x == 0:
                for k in range(len(out)):
                    out[k] = shared[len(given) + k]

        given = cuda.to_device(np.concatenate([left.ravel(), right.T.ravel()]).astype(np.float32))
        out, gradient = cuda.device_array(rows * columns, np.float32), cuda.to_device(np.zeros(1 + rows * columns))
        multiply[1, 4, 0, 4 * (start + rows * columns)](given, out, gradient)
        expected = left @ right.T
        np.testing.assert_allclose(out.copy_to_host().reshape(rows, columns), expected, atol=1e-5)
        transposed = gradient.copy_to_host()[1:].reshape(columns, rows)
        np.testing.assert_allclose(transposed, 2 * expected.T, atol=1e-5)


def test_the_events_of_a_batch_alone_count(Engine: type[Any]) -> None:
    """A group that lacks events is filled with copies of the last one, whose weight is not counted."""
    net = Net("DENSE|2|TANH,LINEAR", (1, 1, 2), 5)
    net.w[:] = 0
    net.w[1] = 1.5
    mine, reference = (net.engine(each, settings=SGD) for each in (Engine, Reference))
    for engine in (mine, reference):
        engine.step(*net.batch, np.array([3, 4, 1]), 1)
    for each, theirs in zip(mine.weights(), reference.weights(), strict=True):
        for name, value in theirs.items():
            np.testing.assert_allclose(each[name], value, atol=1e-6)


def test_switched_off(Engine: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.small import choice

    for value, expected in (("0", False), ("", False), ("1", True)):
        monkeypatch.setenv(choice.VARIABLE, value)
        assert choice.one_kernel_wanted() is expected
    monkeypatch.delenv(choice.VARIABLE)
    assert choice.one_kernel_wanted()
