"""The CUDA kernels against the reference kernels: sizes that are multiples of nothing, odd batches, little memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pytmva_rnn.kernels.reference.engine import Engine as Reference
from pytmva_rnn.network.devices import simulated
from pytmva_rnn.options import TrainingPhase
from tests.test_kernels_cpu import OPTIMIZERS, RECURRENT, Net, assert_same, recurrent
from tests.test_kernels_engine_state import assert_goes_on
from tests.test_training_additions import assert_clips

pytestmark = pytest.mark.gpu
ALL_LAYERS = pytest.mark.parametrize("kind", RECURRENT)
SIZES = [1, 3, 5] if simulated() else [1, 2, 3, 7, 17, 64, 130, 530]
BATCHES = [1, 4, 9] if simulated() else [1, 2, 33, 1000]


@pytest.fixture(name="Engine")
def engine_class() -> type[Any]:
    from pytmva_rnn.kernels.cuda.engine import Engine

    return Engine


@ALL_LAYERS
@pytest.mark.parametrize("H", SIZES)
@pytest.mark.parametrize("sequence", [0, 1])
def test_state_sizes(kind: str, H: int, sequence: int, Engine: type[Any]) -> None:
    layout = f"{recurrent(kind, H, 2, 3, sequence=sequence)},RESHAPE|FLAT,DENSE|3|TANH,LINEAR"
    assert_same(Net(layout, (3, 1, 2), 5), Engine)


@ALL_LAYERS
@pytest.mark.parametrize("batch", BATCHES)
def test_batch_sizes(kind: str, batch: int, Engine: type[Any]) -> None:
    assert_same(Net(f"{recurrent(kind, 2, 3, 2)},RESHAPE|FLAT,LINEAR", (2, 1, 3), batch), Engine)


@ALL_LAYERS
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("states", [True, False], ids=["weights", "states"])
def test_beyond_shared_memory(
    kind: str, batch: int, states: bool, Engine: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recurrent weights, or the states of the steps as well, are too large for shared memory."""
    from pytmva_rnn.kernels.cuda.machine import recurrent as module

    monkeypatch.setattr(module, "shared_bytes", lambda: 0)
    monkeypatch.setattr(module, "SHARED_FLOATS", module.EVENTS * 6 * 3 if states else 2)
    # an RNN passes on less than an LSTM
    assert module.blocks(batch, 3, 4 * 9, 6 * 3).form[1:] == (False, states)
    assert_same(Net(f"{recurrent(kind, 3, 2, 2)},RESHAPE|FLAT,LINEAR", (2, 1, 2), batch), Engine)
    if not states:
        check_remembered_states(kind, Engine)


def test_any_state_size_gets_blocks_that_the_chip_grants() -> None:
    from pytmva_rnn.kernels.cuda.layers.gru import AFTER, BEFORE
    from pytmva_rnn.kernels.cuda.layers.lstm import LSTMPart
    from pytmva_rnn.kernels.cuda.layers.rnn import RNNPart
    from pytmva_rnn.kernels.cuda.machine import device
    from pytmva_rnn.kernels.cuda.machine.recurrent import blocks

    for cell in (AFTER, BEFORE, LSTMPart.cell, RNNPart.cell):
        for H in (1, 10, 64, 128, 511, 512, 513, 1024, 1537, 4096, 100_000):
            for events in (1, 100, 1000, 65536):
                for floats in (cell.forward_floats, cell.backward_floats):
                    (each, staged, shares), count, threads, shared = blocks(events, H, cell.count * H * H, floats * H)
                    assert shared <= 48 * 1024
                    assert threads[0] * threads[1] <= 1024
                    assert events <= count * threads[1] * each < events + threads[1] * each
                    assert count < 2**31
                    # the forms that are compiled for real GPUs in test_ptx.py
                    assert (staged, shares) in ((True, True), (False, True), (False, False))
                    assert each == device.EVENTS or (each == 1 and staged)
                    # as the memory for them is laid out
                    assert shares or threads[1] * each == device.EVENTS


@pytest.mark.parametrize("activation", ["LINEAR", "RELU", "SIGMOID", "TANH", "SYMMRELU", "SOFTSIGN", "GAUSS", "FTANH"])
def test_dense(activation: str, Engine: type[Any]) -> None:
    assert_same(Net(f"DENSE|7|{activation},LINEAR", (1, 1, 5), 9), Engine)


