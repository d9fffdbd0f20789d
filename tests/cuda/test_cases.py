"""Scores, gradients and histories of C++ TMVA on the CUDA backend; under the simulator, of few events."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from pytmva_rnn import train
from pytmva_rnn.network.devices import simulated
from pytmva_rnn.network.network import Network
from tests.reference import CASES, Case

pytestmark = pytest.mark.gpu
ALL_CASES = pytest.mark.parametrize("case", [Case(name) for name in CASES], ids=CASES)
SOME_CASES = pytest.mark.parametrize(
    "case",
    [Case(name) for name in CASES if not simulated() or name in ("batch_norm", "shuffled_xavier", "sgd_momentum_l2")],
    ids=lambda case: case.name,
)


@ALL_CASES
def test_scores(case: Case) -> None:
    n = 5 if simulated() else len(case.data["X"])
    scores = case.model.predict(case.data["X"][:n], backend="cuda")
    expected = case.data["scores"][:n]
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.reshape(expected.shape), expected, rtol=0, atol=2e-6)


@ALL_CASES
def test_gradients(case: Case) -> None:
    n = int(case.raw_gradients["n"])
    if simulated():
        # of fewer events than TMVA's: those of the reference backend, which agree with TMVA's
        n = 4
    batch = case.data["X"][:n], case.data["y"][:n], case.data["w"][:n]
    mine, reference = Network(case.initial, "cuda"), Network(case.initial, "reference")
    for _ in range(2 if case.name == "remember_state" else 1):
        loss, gradients = mine.loss_and_gradients(*batch)
        expected_loss, expected = reference.loss_and_gradients(*batch)
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    largest = max(np.abs(value).max() for each in expected.values() for value in each.values())
    for number, each in expected.items():
        assert gradients[number].keys() == each.keys()
        for name, value in each.items():
            np.testing.assert_allclose(
                gradients[number][name], value, rtol=0, atol=2e-6 * largest, err_msg=f"layer {number}, {name}"
            )


@SOME_CASES
def test_history(case: Case) -> None:
    shuffled = case.training["shuffled"]
    n = 20 if simulated() else len(case.data["X"])
    options = case.training["options"]
    if simulated():
        options = options.replace("BatchSize=40", "BatchSize=4").replace("MaxEpochs=4", "MaxEpochs=1")
    arguments = {
        "analysis": case.training["analysis"],
        "sample_weight": case.data["w"][:n],
        "initial": None if shuffled else case.initial,
        "shuffle": shuffled,
    }
    result = train(case.data["X"][:n], case.data["y"][:n], options, backend="cuda", **arguments)
    if simulated():
        expected = train(case.data["X"][:n], case.data["y"][:n], options, backend="reference", **arguments)
        initial, history = expected.initial_validation_error, [row[1:] for row in expected.history]
    else:
        initial, history = case.training["initial_validation_error"], case.training["history"]
    assert result.initial_validation_error == pytest.approx(initial, rel=1e-5)
    # a bias before a batch normalisation has no gradient but noise, which Adam makes large
    noisy = simulated() and case.name == "batch_norm"
    np.testing.assert_allclose([row[1:] for row in result.history], history, rtol=1e-3 if noisy else 2e-4)


def test_architecture_gpu_trains_there(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.engine import Engine

    epochs = []
    whole = Engine.epoch
    monkeypatch.setattr(Engine, "epoch", lambda *given: epochs.append(given[4].shape) or whole(*given))
    X = np.random.default_rng(1).normal(size=(16, 2)).astype(np.float32)
    options = "Layout=DENSE|2|TANH,LINEAR:Architecture=GPU:TrainingStrategy=BatchSize=3,MaxEpochs=2,TestRepetitions=1"
    with caplog.at_level(logging.WARNING):
        result = train(X, np.arange(16) % 2, options + ":ValidationSize=4")
    # on a GPU a step of another engine, which compiles, comes before
    assert epochs[-2:] == [(4, 3), (4, 3)]
    assert len(epochs) == 2 + (not simulated())
    assert len(result.history) == 2
    assert "not available" not in caplog.text
