"""Labels as users have them, and datasets of finished arrays."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest

from pytmva_rnn import Dataset
from pytmva_rnn.data.labels import read_labels
from pytmva_rnn.errors import DataError, TrainingError

TRUTH = [True, False, False, True]
X = np.arange(8.0).reshape(4, 2)


@pytest.mark.parametrize(
    "y",
    [
        [1, 0, 0, 1],
        [1, -1, -1, 1],
        [1.0, -1.0, -1.0, 1.0],
        TRUTH,
        np.array(TRUTH, dtype=object),
        [["Signal"], ["b"], ["b"], ["Signal"]],
        ["signal", "bkg", "bkg", "signal"],
        np.array(["signal", "bkg", "bkg", "signal"], dtype=object),
        ak.Array(["z", "Signal", "Signal", "z"])[[1, 0, 0, 1]],
    ],
)
def test_labels_of_two_classes(y: Any) -> None:
    labels, analysis, _ = read_labels(y)
    assert analysis == "classification"
    assert (np.ravel(labels) == TRUTH).all()
    data = Dataset.from_arrays(X, y)
    assert data.y.tolist() == [1, 0, 0, 1]
    assert data.classes[0].capitalize() == "Signal"


def test_texts_give_the_classes_their_names() -> None:
    assert Dataset.from_arrays(X, ["quark", "gluon"] * 2, classes=("gluon", "quark")).y.tolist() == [0, 1, 0, 1]
    several = Dataset.from_arrays(X, ["c", "Signal", "a", "c"])
    assert several.classes == ("Signal", "a", "c")
    assert several.analysis == "multiclass"
    assert several.class_index.tolist() == [2, 0, 1, 2]
    assert Dataset.from_arrays(X, [1, 2, 0, 1], analysis="multiclass").classes == ("Class0", "Class1", "Class2")


@pytest.mark.parametrize(
    ("y", "settings", "message"),
    [
        (["quark", "gluon"] * 2, {}, r"'gluon' and 'quark': which is the signal\? Name it first, classes=\('gluon', "),
        (["Signal", "signal"] * 2, {}, "both could be the signal"),
        (["Signal"] * 4, {}, "one class only, 'Signal'"),
        (["Signal", "b", "c", "c"], {"analysis": "classification"}, "has two classes, but y has 3"),
        (["Signal", "bkg"] * 2, {"classes": ("Signal", "bgk")}, "event 1 is 'bkg', which is none of the classes; near"),
        (["Signal", "bkg"] * 2, {"analysis": "regression"}, "a regression learns numbers"),
        (["Signal", 1, None, "b"], {}, "of objects: label 1 is 1"),
        ([0, 1, 2, 1], {}, "event 2 has .*more classes and other numbers need analysis='multiclass' or 'regression'"),
        ([-1, 0, 1, 1], {}, "1 for signal and 0 for background, but event 0 has"),
        ([0.5, 1, 0, 1], {}, "1 for signal and 0 for background, but event 0 has"),
        ([1, 0, 0], {}, "as many events as X"),
        ([1, 1, 1, 1], {}, "no events of the class Background"),
        (TRUTH, {"classes": "ab"}, "classes are a list of names, not 'ab'"),
        (TRUTH, {"classes": ("a", "a")}, "two classes have one name: a, a"),
    ],
)
def test_labels_that_are_not_understood(y: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises((DataError, TrainingError), match=message):
        Dataset.from_arrays(X, y, **settings)


def test_a_dataset_of_arrays() -> None:
    weights = [1.0, 2.0, -0.5, 1.0]
    data = Dataset.from_arrays(X, TRUTH, weights=weights, variables=["a", "b"])
    assert data.recipe is None
    assert data.weights.tolist() == weights
    table = data.variable_table()
    assert table is not None
    assert [(v.label, v.min, v.max) for v in table] == [("a", 0, 6), ("b", 1, 7)]
    steps = Dataset.from_arrays(X.reshape(4, 2, 1), TRUTH, variables=["a"])
    assert steps.variables == ("a_0", "a_1")
    regression = Dataset.from_arrays(X, X, targets=["e", "m"])
    assert regression.analysis == "regression"
    assert [v.label for v in regression.target_table()] == ["e", "m"]
    frame = pytest.importorskip("pandas").DataFrame({"p": X[:, 0], "q": X[:, 1]})
    assert Dataset.from_arrays(frame, TRUTH).variables == ("p", "q")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": np.where(X == 3, np.nan, X)}, r"X has a NaN or infinity in 1 event\(s\), first in event 1"),
        ({"weights": [1, 1, 1]}, "weights has 3 values for 4 events"),
        ({"weights": [1, 1, np.inf, 1]}, r"weights has a NaN or infinity in 1 event\(s\), first in event 2"),
        ({"weights": [1, 1, -1, 1]}, "of class 'Background' add up to 0; take their absolute values"),
        ({"weights": [0, 1, 1, 0]}, "of class 'Signal' add up to 0; check the formula of the weight"),
        ({"variables": ["a"]}, "1 names for the variables of events"),
        ({"variables": ["a", "a"]}, "several variables have one name: a, a"),
        ({"X": X[:, 0]}, r"X has the shape \(4,\)"),
        ({"y": X, "targets": ["a"]}, "1 names for the 2 targets"),
    ],
)
def test_arrays_that_make_no_dataset(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Dataset.from_arrays(**({"X": X, "y": TRUTH} | changes))