def test_many_rows(Engine: type[Any]) -> None:
    """The gradients of weights are summed in chunks of rows."""
    assert_same(Net("DENSE|2|TANH,LINEAR", (1, 1, 3), 40 if simulated() else 5000), Engine, tolerance=1e-5)


def test_fewer_rows_after_many(Engine: type[Any]) -> None:
    """A smaller batch has fewer partial sums: those of the batch before it do not count."""
    net = Net("DENSE|2|TANH,LINEAR", (1, 1, 3), 20 if simulated() else 500)
    engine = net.engine(Engine)
    engine.gradients(*net.batch)
    part = net.X[:3], net.y[:3], net.w[:3]
    _, gradients, _ = engine.gradients(*part)
    _, expected, _ = net.engine(Reference).gradients(*part)
    np.testing.assert_allclose(gradients[0]["W"], expected[0]["W"], atol=1e-6)


def test_derivatives_at_zero(Engine: type[Any]) -> None:
    for activation in ("RELU", "SYMMRELU"):
        net = Net(f"DENSE|2|{activation},LINEAR", (1, 1, 2), 2)
        net.X[:] = 0
        net.weights[0]["b"][:] = 0
        assert_same(net, Engine)


@pytest.mark.parametrize(("loss", "outputs"), [("C", 1), ("C", 2), ("R", 2), ("S", 3)])
def test_losses(loss: str, outputs: int, Engine: type[Any]) -> None:
    net = Net(f"DENSE|3|TANH,DENSE|{outputs}|LINEAR", (1, 1, 2), 6, outputs=outputs, loss=loss)
    assert_same(net, Engine)
    assert net.engine(Engine).loss(*net.batch) == pytest.approx(net.engine(Reference).loss(*net.batch), rel=2e-6)


@pytest.mark.parametrize(
    "layout",
    [
        "RESHAPE|3|1|2,LSTM|2|2|3|0|1,GRU|3|2|3|0|1,RNN|2|3|3|0|0,RESHAPE|FLAT,LINEAR",
        "RESHAPE|3|1|2,RNN|4|2|3|0|1,RESHAPE|6|1|2,LSTM|2|2|6|0|0,LINEAR",
        "DENSE|6|TANH,RESHAPE|3|1|2,RNN|2|2|3|0|0,LINEAR",
    ],
)
def test_stacked_and_reshaped(layout: str, Engine: type[Any]) -> None:
    assert_same(Net(layout, (1, 1, 6), 5), Engine)


@pytest.mark.parametrize("layout", ["RESHAPE|FLAT", "RNN|2|2|3|0|1,RESHAPE|FLAT"])
def test_a_sequence_as_the_output(layout: str, Engine: type[Any]) -> None:
    assert_same(Net(layout, (3, 1, 2), 5, outputs=6, loss="R"), Engine)


def test_batch_normalisation(Engine: type[Any]) -> None:
    net = Net("BNORM|0.9|0.001,DENSE|3|TANH,BNORM,LINEAR", (1, 1, 3), 9)
    assert_same(net, Engine, tolerance=1e-5)
    engines = net.engine(Engine), net.engine(Reference)
    for engine in engines:
        # statistics move in training, and start over after inference
        for _ in range(3):
            engine.gradients(*net.batch)
        engine.outputs(net.X)
        engine.gradients(net.X[:4], net.y[:4], net.w[:4])
    for mine, theirs in zip(*(engine.weights() for engine in engines), strict=True):
        for name in {"mu", "variance"} & theirs.keys():
            np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-5, atol=1e-6)


@ALL_LAYERS
def test_remembered_states(kind: str, Engine: type[Any]) -> None:
    check_remembered_states(kind, Engine)


def check_remembered_states(kind: str, Engine: type[Any]) -> None:
    net = Net(f"{recurrent(kind, 3, 2, 2, remember=1)},RESHAPE|FLAT,LINEAR", (2, 1, 2), 6)
    mine, reference = net.engine(Engine), net.engine(Reference)
    np.testing.assert_allclose(mine.outputs(net.X), reference.outputs(net.X), atol=2e-6)
    # a batch starts where the one before it ended; rows that were not in it start at zero
    for rows in (4, 6, 3, 5):
        part = net.X[:rows], net.y[:rows], net.w[:rows]
        loss, gradients, _ = mine.gradients(*part)
        expected_loss, expected, _ = reference.gradients(*part)
        assert loss == pytest.approx(expected_loss, rel=2e-6)
        for each, theirs in zip(gradients, expected, strict=True):
            for name, value in theirs.items():
                np.testing.assert_allclose(each[name], value, atol=2e-6)
    assert mine.loss(*net.batch) == pytest.approx(reference.loss(*net.batch), rel=2e-6)
    resumed = np.concatenate([mine.outputs(net.X[k : k + 2], resume=True) for k in (0, 2)])
    np.testing.assert_allclose(resumed, np.concatenate([reference.outputs(net.X[:4], resume=True)]), atol=2e-6)


