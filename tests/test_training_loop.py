"""The behaviour of the training loop; its numbers are compared with those of C++ TMVA elsewhere."""

from __future__ import annotations

import io
import json
import logging
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

from pytmva_rnn import Model, Result, __version__, train
from pytmva_rnn.description import Dense, Normalize, Variable
from pytmva_rnn.errors import BackendError, DataError, OptionError, TrainingError
from pytmva_rnn.kernels import Computation
from pytmva_rnn.training import HistoryRow, loop, obeyed_options
from pytmva_rnn.training.progress import EpochTable, Progress
from pytmva_rnn.trandom import TRandom3, shuffle
from pytmva_rnn.weightfile.stored_history import stored_history


class Scripted:
    """An engine whose validation errors are written down in advance, one list a phase, the start's first."""

    script: ClassVar[list[list[float]]]
    made: ClassVar[list[Scripted]]
    training_errors: ClassVar[Iterator[float] | None]
    interrupt_at: ClassVar[int | None]

    def __init__(self, computation: Computation) -> None:
        self.start = float(computation.weights[0]["W"][0, 0])
        self.computation = computation
        self.errors = iter(self.script[len(self.made)])
        self.validated: list[Any] = []
        self.batches: list[list[int]] = []
        self.keys: list[int] = []
        self.made.append(self)

    def weights(self) -> list[dict[str, Any]]:
        """The number of the phase times 1000 and the number of batches so far."""
        return [{"W": np.array([[1000 * len(self.made) + len(self.batches)]]), "b": np.zeros((1, 1))}]

    def loss(self, X: Any, y: Any, w: Any) -> float:
        self.validated.append((X[:, 0, 0].tolist(), y[:, 0].tolist(), w.tolist()))
        return next(self.errors)

    def step(self, X: Any, y: Any, w: Any, events: Any, key: int) -> float:
        if self.interrupt_at == len(self.batches):
            raise KeyboardInterrupt
        self.batches.append(events.tolist())
        self.keys.append(key)
        return 1.0 if self.training_errors is None else next(self.training_errors)

    def penalty(self) -> float:
        return 0.125 if self.computation.regularization != "0" else 0.0


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> type[Scripted]:
    monkeypatch.setattr(loop, "backend_engine", lambda backend, mask_padding: Scripted)
    Scripted.script, Scripted.made, Scripted.training_errors, Scripted.interrupt_at = [], [], None, None
    return Scripted


def play(strategy: str, *script: list[float], **options: Any) -> Result:
    """Train on 20 events with batches of 10, one to train with and one to validate with."""
    Scripted.script = list(script)
    strategy = "|".join(f"BatchSize=10,{phase}" for phase in strategy.split("|"))
    X = np.arange(20.0).reshape(20, 1)
    settings = {"Layout": "LINEAR", "ValidationSize": 10, "RandomSeed": 3, "TrainingStrategy": strategy}
    return train(X, np.arange(20) % 2, settings, **options)


def kept(result: Result) -> float:
    """The weight that tells which engine's and which batch's weights were kept."""
    return float(result.model.layers[0].weights["W"][0, 0])


# --- convergence


def test_on_epoch_is_told_each_test_and_ends_the_training(scripted: Any) -> None:
    seen: list[Any] = []
    result = play("TestRepetitions=2,MaxEpochs=4|MaxEpochs=4", [1.0, 0.9, 0.8], [0.8, 0.7], on_epoch=seen.append)
    assert seen == result.history
    assert [(row.phase, row.epoch) for row in seen] == [(1, 2), (1, 4), (2, 4)]
    Scripted.made = []
    ended = play("TestRepetitions=1|MaxEpochs=4", [1.0, 0.9, 0.95], on_epoch=lambda row: row.epoch == 2)
    assert [row.epoch for row in ended.history] == [1, 2]
    assert kept(ended) == 1001
    assert len(scripted.made) == 1
    Scripted.made = []
    with pytest.raises(ZeroDivisionError):
        play("TestRepetitions=1", [1.0, 0.9], on_epoch=lambda row: 1 / 0)


def test_the_counter_grows_by_the_repetitions(scripted: Any) -> None:
    result = play("TestRepetitions=3,ConvergenceSteps=5", [1.0, 0.9, 0.95, 0.96, 0.1])
    assert [row.epoch for row in result.history] == [3, 6, 9]
    assert [row.validation_error for row in result.history] == [0.9, 0.95, 0.96]
    assert len(scripted.made[0].batches) == 9


def test_the_counter_must_exceed_the_steps(scripted: Any) -> None:
    result = play("TestRepetitions=2,ConvergenceSteps=4", [1.0, 0.9, 1, 1, 1, 0.1])
    assert [row.epoch for row in result.history] == [2, 4, 6, 8]


