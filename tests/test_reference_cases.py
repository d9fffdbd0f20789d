"""Scores, gradients and training histories of C++ TMVA, reproduced by every backend."""

from __future__ import annotations

import numpy as np
import pytest

from pytmva_rnn import train
from pytmva_rnn.network.network import Network
from tests.reference import CASES, Case

pytestmark = [
    pytest.mark.parametrize("backend", ["cpu", "reference"]),
    pytest.mark.parametrize("case", [Case(name) for name in CASES], ids=CASES),
]

# rmsprop takes steps so large that noise of 1e-8 in the gradients, which any other order of float32 sums makes, moves
# its history by 2e-4: it depends on the width of the CPU's registers and the number of threads
HISTORY_TOLERANCES = {("rmsprop", "cpu"): 5e-4}


def test_scores(case: Case, backend: str) -> None:
    X, expected = case.data["X"], case.data["scores"]
    scores = case.model.predict(X, backend=backend)
    assert scores.dtype == np.float32
    assert scores.shape == (len(X),) if expected.shape[1] == 1 else expected.shape
    np.testing.assert_allclose(scores.reshape(expected.shape), expected, rtol=0, atol=2e-6)


def test_gradients(case: Case, backend: str) -> None:
    n = int(case.raw_gradients["n"])
    batch = case.data["X"][:n], case.data["y"][:n], case.data["w"][:n]
    network = Network(case.initial, backend)
    loss, gradients = network.loss_and_gradients(*batch)
    assert loss == pytest.approx(float(case.raw_gradients["loss"]), rel=1e-9 if backend == "reference" else 1e-6)
    if case.name == "remember_state":
        # TMVA's gradients were taken after its loss, in a second pass, that starts from the states of the first
        _, gradients = network.loss_and_gradients(*batch)
    largest = max(np.abs(value).max() for value in case.gradients.values())
    tolerance = (1e-8 if backend == "reference" else 2e-6) * largest
    found = {(number, name) for number, each in gradients.items() for name in each}
    assert found == set(case.gradients)
    for (number, name), expected in case.gradients.items():
        np.testing.assert_allclose(
            gradients[number][name], expected, rtol=0, atol=tolerance, err_msg=f"layer {number}, {name}"
        )


def test_input_gradient(case: Case, backend: str) -> None:
    n = int(case.raw_gradients["n"])
    batch = case.data["X"][:n], case.data["y"][:n], case.data["w"][:n]
    network = Network(case.initial, backend)
    if case.name == "remember_state":
        network.loss(*batch)
    expected = case.raw_gradients["input"].reshape(n, -1)
    tolerance = (1e-8 if backend == "reference" else 2e-6) * np.abs(expected).max()
    np.testing.assert_allclose(network.input_gradient(*batch).reshape(n, -1), expected, rtol=0, atol=tolerance)


def test_history(case: Case, backend: str) -> None:
    # a shuffled case starts from nothing but its option string: initial weights and orders are ours
    shuffled = case.training["shuffled"]
    result = train(
        case.data["X"],
        case.data["y"],
        case.training["options"],
        analysis=case.training["analysis"],
        sample_weight=case.data["w"],
        initial=None if shuffled else case.initial,
        shuffle=shuffled,
        backend=backend,
    )
    assert result.initial_validation_error == pytest.approx(case.training["initial_validation_error"], rel=1e-5)
    tolerance = HISTORY_TOLERANCES.get((case.name, backend), 2e-4)
    np.testing.assert_allclose([row[1:] for row in result.history], case.training["history"], rtol=tolerance)
    assert result.model.batch_layout == case.model.batch_layout
    assert result.model.options == case.model.options
    best = min(row.validation_error for row in result.history)
    expected = case.model.predict(case.data["X"])
    if best == result.history[-1].validation_error:
        np.testing.assert_allclose(result.model.predict(case.data["X"], backend=backend), expected, rtol=0, atol=2e-3)