def test_last_states_remembered(Engine: type[Any]) -> None:
    net = Net("LSTM|3|2|2|1|0,LINEAR", (2, 1, 2), 5)
    np.testing.assert_allclose(net.engine(Engine).outputs(net.X), net.engine(Reference).outputs(net.X), atol=2e-6)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("regularization", ["0", "1", "2"])
def test_steps(optimizer: str, regularization: str, Engine: type[Any]) -> None:
    """A few steps with dropout, momentum and penalty: every weight goes the same way."""
    net = Net("RNN|2|2|2|0|1,RESHAPE|FLAT,DENSE|3|TANH,LINEAR", (2, 1, 2), 9)
    phase = TrainingPhase(learning_rate=1e-2, momentum=0.7, optimizer=optimizer, drop_config=(0.5, 0.0, 0.3, 0.2))
    options = {"settings": phase, "regularization": regularization, "weight_decay": 1e-2}
    mine, reference = net.engine(Engine, **options), net.engine(Reference, **options)
    random = np.random.default_rng(3)
    for key in (5, 2**31 - 1):
        events = random.permutation(9)[:6]
        loss = mine.step(*net.batch, events, key)
        assert loss == pytest.approx(reference.step(*net.batch, events, key), rel=1e-5)
        assert mine.penalty() == pytest.approx(reference.penalty(), rel=1e-5)
    for each, theirs in zip(mine.weights(), reference.weights(), strict=True):
        for name, value in theirs.items():
            np.testing.assert_allclose(each[name], value, rtol=2e-4, atol=5e-5, err_msg=name)


def test_an_epoch_is_its_steps(Engine: type[Any]) -> None:
    net = Net("GRU|2|2|2|0|0,LINEAR", (2, 1, 2), 8)
    phase = TrainingPhase(learning_rate=1e-2)
    whole, single = net.engine(Engine, settings=phase), net.engine(Engine, settings=phase)
    batches = np.random.default_rng(4).permutation(8)[:6].reshape(2, 3)
    calls: list[None] = []
    mean = whole.epoch(*net.batch, batches, np.array([1, 2]), lambda: calls.append(None))
    assert len(calls) == 2
    assert mean == pytest.approx(np.mean([single.step(*net.batch, b, k) for b, k in zip(batches, (1, 2), strict=True)]))
    for mine, theirs in zip(whole.weights(), single.weights(), strict=True):
        for name, value in theirs.items():
            np.testing.assert_array_equal(mine[name], value)


