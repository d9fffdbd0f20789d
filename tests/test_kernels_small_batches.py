"""Events that do not fill a block go one by one, and nothing of a score tells which way it was made."""

from __future__ import annotations

import gc
import signal
import weakref
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn.compile import ufunc_loops
from pytmva_rnn.description import mark_padding
from pytmva_rnn.kernels.cpu.engine import Engine
from pytmva_rnn.kernels.cpu.layers import dense
from pytmva_rnn.kernels.cpu.machine import finishing
from pytmva_rnn.kernels.cpu.machine.descent import Descent
from pytmva_rnn.kernels.cpu.machine.inference import Inference
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH
from pytmva_rnn.kernels.cpu.outputs import OUTPUTS
from pytmva_rnn.network import Network
from pytmva_rnn.options import TrainingPhase
from tests.reference import Case
from tests.test_kernels_cpu import ALL_LAYERS, Net, recurrent

MOST = 40


def scored(engine: Any, X: NDArray[np.float32], *, alone: bool) -> NDArray[np.float32]:
    """With all events that do not fill a vector of lanes alone, or none."""
    for _ in range(2):
        engine.outputs(X[:1])
    for name in ("few", "few_more"):
        engine._inferences[None]._job[name] = WIDTH - 1 if alone else 0
    scores: NDArray[np.float32] = engine.outputs(X)
    return scores


def assert_same_bits(net: Net, **options: Any) -> None:
    engine = net.engine(Engine, threads=1, **options)
    expected = scored(engine, net.X, alone=False)
    for alone in (True, False):
        for n in range(1, MOST + 1):
            first = (7 * n) % (len(net.X) - n + 1)
            found = scored(engine, net.X[first : first + n], alone=alone)
            np.testing.assert_array_equal(found, expected[first : first + n], err_msg=f"{n} events from {first} on")
    single = engine.single()
    np.testing.assert_array_equal(np.array([np.array(single(x)) for x in net.X]).reshape(expected.shape), expected)


@ALL_LAYERS
@pytest.mark.parametrize("H", [3, 17])
@pytest.mark.parametrize("mask_padding", [False, True])
def test_the_same_bits_at_any_place_of_any_batch(kind: str, H: int, mask_padding: bool) -> None:
    lower, upper = recurrent(kind, H, 5, 4), recurrent(kind, 6, H, 4, sequence=0)
    net = Net(f"{lower},{upper},DENSE|9|TANH,BNORM,DENSE|2|LINEAR", (4, 1, 5), MOST, outputs=2, loss="R")
    if mask_padding:
        net.X = mark_padding(net.X, lengths=np.arange(MOST) % 5)
    assert_same_bits(net, mask_padding=mask_padding)


@pytest.mark.parametrize("activation", ["RELU", "SIGMOID", "SYMMRELU", "SOFTSIGN", "GAUSS"])
def test_dense_layers(activation: str) -> None:
    assert_same_bits(Net(f"DENSE|{3 * WIDTH + 1}|{activation},LINEAR", (1, 1, 30), MOST))


def test_steps_of_another_size_and_a_sequence_as_input_of_a_dense_layer() -> None:
    layout = "RESHAPE|6|1|5,RNN|4|5|6|0|1,RESHAPE|3|1|8,LSTM|4|8|3|0|1,RESHAPE|FLAT,DENSE|130|TANH,LINEAR"
    assert_same_bits(Net(layout, (1, 1, 30), MOST))


def test_numbers_that_are_none_or_too_large() -> None:
    net = Net("LSTM|6|5|4|0|1,RESHAPE|FLAT,DENSE|3|RELU,LINEAR", (4, 1, 5), MOST)
    net.X[3, 1, 2], net.X[5, 0, 0], net.X[8] = np.nan, np.inf, 1e30
    net.weights[2]["W"] *= np.float32(1e38)
    with np.errstate(all="ignore"):
        assert_same_bits(net)


