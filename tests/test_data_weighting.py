"""Negative weights, reweighting and the balance of classes."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from pytmva_rnn.data import ArrayTree, Dataset, Recipe, Reweight, Weighting, load
from pytmva_rnn.data.weighting import weighted
from pytmva_rnn.errors import DataError

RECIPE = Recipe.from_dict({"variables": ["x"]})
RANDOM = np.random.default_rng(3)
N = 4000
EVENTS = {
    "Signal": {"x": RANDOM.normal(size=N), "pt": RANDOM.exponential(20, N), "w": np.ones(N)},
    "b": {"x": RANDOM.normal(size=N), "pt": RANDOM.exponential(40, N), "w": RANDOM.random(N)},
    "c": {"x": RANDOM.normal(size=N), "pt": RANDOM.uniform(0, 100, N), "w": np.full(N, 3.0)},
}


def events(classes: str = "sbc", most: float = 100, **settings: Any) -> Dataset:
    names = {"s": "Signal", "b": "b", "c": "c"}
    sources = {names[c]: ArrayTree.of(EVENTS[names[c]], selection=f"pt < {most}", weight="w") for c in classes}
    return load(RECIPE, sources, **settings)


def shares(data: Dataset, number: int, edges: Any) -> Any:
    member = data.class_index == number
    contents, _ = np.histogram(data.weighting_values[member, 0], edges, weights=data.weights[member])
    return contents / contents.sum()


@pytest.mark.parametrize("to", ["flat", "Signal", "b"])
def test_distributions_become_alike_in_the_training_sample(to: str) -> None:
    edges = [0, 5, 20, 40, 100]
    before = events()
    data = events(reweight=Reweight("pt", edges, to))
    training, test = data.split("NormMode=None")
    assert (len(training), len(test)) == tuple(len(part) for part in before.split("NormMode=None"))
    wanted = np.diff(edges) / 100 if to == "flat" else shares(training, training.classes.index(to), edges)
    for number, name in enumerate(training.classes):
        np.testing.assert_allclose(shares(training, number, edges), wanted, rtol=1e-12)
        np.testing.assert_allclose(shares(test, number, edges), wanted, atol=0.03)
        same = before.split("NormMode=None")[0]
        totals = [part.weights[part.class_index == number].sum() for part in (training, same)]
        assert totals[0] == pytest.approx(totals[1])
        if name == to:
            np.testing.assert_array_equal(
                training.weights[training.class_index == number], same.weights[same.class_index == number]
            )
    assert training.weighting is None
    assert data.weighting is not None


def test_two_variables() -> None:
    data = events(reweight=Reweight(("pt", "x"), (4, 3), "Signal"), most=60)
    training, _ = data.split("SplitMode=Block")
    edges = [np.linspace(v.min(), v.max(), n + 1) for v, n in zip(training.weighting_values.T, (4, 3), strict=True)]
    found = []
    for number in range(3):
        member = training.class_index == number
        contents, *_ = np.histogram2d(*training.weighting_values[member].T, edges, weights=training.weights[member])
        found.append(contents / contents.sum())
    np.testing.assert_allclose(found[1], found[0], atol=1e-9)
    np.testing.assert_allclose(found[2], found[0], atol=1e-9)


def test_classes_in_balance() -> None:
    data = events(balance=True)
    training, test = data.split("NormMode=None:SplitMode=Block")
    assert np.bincount(training.class_index, training.weights) == pytest.approx(np.full(3, training.weights.sum() / 3))
    sums = np.bincount(test.class_index, test.weights)
    assert sums == pytest.approx(np.full(3, sums.mean()), rel=0.1)
    assert not np.allclose(sums, sums.mean(), rtol=1e-6)  # the factors are the training sample's
    (alone,) = weighted(data)
    assert np.bincount(alone.class_index, alone.weights) == pytest.approx(np.full(3, alone.weights.sum() / 3))


@pytest.mark.parametrize(
    ("reweight", "message"),
    [
        (Reweight("pt", [0, 50]), r"events lie outside the bins .* go from 0 to 50 \(one has"),
        (Reweight("pt", [0, 50, 100], "Sgnal"), "not 'Sgnal'; near names: Signal"),
        (Reweight("pt - pt"), "the variable of the reweighting, pt - pt, is 0 in all training events"),
    ],
)
def test_what_cannot_be_reweighted(reweight: Reweight, message: str) -> None:
    data = events(reweight=reweight)
    with pytest.raises(DataError, match=message):
        data.split()


def test_bins_that_a_class_has_not_are_said_and_count_for_nothing(caplog: pytest.LogCaptureFixture) -> None:
    training, _ = events(reweight=Reweight("pt", [-10, -5, 0, 100])).split("NormMode=None")
    assert "class Signal has no events in -10 <= pt < -5 of the reweighting, nor in 1 more bins" in caplog.text
    assert training.weights[training.class_index == 0] == pytest.approx(1)


def test_a_reference_without_events() -> None:
    sources = {name: dict(EVENTS[name]) for name in ("Signal", "b")}
    sources["Signal"] = {name: values[sources["Signal"]["pt"] < 30] for name, values in sources["Signal"].items()}
    data = load(RECIPE, sources, reweight=Reweight("pt", [0, 30, 60, 1e4], "Signal"))
    with pytest.raises(
        DataError, match=r"class 'Signal' has no events in 30 <= pt < 60, where class 'b' has .* wider bins"
    ):
        data.split()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variables": ()}, "one or two variables"),
        ({"variables": ("a", "b", "c")}, "one or two variables"),
        ({"variables": "pt", "bins": 0}, "at least 1, not 0"),
        ({"variables": "pt", "bins": [1.0, 0.5]}, "ascending numbers"),
        ({"variables": ("a", "b"), "bins": [[0, 1], [0, 1], [0, 1]]}, "as many binnings, not 3"),
        ({"variables": "pt", "bins": "20"}, "a number, or a list of edges, not '20'"),
        ({"variables": 5}, "one or two variables"),
        ({"variables": None}, "one or two variables"),
        ({"variables": "pt", "bins": [["a", "b"]]}, r"a list of edges, for each variable; not \['a', 'b'\]"),
        ({"variables": ("a", "b"), "bins": [2.5, [0, 1]]}, "a whole number, not 2.5"),
        ({"variables": "pt", "bins": [None]}, "a list of edges, for each variable; not None"),
        ({"bins": 3}, "needs the key 'variables'"),
        ({"variables": "pt", "binz": 3}, "no key 'binz'; near names: bins"),
    ],
)
def test_reweighting_that_makes_no_sense(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Reweight.from_dict(arguments)


@pytest.mark.parametrize(("treatment", "weights"), [("keep", [1, -2, 4]), ("absolute", [1, 2, 4]), ("ignore", [1, 4])])
def test_negative_weights(treatment: Any, weights: list[float], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    other = {"x": [1.0, 2.0], "w": [1.0, 1.0]}
    sources = {"Signal": {"x": [1.0, 2.0, 3.0], "w": [1.0, -2.0, 4.0]}, "b": other}
    data = load(
        RECIPE,
        {name: ArrayTree.of(columns, weight="w") for name, columns in sources.items()},
        negative_weights=treatment,
    )
    assert data.weights[data.class_index == 0].tolist() == weights
    assert "class Signal: 1 of 3 events have negative weights, -2 of 3 in all (28.6 %)" in caplog.text
    assert "class b:" not in caplog.text


def test_weights_that_nothing_can_be_learned_from() -> None:
    sources = {
        name: ArrayTree.of({"x": [1.0, 2.0], "w": values}, weight="w")
        for name, values in (("Signal", [1.0, 1.0]), ("b", [1.0, -1.5]))
    }
    with pytest.raises(
        DataError, match=r"2 events of class 'b' add up to -0.5; take their absolute values .*ignore.*pair"
    ):
        load(RECIPE, sources)
    assert load(RECIPE, sources, negative_weights="ignore").weights.tolist() == [1, 1, 1]
    with pytest.raises(DataError, match="'keep', 'absolute' or 'ignore', not 'drop'"):
        load(RECIPE, sources, negative_weights="drop")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="for classes, not for a regression"):
        load(RECIPE, {"x": [1.0]}, targets=["x"], balance=True)
    assert Weighting(balance=True).variables == ()
