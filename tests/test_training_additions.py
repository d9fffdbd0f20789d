"""What trainings have beyond TMVA's: schedules, clipping, weights of classes, going back, and `on_epoch`."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import Additions, load_config, train
from pytmva_rnn.errors import ConfigError, OptionError
from pytmva_rnn.kernels import engine_class
from pytmva_rnn.kernels.reference.engine import Engine as Reference
from pytmva_rnn.options import TrainingPhase
from pytmva_rnn.training import Cosine, OnPlateau, Step
from pytmva_rnn.training.checkpoint_file import read_header
from pytmva_rnn.weightfile import write_weights
from pytmva_rnn.weightfile.validation import validate
from tests.test_kernels_cpu import Net
from tests.test_kernels_engine_state import LAYOUT
from tests.test_training_checkpoints import DENSE, assert_same, broken, events


def test_rates_of_schedules() -> None:
    def rates(schedule: Any, plateaus: int = 0) -> list[float]:
        return [schedule.factor(epoch, 5, plateaus) for epoch in range(1, 6)]

    assert rates(Cosine(lowest=0.2)) == pytest.approx(
        [1, 0.8 * (2 + 2**0.5) / 4 + 0.2, 0.6, 0.8 * (2 - 2**0.5) / 4 + 0.2, 0.2]
    )
    assert rates(Cosine(lowest=0.5, warmup=2)) == pytest.approx([1 / 3, 2 / 3, 1, 0.75, 0.5])
    assert rates(Step(every=2, by=0.1)) == pytest.approx([1, 1, 0.1, 0.1, 0.01])
    assert rates(OnPlateau(by=0.5), 2) == [0.25] * 5


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_the_rate_of_a_schedule_is_that_of_the_steps(backend: str) -> None:
    """SGD without momentum goes as far as the rate says."""
    net = Net(LAYOUT, (3, 1, 2), 9)
    moved = []
    for rate in (0.1, 0.2):
        engine = net.engine(
            engine_class(backend), settings=TrainingPhase(optimizer="SGD", momentum=0, learning_rate=7.0)
        )
        engine.set_learning_rate(rate)
        engine.step(net.X, net.y, net.w, np.arange(9), 1)
        moved.append(engine.weights()[3]["W"] - net.weights[3]["W"])
    np.testing.assert_allclose(moved[1], 2 * moved[0], rtol=1e-3, atol=1e-7)


def clipped_step(cls: type[Any], most: float) -> tuple[float, Any]:
    """How far a step with rate 1 goes over all weights, and the weights after it."""
    net = Net("LSTM|3|2|3|0|1,RESHAPE|FLAT,DENSE|3|TANH,LINEAR", (3, 1, 2), 9)
    settings = TrainingPhase(optimizer="SGD", momentum=0, learning_rate=1.0)
    engine = net.engine(cls, settings=settings, clip_norm=most, regularization="2", weight_decay=0.1)
    engine.step(net.X, net.y, net.w, np.arange(9), 1)
    pairs = zip(engine.weights(), net.weights, strict=True)
    return np.sqrt(sum(float(((a[n] - b[n]) ** 2).sum()) for a, b in pairs for n in b)), engine.weights()


def assert_clips(cls: type[Any]) -> None:
    whole, _ = clipped_step(cls, 0.0)
    assert whole > 0.1
    assert clipped_step(cls, 0.05)[0] == pytest.approx(0.05, rel=1e-4)
    for layer, other in zip(clipped_step(cls, 2 * whole)[1], clipped_step(cls, 0.0)[1], strict=True):
        assert all(np.array_equal(layer[name], other[name]) for name in layer)


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_gradients_are_clipped_to_a_norm(backend: str) -> None:
    assert_clips(engine_class(backend))


def test_weights_of_classes_are_weights_of_events() -> None:
    X, y = events()
    given = np.linspace(0.5, 2, 160)
    by_class = {"class_weights": {"Signal": 4.0}}
    one = train(X, y, DENSE, sample_weight=given, backend="reference", additions=by_class)
    assert_same(one, train(X, y, DENSE, sample_weight=np.where(y, 4 * given, given), backend="reference"))
    options = DENSE.replace("ValidationSize=0.25:", "")
    how: dict[str, Any] = {"validation": (X[100:], y[100:]), "backend": "reference"}
    errors = [
        train(X[:100], y[:100], options, additions=more, **how).initial_validation_error for more in ({}, by_class)
    ]
    assert errors[1] > 1.2 * errors[0]
    with pytest.raises(OptionError, match=r"class_weights: there is no class 'signal'.*Signal"):
        train(X, y, DENSE, additions={"class_weights": {"signal": 2.0}})
    with pytest.raises(OptionError, match="class_weights are for classes, not for a regression"):
        train(X, X[:, 0], DENSE, analysis="regression", additions=by_class)


def noisy_events() -> tuple[Any, Any]:
    """Of which some labels are wrong, so that the validation error soon falls no more."""
    X, y = events()
    return X, y ^ (np.random.default_rng(3).random(160) < 0.3)


RESTLESS = DENSE.replace("MaxEpochs=4", "MaxEpochs=14").replace("=0.02", "=0.5")
ADDITIONS = {"schedule": {"kind": "plateau", "patience": 2, "by": 0.6}, "clip_norm": 0.1, "restore_after": 3}


def test_plateaus_and_going_back(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = noisy_events()
    caplog.set_level(logging.INFO)
    rates: list[float] = []
    monkeypatch.setattr(Reference, "set_learning_rate", lambda self, rate: rates.append(rate))
    result = train(X, y, RESTLESS, backend="reference", additions=ADDITIONS)
    lowest, unimproved, plateaus = result.initial_validation_error, 0, 0
    for row, after in zip(result.history, rates[1:], strict=False):
        unimproved = 0 if row.validation_error < lowest else unimproved + 1
        lowest = min(lowest, row.validation_error)
        plateaus += unimproved > 0 and unimproved % 2 == 0
        assert after == pytest.approx(0.5 * 0.6**plateaus)
        back = unimproved > 0 and unimproved % 3 == 0
        assert (f"epoch {row.epoch}: back to the best weights so far" in caplog.messages) == back
    assert len(rates) == len(result.history) == 14
    assert plateaus > 1
    assert "back to the best weights so far" in caplog.text


@pytest.mark.parametrize("at", [5, 9, 13])
def test_additions_go_on_after_an_interruption(at: int, tmp_path: Path) -> None:
    X, y = noisy_events()
    whole = train(X, y, RESTLESS, backend="reference", additions=ADDITIONS)
    assert_same(broken(RESTLESS, tmp_path / "c.npz", X, y, at=at, backend="reference", additions=ADDITIONS), whole)


def test_the_weight_file_is_tmvas(tmp_path: Path) -> None:
    X, y = events()
    model = train(X, y, DENSE, backend="reference", additions=ADDITIONS).model
    assert json.loads(dict(model.info)["pytmva_rnn Additions"]) == ADDITIONS
    write_weights(model, tmp_path / "w.xml")
    assert not list(validate(tmp_path / "w.xml"))
    assert "pytmva_rnn Additions" not in dict(train(X, y, DENSE, backend="reference").model.info)


def test_a_training_that_on_epoch_ends_is_done(tmp_path: Path) -> None:
    how: dict[str, Any] = {"backend": "reference", "checkpoint": tmp_path / "c.npz"}
    ended = train(*events(), DENSE, on_epoch=lambda row: row.epoch == 2, **how)
    assert_same(train(*events(), DENSE, resume=True, **how), ended)
    with pytest.raises(ZeroDivisionError):
        train(*events(), DENSE, on_epoch=lambda row: 1 / 0, **how)
    assert not read_header(tmp_path / "c.npz")["state"]["done"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"clip": 1.0}, "the additions have no 'clip'; near names: clip_norm"),
        ({"clip_norm": 0}, "clip_norm is a number above 0, not 0"),
        ({"restore_after": 0}, "restore_after is a whole number from 1 on, not 0"),
        ({"schedule": "cosine"}, "schedule is a table with a kind, cosine, step, plateau; not 'cosine'"),
        ({"schedule": {"kind": "cosinus"}}, "the kind of schedule is one of cosine, step, plateau; not 'cosinus'"),
        ({"schedule": {"kind": "step", "eevry": 2}}, "a schedule of the kind step has no 'eevry'; near names: every"),
        ({"schedule": {"kind": "plateau", "by": 2}}, "by is a number above 0 to 1, not 2"),
        ({"class_weights": {"Signal": -1}}, "class_weights of Signal is a number above 0, not -1"),
        ({"class_weights": [1, 2]}, "class_weights is a table of classes and numbers"),
    ],
)
def test_wrong_additions(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Additions.of(given)


def test_additions_of_a_configuration(tmp_path: Path) -> None:
    text = """
variables = ["x"]
[input]
files = "events.root"
[input.classes]
Signal = "x > 0"
Background = "x <= 0"
[method]
options = "Layout=LINEAR"
[additions]
"""
    file = tmp_path / "c.toml"
    file.write_text(
        text + 'schedule = { kind = "step", every = 5 }\nclip_norm = 1.0\nclass_weights = { Signal = 2.0 }\n'
    )
    assert load_config(file).additions == Additions(Step(5), 1.0, {"Signal": 2.0})
    file.write_text(text + "clip_norm = -1\n")
    with pytest.raises(ConfigError, match=r"c.toml: \[additions\]: clip_norm is a number above 0, not -1"):
        load_config(file)