def test_an_improvement_sets_the_counter_back(scripted: Any) -> None:
    result = play("TestRepetitions=1,ConvergenceSteps=1", [1.0, 0.9, 0.95, 0.8, 0.85, 0.85, 0.1])
    assert [row.validation_error for row in result.history] == [0.9, 0.95, 0.8, 0.85, 0.85]


def test_an_equal_error_is_no_improvement(scripted: Any) -> None:
    result = play("TestRepetitions=1,ConvergenceSteps=1", [1.0, 0.9, 0.9, 0.9, 0.1])
    assert len(result.history) == 3
    assert kept(result) == 1001


def test_the_lowest_error_keeps_its_weights(scripted: Any) -> None:
    result = play("TestRepetitions=1,MaxEpochs=5", [1.0, 0.9, 0.8, 0.7, 0.75, 0.72])
    assert kept(result) == 1003
    assert result.initial_validation_error == 1.0


def test_max_epochs_ends_a_phase_between_tests(scripted: Any) -> None:
    result = play("TestRepetitions=2,MaxEpochs=5", [1.0, 0.9, 0.8])
    assert [row.epoch for row in result.history] == [2, 4]
    assert len(scripted.made[0].batches) == 5
    assert kept(result) == 1004


def test_the_training_error_is_that_of_the_last_epoch(scripted: Any) -> None:
    scripted.training_errors = iter([5.0, 4.0, 3.0, 2.0])
    result = play("TestRepetitions=2,MaxEpochs=4", [1.0, 0.9, 0.8])
    assert result.history == [HistoryRow(1, 2, 4.0, 0.9), HistoryRow(1, 4, 2.0, 0.8)]


def test_errors_are_means_over_batches(scripted: Any) -> None:
    scripted.script = [[1.0, 3.0, 0.5, 1.5]]
    scripted.training_errors = iter([1.0, 2.0, 6.0])
    X, y = np.arange(50.0).reshape(50, 1), np.arange(50) % 2
    result = train(X, y, "Layout=LINEAR:ValidationSize=20:TrainingStrategy=BatchSize=10,TestRepetitions=1,MaxEpochs=1")
    assert result.initial_validation_error == 2.0
    assert result.history == [HistoryRow(1, 1, 3.0, 1.0)]


def test_the_penalty_counts_once_in_training_and_twice_in_validation(scripted: Any) -> None:
    result = play("TestRepetitions=1,MaxEpochs=1,Regularization=L2,WeightDecay=0.5", [1.0, 0.5])
    assert result.initial_validation_error == 1.25
    assert result.history == [HistoryRow(1, 1, 1.125, 0.75)]
    assert (scripted.made[0].computation.regularization, scripted.made[0].computation.weight_decay) == ("2", 0.5)
    assert (result.model.regularization, result.model.weight_decay) == ("2", 0.5)


# --- phases


def test_a_phase_starts_from_the_kept_weights(scripted: Any) -> None:
    result = play(
        "TestRepetitions=1,MaxEpochs=3|TestRepetitions=1,MaxEpochs=2,Regularization=L1",
        [1.0, 0.9, 0.7, 0.8],
        [0.7, 0.6, 0.65],
    )
    assert scripted.made[1].start == 1002
    assert [row.epoch for row in result.history] == [1, 2, 3, 1, 2]
    assert kept(result) == 2001
    assert result.initial_validation_error == 1.0
    # the file describes the first phase, as C++ TMVA's does
    assert result.model.regularization == "0"
    assert [engine.computation.settings.max_epochs for engine in scripted.made] == [3, 2]


def test_a_phase_without_improvement_keeps_the_weights_before_it(
    scripted: Any, caplog: pytest.LogCaptureFixture
) -> None:
    result = play("TestRepetitions=1,MaxEpochs=1|TestRepetitions=1,MaxEpochs=2", [1.0, 0.9], [0.9, 0.95, 0.92])
    assert kept(result) == 1001
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_each_phase_counts_its_own_steps(scripted: Any) -> None:
    strategy = "TestRepetitions=1,ConvergenceSteps=1"
    result = play(f"{strategy}|{strategy}", [1.0, 0.9, 1, 1, 0.1], [0.9, 1, 1, 0.1])
    assert [row.epoch for row in result.history] == [1, 2, 3, 1, 2]


def test_a_phase_whose_first_test_comes_late_is_a_phase_too(scripted: Any) -> None:
    result = play("TestRepetitions=5,MaxEpochs=5|TestRepetitions=10,MaxEpochs=20", [1.0, 0.9], [0.9, 0.8, 0.7])
    assert [(row.phase, row.epoch) for row in result.history] == [(1, 5), (2, 10), (2, 20)]
    assert [row.phase for row in stored_history(result.model)] == [1, 2, 2]