def test_what_scores_them_is_made_for_batches_that_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that scores one small batch need not wait for it to be compiled."""
    net = Net("RNN|3|4|3|0|0,LINEAR", (3, 1, 4), 9 * LANES)
    engine = net.engine(Engine)
    made: list[Inference] = []
    monkeypatch.setattr(Inference, "_choose", lambda self, states: made.append(self))
    sizes = (2, LANES, WIDTH, 8 * LANES + 1, 0)
    for n in sizes:
        engine.outputs(net.X[:n])
    assert not made
    engine.outputs(net.X[:1])
    assert len(made) == 1
    engine.outputs(net.X[:1])
    assert len(made) == 1


def test_an_engine_that_has_scored_goes_when_nobody_has_it() -> None:
    """Python looks for cycles only now and then, and not at how much memory hangs on them."""
    net = Net("RNN|3|4|3|0|0,LINEAR", (3, 1, 4), 9 * LANES)
    for n in (9 * LANES, 1, 1):
        engine = net.engine(Engine)
        for _ in range(n % 2 + 1):
            engine.outputs(net.X[:n])
        known = weakref.ref(engine)
        gc.disable()
        try:
            del engine
            assert known() is None
        finally:
            gc.enable()


def test_events_alone_meet_the_weights_of_the_time() -> None:
    net = Net("LSTM|6|5|4|0|1,RESHAPE|FLAT,DENSE|17|TANH,LINEAR", (4, 1, 5), MOST)
    engine = net.engine(Engine, settings=TrainingPhase(learning_rate=1e-2))
    X, state = net.X[: WIDTH - 1], engine.state()
    before = scored(engine, X, alone=True)
    engine.step(*net.batch, np.arange(MOST), 1)
    found = scored(engine, X, alone=True)
    assert not np.array_equal(found, before)
    np.testing.assert_array_equal(found, scored(engine, X, alone=False))
    engine.restore(state)
    np.testing.assert_array_equal(scored(engine, X, alone=True), before)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no signals of users")
def test_an_error_behind_a_step_leaves_no_old_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program's own handler of a signal raises it, as soon as Python runs again."""
    net = Net("LSTM|6|5|4|0|1,RESHAPE|FLAT,DENSE|17|TANH,LINEAR", (4, 1, 5), MOST)
    engine = net.engine(Engine, settings=TrainingPhase(learning_rate=1e-2))
    X, plain = net.X[: WIDTH - 1], Descent.__call__
    before = scored(engine, X, alone=True)

    def signalled(self: Descent, *arguments: Any) -> float:
        total = plain(self, *arguments)
        signal.raise_signal(signal.SIGUSR1)
        return total

    def handle(*_: Any) -> None:
        raise TimeoutError

    engine.prepare(MOST)
    monkeypatch.setattr(Descent, "__call__", signalled)
    set_before = signal.signal(signal.SIGUSR1, handle)
    try:
        with pytest.raises(TimeoutError):
            engine.step(*net.batch, np.arange(MOST), 1)
    finally:
        signal.signal(signal.SIGUSR1, set_before)
    found = scored(engine, X, alone=True)
    assert not np.array_equal(found, before)
    np.testing.assert_array_equal(found, scored(engine, X, alone=False))


def test_remembered_states_and_losses_are_of_blocks() -> None:
    engine = Net("RNN|3|4|3|1|0,LINEAR", (3, 1, 4), 3).engine(Engine)
    assert engine._inference(None)._make_alone is None
    assert Net("RNN|3|4|3|0|0,LINEAR", (3, 1, 4), 3).engine(Engine)._inference("C")._make_alone is None


def test_a_layer_that_cannot_score_single_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "forward_one", None)
    net = Net("RNN|3|4|3|0|0,LINEAR", (3, 1, 4), MOST)
    engine = net.engine(Engine)
    expected = engine.outputs(net.X)
    np.testing.assert_array_equal(np.concatenate([engine.outputs(net.X[k : k + 1]) for k in range(MOST)]), expected)
    assert engine._inferences[None]._alone is None


RAW = np.concatenate([np.linspace(-40, 40, 1501), [np.nan, np.inf, -np.inf, 0.0, 1e-30, 3e38]]).astype(np.float32)


def finished(letter: str, answer: float | None) -> NDArray[np.float32] | None:
    """RAW as outputs of a network, finished."""
    net = Net("LINEAR", (1, 1, 1), 1)
    net.weights[0]["W"][:], net.weights[0]["b"][:] = 1, 0
    engine = net.engine(Engine)
    how = engine.finishing(letter, answer)
    return None if how is None else engine.scores(RAW.reshape(-1, 1, 1), how)[:, 0]


@pytest.mark.parametrize("letter", ["I", "S"])
def test_scores_are_those_of_the_output_functions(letter: str) -> None:
    expected = OUTPUTS[letter](RAW).astype(np.float32)
    found, reported = finished(letter, None), finished(letter, -999.0)
    assert found is not None
    assert reported is not None
    assert found.tobytes() == expected.tobytes()
    np.testing.assert_array_equal(reported, np.where(np.isnan(expected), np.float32(-999), expected))


def test_without_a_loop_numpy_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    X = Case("lstm_sequence").data["X"]
    X[2, 3] = np.nan
    expected = [Network(Case("lstm_sequence").model).predict(X), Case("lstm_sequence").model.predict(X)]
    monkeypatch.setattr(finishing, "loop_of", lambda ufunc: None)
    assert finished("S", None) is None
    found = [Network(Case("lstm_sequence").model).predict(X), Case("lstm_sequence").model.predict(X)]
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert found[1][2] == -999
    assert finished("M", None) is None


def test_a_loop_that_is_another_one_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    find = ufunc_loops.loop_of.__wrapped__
    assert find(np.tanh) is not None
    assert find(np.sin) is not None
    assert find(np.add) is None
    assert find(np.gcd) is None
    monkeypatch.setattr(ufunc_loops, "_is_the_same", lambda ufunc, loop: False)
    assert find(np.tanh) is None