def test_data_larger_than_the_device(Engine: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The host puts the batches together, inference takes pieces; the numbers stay the same."""
    from pytmva_rnn.kernels.cuda.machine import memory, workspace

    net = Net("RNN|2|2|2|0|0,LINEAR", (2, 1, 2), 8)
    phase = TrainingPhase(learning_rate=1e-2)
    plenty, little = net.engine(Engine, settings=phase), net.engine(Engine, settings=phase)
    batches = np.array([[1, 5, 3], [7, 0, 2]])
    results = []
    for engine in (plenty, little):
        loss = engine.epoch(*net.batch, batches, np.zeros(2, np.int64), lambda: None)
        if engine is little:
            monkeypatch.setattr(workspace, "free_memory", lambda: 250)
        results.append([loss, engine.loss(*net.batch), *engine.outputs(net.X)[:, 0]])
        monkeypatch.setattr(memory, "free_memory", lambda: 100)
    assert little._reserve.inference(8).events < 8
    assert not little._reserve._residents._kept
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)
    with pytest.raises(MemoryError, match=r"the GPU has 0 MiB free, and 1,000 events at once need .*; up to \d+ would"):
        little.step(*net.batch, np.zeros(1000, np.int64), 0)


def test_a_batch_comes_before_the_data_on_the_device(Engine: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Data sets that fill the card are given up, and streamed from then on, when a batch needs the room."""
    from pytmva_rnn.kernels.cuda.machine import memory, workspace

    net = Net("RNN|2|2|2|0|0,LINEAR", (2, 1, 2), 8)
    engine = net.engine(Engine, settings=TrainingPhase(learning_rate=1e-2))
    expected = net.engine(Engine, settings=TrainingPhase(learning_rate=1e-2))
    assert engine.loss(*net.batch) == expected.loss(*net.batch)
    assert engine._reserve._residents._kept
    monkeypatch.setattr(workspace, "free_memory", lambda: 10 if engine._reserve._residents._kept else 1 << 30)
    monkeypatch.setattr(memory, "free_memory", lambda: 10)
    assert engine.step(*net.batch, np.arange(4), 0) == expected.step(*net.batch, np.arange(4), 0)
    assert not engine._reserve._residents._kept


def test_the_drivers_complaint_about_memory(Engine: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever took the memory in the meantime: a batch says what would fit, a data set is streamed."""
    from numba import cuda
    from numba.cuda.cudadrv.driver import CudaAPIError

    from pytmva_rnn.kernels.cuda.machine import device

    class OutOfMemoryError(CudaAPIError):
        code = 2

        def __init__(self) -> None:
            Exception.__init__(self, "CUDA_ERROR_OUT_OF_MEMORY")

    def refuse(*arguments: Any, **options: Any) -> None:
        raise OutOfMemoryError

    net = Net("RNN|2|2|2|0|0,LINEAR", (2, 1, 2), 8)
    engine = net.engine(Engine, settings=TrainingPhase(learning_rate=1e-2))
    with monkeypatch.context() as patch:
        patch.setattr(cuda, "device_array", refuse)
        with pytest.raises(MemoryError, match=r"8 events at once need 0 MiB; up to 4 would fit"):
            engine.gradients(*net.batch)
        with pytest.raises(MemoryError, match=r"MiB free, and 1.0 MiB more are needed"):
            device.empty(1 << 18)
    engine.gradients(*net.batch)
    upload = device.cuda.to_device
    monkeypatch.setattr(cuda, "to_device", lambda a: refuse() if a.shape == (8, 4) else upload(a))
    assert engine.loss(*net.batch) > 0
    assert not engine._reserve._residents._kept


def test_freed_memory_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Numba has not given back yet is no reason to refuse a batch."""
    from numba import cuda

    from pytmva_rnn.kernels.cuda.machine import device

    class Context:
        memory_manager = SimpleNamespace()
        free = 1000

        def get_memory_info(self) -> tuple[int, int]:
            return self.free, 5000

        def clear(self) -> None:
            self.free = 4000

    context = Context()
    monkeypatch.setattr(device, "SIMULATED", False)
    monkeypatch.setattr(cuda, "current_context", lambda: context)
    assert device.free_memory() == 1000
    context.memory_manager.deallocations = context
    assert device.free_memory() == 4000


def test_arrays_are_uploaded_once(Engine: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.machine import memory

    net = Net("DENSE|2|TANH,LINEAR", (1, 1, 2), 6)
    uploaded: list[int] = []
    upload = memory.upload
    monkeypatch.setattr(memory, "upload", lambda a, dtype: uploaded.append(a.size) or upload(a, dtype))
    engine = net.engine(Engine, settings=TrainingPhase())
    for _ in range(2):
        engine.step(*net.batch, np.arange(3), 0)
        engine.loss(net.X[2:5], net.y[2:5], net.w[2:5])
    assert uploaded == [12, 6, 6, 6, 3, 3]


@pytest.mark.parametrize("remember", [0, 1])
@pytest.mark.parametrize("resident", [True, False])
def test_the_loss_of_a_sample_is_that_of_its_batches(
    remember: int, resident: bool, Engine: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytmva_rnn.kernels.cuda.machine import memory, reserve

    net = Net(f"GRU|2|2|2|{remember}|1|1,RESHAPE|FLAT,BNORM,LINEAR", (2, 1, 2), 11)
    engine, other = (net.engine(Engine, settings=TrainingPhase()) for _ in range(2))
    if not resident:
        monkeypatch.setattr(memory, "free_memory", lambda: 10)
    monkeypatch.setattr(reserve, "_MOST_EVENTS", 4)
    for _ in range(2):
        parts = [slice(k, k + 3) for k in (0, 3, 6)]
        expected = np.mean([other.loss(net.X[part], net.y[part], net.w[part]) for part in parts])
        assert engine.mean_loss(*net.batch, 3) == pytest.approx(expected, rel=1e-12)
        for each in (engine, other):
            each.step(*net.batch, np.arange(4), 1)


def test_scores_that_come_in_pieces(Engine: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two places take turns, the last piece is smaller, and the host copies by several threads."""
    from pytmva_rnn.kernels.cuda.machine import reserve, staging

    net = Net("LSTM|2|2|2|0|0,LINEAR", (2, 1, 2), 11)
    whole = net.engine(Engine).outputs(net.X)
    monkeypatch.setattr(reserve, "_PLACE", 3 * 4 * 4)
    monkeypatch.setattr(staging, "_PART", 16)
    engine = net.engine(Engine)
    np.testing.assert_array_equal(engine.outputs(net.X), whole)
    np.testing.assert_array_equal(engine.outputs(net.X[::-1].astype(np.float64)), whole[::-1])
    assert engine.loss(*net.batch) == pytest.approx(net.engine(Reference).loss(*net.batch), rel=2e-6)


def test_memory_does_not_grow_with_calls(Engine: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one workspace of a kind, and few sizes of it, however many sizes come."""
    from pytmva_rnn.kernels.cuda.machine import reserve

    made: list[int] = []
    whole = reserve.DeviceWorkspace
    monkeypatch.setattr(
        reserve, "DeviceWorkspace", lambda *given, **options: made.append(given[5]) or whole(*given, **options)
    )
    net = Net("DENSE|2|TANH,LINEAR", (1, 1, 2), 20)
    engine = net.engine(Engine, settings=TrainingPhase())
    for n in range(1, 21):
        engine.outputs(net.X[:n])
    assert made == [1, 2, 4, 8, 16, 32]
    for n in (3, 7, 3):
        engine.gradients(net.X[:n], net.y[:n], net.w[:n])
        engine.step(*net.batch, np.arange(n), 1)
    assert len(engine._reserve._workspaces) == 3
    assert len(engine._reserve._made) <= reserve._KEPT


def test_a_nan_stays_where_it_is(Engine: type[Any]) -> None:
    net = Net("LSTM|3|2|2|0|1,GRU|2|3|2|0|0|1,DENSE|2|RELU,LINEAR", (2, 1, 2), 5)
    engine = net.engine(Engine)
    together = engine.outputs(net.X)
    np.testing.assert_array_equal(engine.outputs(net.X), together)
    net.X[3, 1, 1] = np.nan
    spoilt = engine.outputs(net.X)
    assert np.isnan(spoilt[3, 0])
    np.testing.assert_array_equal(np.delete(spoilt, 3), np.delete(together, 3))


def test_weights_come_back(Engine: type[Any]) -> None:
    net = Net("LSTM|2|2|2|0|1,GRU|2|2|2|0|1|1,RNN|2|2|2|0|1,RESHAPE|FLAT,BNORM,LINEAR", (2, 1, 2), 3)
    for mine, given in zip(net.engine(Engine).weights(), net.weights, strict=True):
        assert mine.keys() == given.keys()
        for name, value in given.items():
            np.testing.assert_array_equal(mine[name], value)


def test_preparing_changes_nothing(Engine: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda import engine as module

    monkeypatch.setattr(module, "SIMULATED", False)
    net = Net(f"{recurrent('LSTM', 2, 3, 2, remember=1)},RESHAPE|FLAT,LINEAR", (2, 1, 3), 4)

    def trained(prepare: bool) -> Any:
        engine = net.engine(Engine, settings=TrainingPhase(learning_rate=1e-2))
        if prepare:
            engine.prepare(4)
        losses = [engine.loss(*net.batch), engine.step(*net.batch, np.arange(4), 1), engine.loss(*net.batch)]
        return losses, [array.tolist() for layer in engine.weights() for array in layer.values()]

    assert trained(True) == trained(False)


@pytest.mark.parametrize("offset", [1e4, -1e6])
def test_batch_normalisation_far_from_zero(offset: float, Engine: type[Any]) -> None:
    net = Net("BNORM,DENSE|3|TANH,LINEAR", (1, 1, 3), 7)
    net.X += np.float32(offset)
    assert_same(net, Engine, tolerance=1e-5)


@pytest.mark.parametrize("optimizer", ["SGD", "ADAM", "RMSPROP"])
def test_an_engine_goes_on(optimizer: str, Engine: type[Any]) -> None:
    assert_goes_on(Engine, optimizer)


def test_gradients_are_clipped_to_a_norm(Engine: type[Any]) -> None:
    assert_clips(Engine)
