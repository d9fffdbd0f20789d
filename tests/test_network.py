"""Shapes and errors of Network; its numbers are tested with the kernels."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import Model, read_weights, train
from pytmva_rnn.description import Dense, Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.network.network import Network
from pytmva_rnn.options.layout import build_layers, parse_layout
from pytmva_rnn.training.initialization import initial_weights
from tests.reference import Case

REFERENCE = Path(__file__).parent / "data" / "reference"
BACKENDS = ["reference", "cpu"]


def model(case: str = "lstm_sequence") -> Model:
    return read_weights(REFERENCE / case / "weights.xml")


def events(case: str = "lstm_sequence", n: int = 7) -> tuple[Any, Any]:
    with np.load(REFERENCE / case / "data.npz") as data:
        return data["X"][:n], data["y"][:n]


@pytest.mark.parametrize("backend", BACKENDS)
def test_events_may_be_flat_or_have_steps(backend: str) -> None:
    X, y = events()
    network = Network(model(), backend)
    flat = network.predict(X)
    assert flat.shape == (7,)
    assert flat.dtype == (np.float32 if backend == "cpu" else np.float64)
    np.testing.assert_array_equal(network.predict(X.reshape(7, 6, 5)), flat)
    np.testing.assert_array_equal(network.predict(X.tolist()), flat)
    np.testing.assert_array_equal(network.predict(np.asfortranarray(X)), flat)
    assert network.loss(X, y) == network.loss(X.reshape(7, 6, 5), y[:, 0])


@pytest.mark.parametrize("backend", BACKENDS)
def test_several_outputs(backend: str) -> None:
    X, _ = events("multiclass_softmax")
    network = Network(model("multiclass_softmax"), backend)
    scores = network.predict(X)
    assert scores.shape == (7, 3)
    np.testing.assert_allclose(scores.sum(1), 1, rtol=1e-6)
    assert network.predict(X[:0]).shape == (0, 3)


def test_gradients_have_the_shapes_of_the_weights() -> None:
    X, y = events()
    network = Network(model(), "reference")
    loss, gradients = network.loss_and_gradients(X, y)
    assert loss > 0
    assert list(gradients) == [0, 1, 2, 3]
    for number, layer in enumerate(network.model.layers):
        assert {name: g.shape for name, g in gradients[number].items()} == layer.weight_shapes()
    assert network.input_gradient(X, y).shape == (7, 6, 5)


def test_event_weights_multiply_the_loss() -> None:
    X, y = events()
    network = Network(model(), "reference")
    assert network.loss(X, y, np.full(7, 3.0)) == pytest.approx(3 * network.loss(X, y))
    assert network.loss(X, y) == network.loss(X, y, np.ones(7))


def test_steps_of_an_event() -> None:
    assert model().event_shape == (6, 5)
    assert model("batch_norm").event_shape == (1, 30)


@pytest.mark.parametrize("shape", [(4, 29), (4, 5, 6), (4, 6, 5, 1), (30,), (5, 0), (0, 29), ()])
def test_events_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError) as caught:
        Network(model(), "reference").predict(np.ones(shape))
    assert f"X has the shape {shape}; expected (n, 30) or (n, 6, 5): 6 step(s) of 5 input(s)" in str(caught.value)


def test_labels_and_weights_of_another_shape() -> None:
    X, y = events()
    network = Network(model(), "reference")
    with pytest.raises(DataError, match=r"y has the shape \(6, 1\); expected \(7, 1\)"):
        network.loss(X, y[:6])
    with pytest.raises(DataError, match=r"y has the shape \(7, 2\); expected \(7, 1\)"):
        network.loss_and_gradients(X, np.ones((7, 2)))
    with pytest.raises(DataError, match=r"event weights have the shape \(6,\); expected \(7,\)"):
        network.input_gradient(X, y, np.ones(6))


def test_no_events_have_no_loss() -> None:
    X, y = events(n=0)
    network = Network(model(), "reference")
    with pytest.raises(DataError, match="X has no events; a loss needs one or more"):
        network.loss(X, y)
    with pytest.raises(DataError, match="X has no events"):
        network.loss_and_gradients(X, y)


def test_a_model_without_weights() -> None:
    untrained = Model((Dense(1, 2),), (Variable("x", "x", "x"), Variable("y", "y", "y")), (1, 1, 2), (1, 30, 2))
    with pytest.raises(
        DataError, match=r"layer 0 \(DENSE\): expected the weights W, b, found none; train the model first"
    ):
        Network(untrained, "reference")


def test_statistics_are_weights_too() -> None:
    full = model("batch_norm")
    norm = dataclasses.replace(full.layers[1], weights={n: full.layers[1].weights[n] for n in ("gamma", "beta")})
    with pytest.raises(DataError, match=r"layer 1 \(BNORM\): expected the weights mu, variance, found none"):
        Network(dataclasses.replace(full, layers=(full.layers[0], norm, *full.layers[2:])), "reference")


def test_unknown_backend() -> None:
    with pytest.raises(ValueError, match="unknown backend 'tpu'"):
        Network(model(), "tpu")


@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads(threads: int) -> None:
    with pytest.raises(ValueError, match=f"threads must be 1 or more, not {threads}"):
        Network(model(), threads=threads)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_remembered_state_is_resumed_when_asked(backend: str) -> None:
    layers = build_layers(parse_layout("LSTM|4|3|2|1|0,LINEAR"), (2, 1, 3), 6, 1)
    weights = initial_weights(layers, "GAUSS", 2)
    layers = tuple(dataclasses.replace(layer, weights=each) for layer, each in zip(layers, weights, strict=True))
    network = Network(
        Model(layers, (Variable("x", "x", "x"),) * 6, input_layout=(2, 1, 3), batch_layout=(1, 2, 3)), backend
    )
    X = np.random.default_rng(1).normal(size=(6, 6))
    whole = network.predict(X)
    first = network.predict(X[:2], resume=True)
    np.testing.assert_allclose(network.predict(X), whole, rtol=1e-6)
    rest = [network.predict(X[n : n + 1], resume=True) for n in range(2, 6)]
    np.testing.assert_allclose(np.concatenate([first, *rest]), whole, rtol=1e-5)
    assert abs(network.predict(X[2:3])[0] - whole[2]) > 1e-4


def test_targets_of_another_shape_are_refused() -> None:
    """A transposed y has as many numbers, and would be scrambled without a word."""
    case = Case("regression")
    X, y = case.data["X"][:20], case.data["y"][:20]
    network = Network(case.model, "reference")
    for wrong in (y.T, y.reshape(-1), y[np.newaxis]):
        with pytest.raises(DataError, match=r"y has the shape .*; expected \(20, 2\)"):
            network.loss(X, wrong)


def test_weights_may_be_a_column() -> None:
    case = Case("regression")
    batch = case.data["X"][:20], case.data["y"][:20], case.data["w"][:20]
    network = Network(case.model, "reference")
    assert network.loss(batch[0], batch[1], batch[2][:, np.newaxis]) == network.loss(*batch)


def test_another_thread_may_be_importing_masked_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    model, X = Case("lstm_last").model, np.zeros((2, 30), np.float32)
    expected = model.predict(X)
    monkeypatch.setitem(sys.modules, "numpy.ma", ModuleType("numpy.ma"))
    np.testing.assert_array_equal(model.predict(X), expected)


def test_masked_values_are_refused() -> None:
    """NumPy hands on what lies below a mask, as if it were a number."""
    model = Case("lstm_last").model
    X = np.ma.masked_array(Case("lstm_last").data["X"].reshape(-1, 30)[:3].astype(np.float32))
    scores = model.predict(X)
    assert model.predict_one(X[1]) == pytest.approx(float(scores[1]), rel=1e-6)
    X[1, 4] = np.ma.masked
    for score, events in ((model.predict, X), (model.predict_one, X[1])):
        with pytest.raises(DataError, match="has 1 masked values, which are no numbers"):
            score(events)
    y = np.ma.masked_array([0.0, 1.0, 1.0], [False, False, True])
    with pytest.raises(DataError, match="y has 1 masked values"):
        train(X.filled(0.0), y, "Layout=LINEAR")


@pytest.mark.parametrize("wrong", [[["a"] * 30], [[1.0, 2.0], [3.0]], [[None] * 30], np.zeros((1, 30), complex)])
def test_what_is_no_number_is_refused(wrong: Any) -> None:
    with pytest.raises(DataError, match="X is not an array of numbers"):
        Case("lstm_last").model.predict(wrong)
