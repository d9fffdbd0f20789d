"""Many events, block by block."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import train
from pytmva_rnn.network import Network, scoring
from pytmva_rnn.network.scoring import predict
from tests.reference import Case


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few events."""
    monkeypatch.setattr(scoring, "_BLOCK", 30 * 7)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("name", ["lstm_sequence", "remember_state", "multiclass_softmax", "regression"])
@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_blocks_score_as_the_whole(name: str, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(name)
    X = case.data["X"][:60]
    network = Network(case.model, backend)
    in_blocks = predict(network, X)
    np.testing.assert_array_equal(predict(network, X), in_blocks)
    monkeypatch.setattr(scoring, "_BLOCK", 1 << 21)
    np.testing.assert_array_equal(predict(network, X), in_blocks)
    np.testing.assert_array_equal(in_blocks, network.predict(X).astype(np.float32))


@pytest.mark.usefixtures("blocks")
def test_blocks_leave_a_shared_state_alone() -> None:
    case = Case("remember_state")
    X, network = case.data["X"][:40], Network(case.model)
    together = network.predict(X, resume=True)
    network = Network(case.model)
    first = network.predict(X[:20], resume=True)
    predict(network, X)
    np.testing.assert_array_equal(np.concatenate([first, network.predict(X[20:], resume=True)]), together)


def transformed_regression() -> tuple[Any, Any]:
    random = np.random.default_rng(6)
    X = random.normal(size=(200, 30)).astype(np.float32)
    y = 1000 + 50 * X[:, :2]
    options = (
        "VarTransform=N(_V_),D,U(_T_):Layout=DENSE|4|TANH,LINEAR:"
        "TrainingStrategy=MaxEpochs=1,TestRepetitions=1,BatchSize=20"
    )
    return train(X, y, options, analysis="regression", backend="reference").model, X


@pytest.mark.usefixtures("blocks")
def test_events_of_any_flavour_are_transformed_and_mapped_back() -> None:
    model, X = transformed_regression()
    expected, before = model.predict(X), X.copy()
    assert expected.min() > 800
    assert not np.array_equal(expected[:, 0], expected[:, 1])
    read_only = X.copy()
    read_only.flags.writeable = False
    for flavour in (X.astype(np.float64), np.asfortranarray(X), read_only, X.tolist(), X.reshape(-1, 1, 30)):
        np.testing.assert_array_equal(model.predict(flavour), expected)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_allclose([model.predict_one(x) for x in X[:30]], expected[:30], rtol=2e-6)
    X[5, 3] = np.nan
    assert np.isnan(model.predict(X)[5]).all()
    assert np.isnan(model.predict_one(X[5])).all()


def test_no_events() -> None:
    model, X = transformed_regression()
    assert model.predict(X[:0]).shape == (0, 2)


def test_a_gpu_gets_all_that_needs_no_preparation() -> None:
    X = np.zeros((9, 10, 30), np.float32)

    def at_once(events: Any, backend: str = "cuda", chain: bool = False) -> int:
        network: Any = SimpleNamespace(shape=(10, 30), backend=backend, chain=chain, dtype=np.dtype(np.float32))
        return scoring._at_once(network, events)

    assert at_once(X) == 9
    assert {at_once(X, chain=True), at_once(X.astype(float)), at_once(X[:, :, ::-1])} == {(1 << 26) // 300}
    assert at_once(X, "cpu") == (1 << 21) // 300
