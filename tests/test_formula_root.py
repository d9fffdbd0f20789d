from __future__ import annotations

import sys

import numpy as np
import pytest

from pytmva_rnn.errors import DataError, MissingExtraError
from pytmva_rnn.formula import Expression
from pytmva_rnn.formula.root import translate
from pytmva_rnn.tmva.trees import as_tree, read

EVENTS = {
    "x": np.array([-2.0, 0.5, 3.0]),
    "y": np.array([1.0, 2.0, 2.0]),
    "n": np.array([0, 1, 2]),
    "tau": np.array([10.0, 20.0, 30.0]),
    "v": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
}


@pytest.mark.parametrize(
    ("formula", "values"),
    [
        ("sqrt(x*x+y*y)", np.hypot([-2, 0.5, 3], [1, 2, 2])),
        ("abs(x)<2.5 && y>1.5", [0, 1, 0]),
        ("x > 2 || y == 1", [1, 0, 1]),
        ("v[1]", [2, 4, 6]),
        ("v[0] + v[1]", [3, 7, 11]),
        ("TMath::Abs(x)", [2, 0.5, 3]),
        ("fabs(x)", [2, 0.5, 3]),
        ("TMath::Power(x, 2) + pow(y, 2)", [5, 4.25, 13]),
        ("TMath::Max(x, y)", [1, 2, 3]),
        ("x^2", [4, 0.25, 9]),
        ("-y^2", [-1, -4, -4]),
        ("!n", [1, 0, 0]),
        # In C++ `!` binds more tightly than `==`, and comparisons follow one another from the left.
        ("!n == 0", [0, 1, 1]),
        ("0 < n < 1", [1, 0, 0]),
        ("Sum$(v)", [3, 7, 11]),
        ("Length$(v) + Max$(v)", [4, 6, 8]),
        ("TMath::TwoPi() * y", 2 * np.pi * np.array([1, 2, 2])),
        ("cos(pi)", [-1, -1, -1]),
        # formulate has a constant of this name; ROOT has not.
        ("tau / 10", [1, 2, 3]),
        ("1", [1, 1, 1]),
        ("true", [1, 1, 1]),
        ("(x > 0) * y", [0, 2, 2]),
    ],
)
def test_values_are_those_of_root(formula: str, values: object) -> None:
    expression = Expression.parse(translate(formula))
    (columns,) = read(as_tree(EVENTS), [expression])
    np.testing.assert_allclose(expression.per_event(columns).astype(float), np.asarray(values, float))


@pytest.mark.parametrize(
    "formula", ["x", "a.b.c", "sqrt(x*x+y*y)", "abs(eta) < 2.5 && pt > 20", "TMath::Abs(x)", "v[3]"]
)
def test_what_means_the_same_in_python_stays_as_it_is(formula: str) -> None:
    assert translate(f" {formula} ") == formula


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("x > 1 ? y : 0", "error parsing"),
        ("jet_pt[i]", "taken by one number"),
        ("x & y", "error parsing"),
        ("p4.Pt()", "p4"),
        ("x : y", "several formulas"),
        ("TMath::Erf(x)", "erf"),
        ("x +", "error parsing"),
        ("TMath::Infinity() * x", "constant inf"),
        ("TMath::Min(x)", "2 argument"),
    ],
)
def test_what_is_not_understood_is_named(formula: str, reason: str) -> None:
    with pytest.raises(DataError) as caught:
        translate(formula)
    assert repr(formula) in str(caught.value)
    assert reason in str(caught.value)


def test_only_formulas_need_formulate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "formulate", None)
    assert [translate(text) for text in ("x", "p4.fX", "v[2]", "1", "0.5")] == ["x", "p4.fX", "v[2]", "1", "0.5"]
    with pytest.raises(MissingExtraError, match=r"pytmva_rnn\[tmva\]"):
        translate("x + y")
