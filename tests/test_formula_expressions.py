"""Expressions over branches: what they compute and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.expressions import Columns, Expression


@pytest.fixture
def columns() -> Columns:
    p4 = ak.zip({"fP": ak.zip({"fX": [3.0, 0.0, 1.0], "fY": [4.0, 2.0, 0.0]}), "fE": [5.0, 2.0, 1.0]})
    arrays = {
        "pt": ak.Array([[1.0, 2.0], [], [3.0]]),
        "charge": ak.Array(ak.values_astype([[1, -1], [], [1]], np.int8)),
        "n": ak.Array(np.array([1, 2, 3], np.uint8)),
        "x": ak.Array(np.array([0.5, -1.5, 2.0], np.float32)),
        "flag": ak.Array([True, False, True]),
        "fixed": ak.from_regular(ak.Array(np.arange(6.0).reshape(3, 2)), axis=None),
        "word": ak.Array(["a", "b", "c"]),
        "p4": p4,
        "p4.fP.fX": p4.fP.fX,
        "p4.fP.fY": p4.fP.fY,
        "short": ak.Array([[1.0], [], [3.0, 4.0]]),
    }
    return Columns(arrays, np.array([10, 11, 12]), "a.root:t")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", [0.5, -1.5, 2.0]),
        ("2", [2, 2, 2]),
        ("n - 2", [-1, 0, 1]),  # unsigned bytes do not wrap around
        ("n / 2", [0.5, 1.0, 1.5]),
        ("7 // n % 2", [1, 1, 0]),
        ("-x**2 + 1", [0.75, -1.25, -3.0]),
        ("x^2", [0.25, 2.25, 4.0]),
        ("10**-n", [0.1, 0.01, 0.001]),
        ("pt / n", [[1.0, 2.0], [], [1.0]]),
        ("hypot(p4.fP.fX, p4.fP.fY)", [5.0, 2.0, 1.0]),
        ("sum(pt)", [3.0, 0.0, 3.0]),
        ("sum(pt[pt > 1.5])", [2.0, 0.0, 3.0]),
        ("num(pt)", [2, 0, 1]),
        ("count(pt[charge > 0])", [1, 0, 1]),
        ("max(pt)", [2.0, -math.inf, 3.0]),
        ("min(pt, 2)", [[1.0, 2.0], [], [2.0]]),
        ("max(x, n, 2)", [2.0, 2.0, 3.0]),
        ("TMath::Max(x, 0) + fabs(x)", [1.0, 1.5, 4.0]),
        ("TMath::Power(n, 2) * TMath::Pi() / pi", [1.0, 4.0, 9.0]),
        ("any(pt > 1.5)", [True, False, True]),
        ("all(pt > 1.5)", [False, True, True]),
        ("0 < x < 1 or n == 3", [True, False, True]),
        ("x > 0 && not flag || n != 1", [False, True, True]),
        ("~flag | (x < 0)", [False, True, False]),
        ("(n & 1) == 1", [True, False, True]),
        ("where(flag, pt, 0)", [[1.0, 2.0], [], [3.0]]),
        ("clip(x, -1, 1)", [0.5, -1.0, 1.0]),
        ("fixed[1]", [1.0, 3.0, 5.0]),
        ("fixed[-2]", [0.0, 2.0, 4.0]),
        ("isfinite(log(x))", [True, False, True]),
        ("sign(x) * +1", [1.0, -1.0, 1.0]),
    ],
)
def test_values(columns: Columns, text: str, expected: list[Any]) -> None:
    result = Expression.parse(text).evaluate(columns)
    assert ak.all(ak.isclose(ak.values_astype(result, float), ak.values_astype(ak.Array(expected), float)), axis=None)
    assert ak.to_list(ak.num(result, axis=0)) == 3


def test_mean_of_nothing_is_nan(columns: Columns) -> None:
    assert ak.to_list(Expression.parse("mean(pt)").evaluate(columns))[::2] == [1.5, 3.0]
    assert math.isnan(Expression.parse("mean(pt)").evaluate(columns)[1])


def test_delta_phi_is_wrapped(columns: Columns) -> None:
    values = Expression.parse("delta_phi(3, -3) + 0 * x").per_event(columns)
    assert values == pytest.approx([6 - 2 * math.pi] * 3)
    assert Expression.parse("delta_phi(pi, 0) + 0 * x").per_event(columns) == pytest.approx([-math.pi] * 3)


def test_arithmetic_is_in_double_precision(columns: Columns) -> None:
    assert Expression.parse("x + 1e-12").per_event(columns)[0] == 0.5 + 1e-12
    assert Expression.parse("x").per_event(columns).dtype == np.float32


def test_names_are_the_branches_needed() -> None:
    assert Expression.parse("hypot(a.b, c) + a.b * pi - d[0]").names == ("a.b", "c", "d")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x +", "not understood"),
        ("", "not understood"),
        ("!x", "write `not x`"),
        ("nope(x)", "unknown function nope"),
        ("sqr(x)", "near names: sqrt"),
        ("__import__('os')", "unknown function __import__"),
        ("x.__class__()", r"methods of objects \(x.__class__\) cannot be called"),
        ("p4.Pt()", "use the object's members"),
        ("(lambda: x)()", "unknown function"),
        ("[1, 2]", "not allowed"),
        ("x if n else 1", "not allowed"),
        ("{jet}", "for_each"),
        ("'a' + x", "'a' is not a number"),
        ("hypot(x)", r"hypot takes 2 argument\(s\)"),
        ("sum(x, axis=0)", "sum takes 1 argument"),
        ("x @ n", "not allowed"),
        ("x is n", "not allowed"),
        ("x[1:2]", "an element is taken by one number"),
        ("hypot(x, n).fX", "a member can be taken of a branch only"),
    ],
)
def test_what_is_not_allowed_is_refused_before_any_file_is_read(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        Expression.parse(text)
    assert repr(text) in str(error.value)


def test_a_long_chain_is_refused_and_not_a_crash() -> None:
    with pytest.raises(DataError, match="not understood"):
        Expression.parse("-" * 100_000 + "x")


def test_huge_powers_of_constants_end(columns: Columns) -> None:
    assert ak.to_list(Expression.parse("9**9**9**9").evaluate(columns)) == [math.inf] * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pt[0]", r"event 11 of a.root:t has 0 element\(s\) of pt, so \[0\] does not exist; .*num\(pt\) > 0"),
        ("pt[-2]", r"event 11 .*num\(pt\) > 1"),
        ("x[0]", "x has one value per event in a.root:t"),
        ("pt + short", "different numbers of elements in event 10 of a.root:t: pt 2, short 1"),
        ("p4", "gives objects.*e.g. p4.fP .members: fP, fE"),
        ("p4 + 1", "cannot be computed from p4 in a.root:t"),
        ("word", "gives text"),
        ("sum(x)", "cannot be computed from x in a.root:t: there is one value per event"),
        ("num(x)", "there is one value per event"),
        ("mean(x)", "there is one value per event"),
        ("max(2 * x)", "there is one value per event"),
    ],
)
def test_what_the_data_do_not_allow_names_the_place(columns: Columns, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Expression.parse(text).evaluate(columns)


def test_one_value_per_event_is_checked(columns: Columns) -> None:
    with pytest.raises(DataError, match=r"'pt': gives several values per event in a.root:t"):
        Expression.parse("pt").per_event(columns)


def test_selected_columns_keep_their_entry_numbers(columns: Columns) -> None:
    some = columns.select(np.array([False, True, True]))
    assert len(some) == 2
    assert some.event(0) == "event 11 of a.root:t"
    assert Expression.parse("n").per_event(some).tolist() == [2, 3]