# --- epochs


def test_the_remainder_of_an_epoch_is_dropped_and_the_order_accumulates(scripted: Any) -> None:
    scripted.script = [[1.0, 0.9], [0.9, 0.8]]
    X, y = np.arange(37.0).reshape(37, 1), np.arange(37) % 2
    phase = "BatchSize=10,TestRepetitions=3,MaxEpochs=3"
    train(X, y, f"Layout=LINEAR:ValidationSize=10:RandomSeed=9:TrainingStrategy={phase}|{phase}")
    for number, engine in enumerate(scripted.made, 1):
        assert len(engine.batches) == 3 * 2
        order, random = np.arange(27), TRandom3(9 + number)
        for epoch in range(3):
            shuffle(order, random)
            assert engine.batches[2 * epoch : 2 * epoch + 2] == [order[:10].tolist(), order[10:20].tolist()]


def test_events_in_their_order_without_shuffle(scripted: Any) -> None:
    scripted.script = [[1.0, 0.9]]
    X, y = np.arange(37.0).reshape(37, 1), np.arange(37) % 2
    strategy = "BatchSize=10,TestRepetitions=2,MaxEpochs=2"
    train(X, y, f"Layout=LINEAR:ValidationSize=10:TrainingStrategy={strategy}", shuffle=False)
    assert scripted.made[0].batches == [list(range(10)), list(range(10, 20))] * 2


def test_the_last_events_validate_in_whole_batches(scripted: Any) -> None:
    scripted.script = [[1.0] * 6]
    X, y, w = np.arange(60.0).reshape(60, 1), np.arange(60) % 2, np.arange(60) / 8
    strategy = "BatchSize=10,TestRepetitions=1,MaxEpochs=1"
    train(X, y, f"Layout=LINEAR:ValidationSize=25:TrainingStrategy={strategy}", sample_weight=w)
    batches = [(X[k : k + 10, 0].tolist(), y[k : k + 10].tolist(), w[k : k + 10].tolist()) for k in (35, 45)]
    assert scripted.made[0].validated == batches * 2


def test_each_batch_drops_by_a_key_of_its_own(scripted: Any) -> None:
    play("MaxEpochs=9,TestRepetitions=9", [1.0, 0.9])
    play("MaxEpochs=9,TestRepetitions=9", [], [1.0, 0.9])
    first, again = (engine.keys for engine in scripted.made)
    assert len(set(first)) == 9
    assert again == first


def test_engines_get_what_they_need(scripted: Any) -> None:
    play("MaxEpochs=1,TestRepetitions=1", [1.0, 0.9], threads=2)
    computation = scripted.made[0].computation
    assert (computation.steps, computation.inputs, computation.loss, computation.threads) == (1, 1, "C", 2)


# --- ends before the end


def test_ctrl_c_keeps_the_best_weights(scripted: Any, caplog: pytest.LogCaptureFixture) -> None:
    scripted.interrupt_at = 3
    result = play("TestRepetitions=1,MaxEpochs=9|MaxEpochs=9", [1.0, 0.8, 0.7, 0.9])
    assert result.interrupted
    assert kept(result) == 1002
    assert len(result.history) == 3
    assert len(scripted.made) == 1
    assert "interrupted: keeping the best weights so far" in caplog.text


def test_ctrl_c_before_the_first_test_keeps_the_initial_weights(
    scripted: Any, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.interrupt_at = 0
    result = play("MaxEpochs=9", [1.0])
    assert result.interrupted
    assert kept(result) == pytest.approx(scripted.made[0].start)
    assert result.history == []
    assert [r.getMessage() for r in caplog.records if r.levelno > logging.INFO] == [
        "interrupted: keeping the initial weights, as no epoch was better yet"
    ]


def test_ctrl_c_while_it_compiles_leaves_nothing(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no weights yet that would be better than the initial ones."""

    def interrupted(self: Scripted, batch_size: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Scripted, "prepare", interrupted, raising=False)
    with pytest.raises(KeyboardInterrupt):
        play("MaxEpochs=9", [1.0])
    assert scripted.made[0].validated == []


def test_ctrl_c_while_the_second_phase_compiles_keeps_the_first(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed_once(self: Scripted, batch_size: int) -> None:
        if len(scripted.made) == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Scripted, "prepare", pressed_once, raising=False)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        result = play("TestRepetitions=1,MaxEpochs=2|MaxEpochs=9", [1.0, 0.8, 0.9], [0.8])
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.interrupted
    assert len(result.history) == 2
    assert kept(result) == 1001
    assert scripted.made[1].validated == []


def test_ctrl_c_in_the_last_validation_counts(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EpochTable, "row", lambda self, epoch, *_: signal.raise_signal(signal.SIGTERM))
    result = play("TestRepetitions=1,MaxEpochs=1", [1.0, 0.8])
    assert result.interrupted == signal.SIGTERM
    assert kept(result) == 1001


def test_it_compiles_before_the_clock_starts(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds and rates of the table of epochs are those of the training alone."""
    clock = [0.0]
    rows: list[tuple[float, float]] = []

    def prepare(self: Scripted, batch_size: int) -> None:
        assert batch_size == 10
        clock[0] += 50

    def step(self: Scripted, *_: Any) -> float:
        clock[0] += 1
        return 1.0

    monkeypatch.setattr(Scripted, "prepare", prepare, raising=False)
    monkeypatch.setattr(Scripted, "step", step)
    monkeypatch.setattr(loop.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(EpochTable, "row", lambda self, *given: rows.append(given[3]))
    play("TestRepetitions=1,MaxEpochs=2", [1.0, 0.8, 0.7])
    assert rows == [(1.0, 0.0)] * 2


def test_ctrl_c_in_a_real_training(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = events()
    whole = train(X, y, f"{DENSE}MaxEpochs=2", backend="reference")

    def row(self: Any, epoch: int, *_: Any) -> None:
        if epoch == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(EpochTable, "row", row)
    result = train(X, y, f"{DENSE}MaxEpochs=9", backend="reference")
    assert result.interrupted
    assert result.history[:2] == whole.history
    assert result.history[2].validation_error < whole.history[1].validation_error
    assert np.isfinite(result.model.predict(X, backend="reference")).all()


def test_never_improving_keeps_the_initial_weights_and_warns(scripted: Any, caplog: pytest.LogCaptureFixture) -> None:
    result = play("TestRepetitions=1,MaxEpochs=3", [0.5, 0.6, 0.7, 0.5])
    assert kept(result) == pytest.approx(scripted.made[0].start)
    assert not result.interrupted
    assert "the validation error never fell below its start, 0.5: the initial weights are kept" in caplog.text


def test_a_phase_shorter_than_the_repetitions_is_tested_at_its_end(scripted: Any) -> None:
    result = play("TestRepetitions=7,MaxEpochs=6|TestRepetitions=2,MaxEpochs=1", [0.5, 0.25], [0.25, 0.5])
    assert result.history == [HistoryRow(1, 6, 1.0, 0.25), HistoryRow(2, 1, 1.0, 0.5)]
    assert kept(result) == 1006
    assert result.improved


def test_a_training_without_epochs_warns(scripted: Any, caplog: pytest.LogCaptureFixture) -> None:
    result = play("MaxEpochs=0", [0.5])
    assert result.history == []
    assert not result.improved
    assert kept(result) == pytest.approx(scripted.made[0].start)
    assert "the validation error never fell below its start, 0.5: the initial weights are kept" in caplog.text


def test_a_loss_that_runs_to_minus_infinity_is_an_error(scripted: Any) -> None:
    """The first two errors are those of the start, as it is and with the absolute values of the weights."""
    weights = np.where(np.arange(20) % 4 == 3, -1.0, 2.0)
    play("TestRepetitions=1,MaxEpochs=2", [0.5, 0.75, -7.4, -7.5], sample_weight=weights)
    Scripted.made = []
    with pytest.raises(TrainingError, match=r"minus infinity \(-7.6 in epoch 2 of phase 1\).* take their absolute"):
        play("TestRepetitions=1,MaxEpochs=2", [0.5, 0.75, -7.4, -7.6], sample_weight=weights)
    Scripted.made = []
    with pytest.raises(TrainingError, match=r"minus infinity \(-inf in epoch 1 of phase 1\)"):
        play("TestRepetitions=1,MaxEpochs=2", [0.5, -np.inf])


def test_a_loss_that_is_not_finite_is_an_error(scripted: Any) -> None:
    scripted.training_errors = iter([1.0, float("nan")])
    with pytest.raises(
        TrainingError, match="the training error became nan in epoch 2 of phase 1; use a smaller Learning"
    ):
        play("TestRepetitions=1,MaxEpochs=9", [1.0, 1.5, float("nan")])


def test_a_loss_that_is_not_finite_after_improvements(scripted: Any, caplog: pytest.LogCaptureFixture) -> None:
    scripted.training_errors = iter([1.0, float("inf"), 1.0])
    result = play("TestRepetitions=1,MaxEpochs=9|TestRepetitions=1,MaxEpochs=1", [1.0, 0.9, 0.5], [0.9, 0.95])
    assert "the training error became inf in epoch 2 of phase 1" in caplog.text
    assert "keeping the best weights so far" in caplog.text
    assert scripted.made[1].start == kept(result)
    assert json.loads(dict(result.model.info)["pytmva_rnn History"])[1][2] == float("inf")


def test_a_learning_rate_far_too_large() -> None:
    X, y = events()
    settings = f"{DENSE}LearningRate=1e300,MaxEpochs=3,Optimizer=SGD".replace("TANH", "LINEAR")
    with pytest.raises(TrainingError, match="the training error became"), np.errstate(all="ignore"):
        train(1e30 * X, y, settings, backend="reference")


# --- real trainings


DENSE = "RandomSeed=5:Layout=DENSE|4|TANH,LINEAR:ValidationSize=0.25:TrainingStrategy=TestRepetitions=1,BatchSize=20,"
DENSE += "LearningRate=0.02,"
LSTM = "RandomSeed=5:InputLayout=3|2:Layout=LSTM|4|2|3|0|1,RESHAPE|FLAT,LINEAR:ValidationSize=0.25:TrainingStrategy="
LSTM += "TestRepetitions=1,BatchSize=20,LearningRate=0.02,MaxEpochs=3"


def events(n: int = 160) -> tuple[Any, Any]:
    """Three steps of two inputs, and a label that follows from the first of them."""
    X = np.random.default_rng(7).normal(size=(n, 6))
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


def same(a: Result, b: Result) -> bool:
    return all(
        np.array_equal(one.weights[name], other.weights[name])
        for one, other in zip(a.model.layers, b.model.layers, strict=True)
        for name in one.weights
    )


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_the_same_seed_gives_the_same_network(backend: str) -> None:
    X, y = events()
    results = [train(X, y, LSTM + ",DropConfig=0+0+0.2", backend=backend, threads=1) for _ in range(2)]
    assert same(*results)
    assert results[0].history == results[1].history
    assert results[0].history[-1].validation_error < results[0].initial_validation_error
    assert not same(results[0], train(X, y, LSTM.replace("=5:", "=6:", 1), backend=backend, threads=1))


def test_a_network_without_weights_is_trained_on_every_backend() -> None:
    X, y = events()
    options = "Layout=RESHAPE|FLAT:RandomSeed=1:TrainingStrategy=MaxEpochs=2,TestRepetitions=1,BatchSize=20"
    mine, expected = (train(X[:, :1], y, options, backend=backend) for backend in ("cpu", "reference"))
    np.testing.assert_allclose(mine.history, expected.history, rtol=1e-6)
    scores = expected.model.predict(X[:, :1], backend="reference")
    np.testing.assert_allclose(mine.model.predict(X[:, :1]), scores, rtol=1e-6)


def test_seed_0_gives_another_network_every_time() -> None:
    X, y = events()
    options = f"{DENSE}MaxEpochs=1".replace("RandomSeed=5", "RandomSeed=0")
    results = [train(X, y, options, backend="reference") for _ in range(2)]
    assert not same(*results)
    assert {o.name: o.value for o in results[0].model.options}["RandomSeed"] == "0"


def test_threads_agree_to_the_order_of_summation() -> None:
    X, y = events()
    one, two = (train(X, y, LSTM, threads=threads) for threads in (1, 2))
    np.testing.assert_allclose(one.history, two.history, rtol=1e-5)
    np.testing.assert_allclose(one.model.predict(X), two.model.predict(X), atol=1e-5)


@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads(threads: int) -> None:
    X, y = events()
    with pytest.raises(ValueError, match=f"threads must be 1 or more, not {threads}"):
        train(X, y, LSTM, threads=threads)


def test_events_with_steps_and_options_one_by_one() -> None:
    X, y = events()
    options = dict(each.split("=", 1) for each in LSTM.split(":"))
    flat = train(X, y, LSTM, backend="reference")
    assert same(flat, train(X.reshape(-1, 3, 2), y, options, backend="reference"))
    assert flat.model.input_layout == (3, 1, 2)
    assert flat.model.batch_layout == (20, 3, 2)


def test_a_dense_network_has_its_batch_layout() -> None:
    X, y = events()
    assert train(X, y, f"{DENSE}MaxEpochs=1", backend="reference").model.batch_layout == (1, 20, 6)
    given = train(X, y, f"BatchLayout=1|50|6:{DENSE}MaxEpochs=1", backend="reference")
    assert given.model.batch_layout == (1, 50, 6)


@pytest.mark.parametrize(
    ("analysis", "strategy", "shape"),
    [
        ("classification", "CROSSENTROPY", (160,)),
        ("classification", "SUMOFSQUARES", (160,)),
        ("multiclass", "CROSSENTROPY", (160, 3)),
        ("multiclass", "SUMOFSQUARES", (160, 3)),
        ("multiclass", "MUTUALEXCLUSIVE", (160, 3)),
        ("regression", "SUMOFSQUARES", (160,)),
    ],
)
def test_analyses_learn(analysis: str, strategy: str, shape: tuple[int, ...]) -> None:
    X, y = events()
    labels = {"classification": y, "multiclass": y + (X[:, 0] > 1), "regression": X[:, 0] * 3 + 1}[analysis]
    options = f"ErrorStrategy={strategy}:{DENSE}MaxEpochs=20"
    result = train(X, labels, options, analysis=analysis, backend="reference")
    scores = result.model.predict(X, backend="reference")
    assert scores.shape == shape
    assert result.history[-1].validation_error < 0.8 * result.initial_validation_error
    if analysis == "regression":
        assert np.corrcoef(scores, labels)[0, 1] > 0.8
    else:
        assert 0 < scores.min() < scores.max() < 1
        # trained on the raw output, a sum of squares is between the classes at 0.5, of which the score is the sigmoid
        cut = 1 / (1 + np.exp(-0.5)) if strategy == "SUMOFSQUARES" else 0.5
        guess = scores.argmax(1) if analysis == "multiclass" else scores > cut
        assert (guess == labels).mean() > 0.8


def test_event_weights_count() -> None:
    X, y = events()
    weighted = train(X, y, f"{DENSE}MaxEpochs=1", sample_weight=np.full(160, 2.0), backend="reference")
    plain = train(X, y, f"{DENSE}MaxEpochs=1", backend="reference")
    assert weighted.initial_validation_error == pytest.approx(2 * plain.initial_validation_error)


def test_negative_weights_are_ignored_on_request() -> None:
    X, y = events()
    w = np.where(np.arange(160) % 5 == 0, -1.0, 1.0)
    options = f"IgnoreNegWeightsInTraining:{DENSE}MaxEpochs=2"
    ignored = train(X, y, options, sample_weight=w, backend="reference")
    removed = train(X[w > 0], y[w > 0], options, backend="reference")
    assert same(ignored, removed)
    assert not same(ignored, train(X, y, f"{DENSE}MaxEpochs=2", sample_weight=w, backend="reference"))


def test_transformations_are_learned_applied_and_stored() -> None:
    X, y = events()
    scaled = X * [1, 10, 100, 1e3, 1e4, 1e5] + 50
    result = train(scaled, y, f"VarTransform=N:{DENSE}MaxEpochs=3", backend="reference")
    (step,) = result.model.transformations
    assert isinstance(step, Normalize)
    np.testing.assert_allclose(step.ranges[-1, :, 1], scaled.max(0), rtol=1e-6)
    by_hand = 2 * (scaled - scaled.min(0)) / (scaled.max(0) - scaled.min(0)) - 1
    plain = train(by_hand, y, f"{DENSE}MaxEpochs=3", backend="reference")
    np.testing.assert_allclose(result.history, plain.history, rtol=1e-4)
    np.testing.assert_allclose(
        result.model.predict(scaled, backend="reference"), plain.model.predict(by_hand, backend="reference"), atol=1e-4
    )


def test_regression_targets_are_mapped_back() -> None:
    X, _ = events()
    target = 1000 + 300 * X[:, 0]
    result = train(X, target, f"VarTransform=N:{DENSE}MaxEpochs=60", analysis="regression", backend="reference")
    assert np.abs(result.model.predict(X, backend="reference") - target).mean() < 100


# --- starting from a model


def test_initial_weights_are_those_of_the_model() -> None:
    X, y = events()
    first = train(X, y, f"{DENSE}MaxEpochs=3", backend="reference")
    more = train(X, y, f"{DENSE}MaxEpochs=1", initial=first.model, backend="reference")
    assert more.initial_validation_error == pytest.approx(min(row.validation_error for row in first.history))


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (
            "DENSE|5|TANH,LINEAR",
            r"layer 0 of `initial` is DENSE {'W': \(4, 6\).*the layout asks for DENSE {'W': \(5, 6",
        ),
        ("DENSE|4|TANH,BNORM,LINEAR", "layer 1 of `initial` is DENSE .*, the layout asks for BNORM"),
        ("DENSE|4|TANH,LINEAR,LINEAR", "`initial` has 2 layers, the layout 3"),
    ],
)
def test_an_initial_model_with_other_layers(layout: str, message: str) -> None:
    X, y = events()
    first = train(X, y, f"{DENSE}MaxEpochs=1", backend="reference").model
    with pytest.raises(OptionError, match=message):
        train(X, y, f"{DENSE}MaxEpochs=1".replace("DENSE|4|TANH,LINEAR", layout), initial=first, backend="reference")


def test_an_initial_model_whose_weights_mean_something_else(caplog: pytest.LogCaptureFixture) -> None:
    X, y = events()
    first = train(X, y, f"{DENSE}MaxEpochs=1", backend="reference").model
    train(X, y, f"{DENSE}MaxEpochs=1".replace("TANH", "RELU"), initial=first, backend="reference")
    assert "activation of layer 0 of `initial` is TANH, here it is RELU" in caplog.text
    with pytest.raises(DataError, match=r"`initial` is a Model, as read_weights gives it, not 'w\.xml'"):
        train(X, y, f"{DENSE}MaxEpochs=1", initial="w.xml", backend="reference")  # type: ignore[call-overload]


def test_an_initial_model_without_weights() -> None:
    X, y = events()
    variables = tuple(Variable(n, n, n) for n in "abcdef")
    initial = Model((Dense(1, 6, "LINEAR"),), variables, (1, 1, 6), (1, 20, 6))
    with pytest.raises(DataError, match=r"`initial`: layer 0 \(DENSE\): expected the weights W, b, found none"):
        train(X, y, f"{DENSE}MaxEpochs=1".replace("DENSE|4|TANH,", ""), initial=initial, backend="reference")


# --- settings that no training can obey


@pytest.mark.parametrize("architecture", ["GPU", "STANDARD"])
def test_other_architectures_are_replaced(
    architecture: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = events()
    monkeypatch.setattr(obeyed_options, "cuda_problem", lambda: BackendError("no GPU here"))
    train(X, y, f"Architecture={architecture}:{DENSE}MaxEpochs=1")
    assert caplog.text.count(f"Architecture={architecture} is not available; training on the CPU") == 1
    assert ("no GPU here" in caplog.text) == (architecture == "GPU")


def test_opencl_is_refused() -> None:
    X, y = events()
    with pytest.raises(OptionError, match="Architecture=OPENCL does not exist in TMVA; use CPU"):
        train(X, y, f"Architecture=OPENCL:{DENSE}MaxEpochs=1", backend="reference")


def test_an_unknown_initialization_is_named(caplog: pytest.LogCaptureFixture) -> None:
    X, y = events()
    result = train(X, y, f"WeightInitialization=XAVIR:{DENSE}MaxEpochs=1", backend="reference")
    assert "WeightInitialization=XAVIR is unknown: using XAVIERUNIFORM, as TMVA does" in caplog.text
    assert result.model.initialization == "F"


def test_the_largest_seed() -> None:
    X, y = events()
    options = f"{DENSE}MaxEpochs=1"
    train(X, y, options.replace("RandomSeed=5", f"RandomSeed={2**32 - 2}"), backend="reference")
    with pytest.raises(OptionError, match="RandomSeed=4294967295 is too large; the largest is 4294967294"):
        train(X, y, options.replace("RandomSeed=5", f"RandomSeed={2**32 - 1}"), backend="reference")


def test_unknown_backend() -> None:
    X, y = events()
    with pytest.raises(ValueError, match="unknown backend 'tpu'; choose one of cpu, cuda, reference"):
        train(X, y, f"{DENSE}MaxEpochs=1", backend="tpu")


# --- what the model says of its training


def test_the_model_describes_itself() -> None:
    X, y = events()
    spectators = (Variable("run", "run", "run"),)
    result = train(
        X,
        y,
        f"{DENSE}MaxEpochs=1",
        title="quarks",
        classes=["quark", "gluon"],
        spectators=spectators,
        backend="reference",
    )
    model = result.model
    assert (model.title, model.classes, model.spectators) == ("quarks", ("quark", "gluon"), spectators)
    assert (model.analysis, model.loss, model.output_function, model.initialization) == (
        "Classification",
        "C",
        "S",
        "X",
    )
    assert {o.name for o in model.options if o.modified} == {
        *("RandomSeed", "Layout", "ValidationSize", "TrainingStrategy")
    }
    assert [v.label for v in model.variables] == [f"x{k}" for k in range(6)]


def test_provenance() -> None:
    X, y = events()
    before = time.time()
    result = train(X, y, f"{DENSE}MaxEpochs=2", info=[("pytmva_rnn Input", "toys.root")], backend="reference")
    names = [name for name, _ in result.model.info]
    assert names == [
        *("TMVA Release", "ROOT Release", "Creator", "Date", "Host", "Dir", "Training events", "TrainingTime"),
        *("AnalysisType", "pytmva_rnn Release", "pytmva_rnn History", "pytmva_rnn Input"),
    ]
    info = dict(result.model.info)
    assert info["TMVA Release"] == "4.2.1 [262657]"
    assert info["ROOT Release"] == "6.22/06 [398854]"
    assert abs(time.mktime(time.strptime(info["Date"], "%a %b %d %H:%M:%S %Y")) - before) < 60
    assert len(info["Date"]) == len("Sun Aug 15 16:22:53 2021")
    assert info["Training events"] == "160"
    assert info["TrainingTime"] == f"{result.training_time:.8e}"
    assert 0 < result.training_time < 60
    assert info["AnalysisType"] == "Classification"
    assert info["pytmva_rnn Release"] == __version__
    history = json.loads(info["pytmva_rnn History"])
    np.testing.assert_allclose(history, result.history, rtol=1e-6)
    assert all(len(repr(error)) <= len("0.1234567") + 2 for row in history for error in row[2:])


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nobody)
    X, y = events()
    assert dict(train(X, y, f"{DENSE}MaxEpochs=1", backend="reference").model.info)["Creator"] == "unknown"


# --- what the user sees


def test_the_table_of_epochs(scripted: Any, caplog: pytest.LogCaptureFixture) -> None:
    scripted.training_errors = iter([0.75, 0.5, 0.25])
    play("TestRepetitions=1,ConvergenceSteps=1,MaxEpochs=9", [1.0, 0.625, 0.7, 0.8])
    lines = caplog.messages
    assert lines[0] == "Training phase 1 of 1: 1 batches of 10 events an epoch"
    assert lines[1] == "Initial validation error 1"
    heads = [head.strip() for head in lines[2].split("|")]
    assert heads == ["Epoch", "Train Err.", "Val. Err.", "t(s)/epoch", "t(s)/Loss", "nEvents/s", "Conv. Steps"]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines[4:7]]
    assert [row[:3] + row[6:] for row in rows] == [
        ["1", "0.75", "0.625", "0 *"],
        ["2", "0.5", "0.7", "1"],
        ["3", "0.25", "0.8", "2"],
    ]
    assert all(float(cell) > 0 for row in rows for cell in row[3:6])
    assert lines[7] == "converged after 3 epochs"
    assert [line.index("|") for line in lines[4:7]] == [lines[2].index("|")] * 3


@pytest.mark.parametrize("progress", [None, False, True])
def test_progress_shows_at_a_terminal_only_or_on_request(
    progress: bool | None, scripted: Any, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # with which rich takes any file for a terminal
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    play("TestRepetitions=1,MaxEpochs=3", [1.0, 0.9, 0.8, 0.7], progress=progress)
    out, err = capfd.readouterr()
    assert out == ""
    if not progress:
        assert err == ""
        return
    assert "phase 1" in err
    assert "3/3" in err
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", err).rpartition("error")[2]
    assert re.search(r"training +▁▁▁ +1 +1 +1, 1 +1", last)
    assert re.search(r"validation +█▅▁ +0\.9 +0\.7 +1, 3 +0\.7", last)


def test_the_live_table_and_the_lines_of_the_log_at_a_terminal(
    scripted: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", Terminal())
    script = [1.0, 0.9, 0.7, 0.8], [0.7, 0.75]
    play("TestRepetitions=1,MaxEpochs=3|TestRepetitions=1,MaxEpochs=1", *script)
    assert isinstance(sys.stderr, Terminal)  # again
    shown = sys.stderr.getvalue()
    assert "1 epoch without improvement" in shown
    assert re.search(r"validation.*0\.9.*0\.7.*1, 2.*0\.75", shown)  # in the second phase
    assert shown.rpartition("1/1")[2].count("\x1b[2K") >= 5  # it takes itself away
    lines = caplog.messages
    Scripted.made = []
    caplog.clear()
    play("TestRepetitions=1,MaxEpochs=3|TestRepetitions=1,MaxEpochs=1", *script, progress=False)
    assert [line.split("|")[:3] for line in lines] == [line.split("|")[:3] for line in caplog.messages]


def test_progress_stops_when_training_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[Progress] = []
    leave: Callable[..., None] = Progress.__exit__

    def exit_(self: Progress, *error: Any) -> None:
        leave(self, *error)
        stopped.append(self)

    monkeypatch.setattr(Progress, "__exit__", exit_)
    X, y = events()
    with pytest.raises(TrainingError), np.errstate(all="ignore"):
        train(
            1e30 * X,
            y,
            f"{DENSE}LearningRate=1e300,MaxEpochs=3,Optimizer=SGD".replace("TANH", "LINEAR"),
            backend="reference",
        )
    assert len(stopped) == 1
