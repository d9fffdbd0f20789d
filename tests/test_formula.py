"""Formulas on arrays: ROOT's meaning, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula, evaluate
from pytmva_rnn.formula.functions import FUNCTIONS, markdown
from pytmva_rnn.formula.parsing import MAX_DEPTH, parse


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
        "number": ak.Array(np.array([2**53, 2**53 + 1, -5])),
        "huge": ak.Array(np.array([2**63, 2**63 + 1, 7], np.uint64)),
        "k": ak.Array(np.array([1, 0, 0])),
        "nested": ak.Array([[[1.0], []], [], [[2.0, 3.0]]]),
        "lv": ak.zip(
            {
                "fP": ak.zip({"fX": [3.0, 0.0, 1.0], "fY": [4.0, 2.0, 0.0], "fZ": [1.0, 0.0, -2.0]}),
                "fE": [6.0, 2.0, 3.0],
            }
        ),
        "gv": ak.zip(
            {"fCoordinates": ak.zip({"fPt": [5.0, 2.0], "fEta": [0.2, 0.0], "fPhi": [1.0, 2.0], "fM": [1.0, 0.0]})}
        )[[0, 1, 1]],
    }
    return Columns(arrays, np.array([10, 11, 12]), "a.root:t")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", [0.5, -1.5, 2.0]),
        ("2", [2, 2, 2]),
        ("n - 2", [-1, 0, 1]),  # unsigned bytes do not wrap around
        ("n / 2", [0.5, 1.0, 1.5]),
        ("-x^2 + 1", [0.75, -1.25, -3.0]),
        ("x**2", [0.25, 2.25, 4.0]),
        ("10^-n", [0.1, 0.01, 0.001]),
        ("2^3^2", [64, 64, 64]),
        ("(x>0)+(n>1)", [1, 1, 2]),
        ("charge[0] + flag + flag", [3, None, 3]),
        ("-7 % 2 + 0*n", [-1, -1, -1]),
        ("x * 10 % 4", [1, -3, 0]),
        ("7 % 4 * 2", [7, 7, 7]),  # ROOT's order
        ("1 + n << 1", [3, 5, 7]),
        ("16 >> 1 << 1", [4, 4, 4]),
        ("n & 1 == 1", [1, 0, 1]),
        ("n | 4", [5, 6, 7]),
        ("0x1F + n", [32, 33, 34]),
        ("!n == 0", [1, 1, 1]),
        ("x > 0 ? n : -n", [1, -2, 3]),
        ("n > 2 ? 1 : n > 1 ? 2 : 3", [3, 2, 1]),
        ("int(x) + (int)x", [0, -2, 4]),
        ("1 / (n - 1)", [0, 1, 0.5]),  # as TTreeFormula divides by 0
        ("log(x) * 0 + (log(x) == 0)", [0, 1, 0]),
        ("sqrt(x) - TMath::Abs(x)^0.5", [0, 0, 0]),
        ("TMath::IsNaN(TMath::Sqrt(x))", [0, 1, 0]),
        ("pt / n", [[1.0, 2.0], [], [1.0]]),
        ("pt + 10 * n", [[11.0, 12.0], [], [33.0]]),
        ("hypot(p4.fP.fX, p4.fP.fY)", [5.0, 2.0, 1.0]),
        ("sum(pt)", [3.0, 0.0, 3.0]),
        ("sum(select(pt, pt > 1.5))", [2.0, 0.0, 3.0]),
        ("num(pt)", [2, 0, 1]),
        ("count(select(pt, charge > 0))", [1, 0, 1]),
        ("max(pt)", [2.0, -math.inf, 3.0]),
        ("min(pt, 2)", [[1.0, 2.0], [], [2.0]]),
        ("max(x, n, 2)", [2.0, 2.0, 3.0]),
        ("TMath::Max(x, 0) + fabs(x)", [1.0, 1.5, 4.0]),
        ("TMath::Power(n, 2) * TMath::Pi() / pi", [1.0, 4.0, 9.0]),
        ("any(pt > 1.5)", [True, False, True]),
        ("all(pt > 1.5)", [False, True, True]),
        ("where(flag, pt, 0)", [[1.0, 2.0], [], [3.0]]),
        ("clip(x, -1, 1)", [0.5, -1.0, 1.0]),
        ("fixed[1]", [1.0, 3.0, 5.0]),
        ("fixed[k]", [1.0, 2.0, 4.0]),  # of the same event
        ("fixed[1 - k]", [0.0, 3.0, 5.0]),
        ("sum(pt[charge * 0])", [2.0, 0.0, 3.0]),
        ("isfinite(TMath::Log(x))", [True, False, True]),
        ("sign(x) * +1", [1.0, -1.0, 1.0]),
        ("Max$(pt) + Length$(nested) + Sum$(nested)", [2 + 1 + 1, 0, 3 + 2 + 5]),
        ("Min$(pt) + MaxIf$(pt, charge < 0) + MinIf$(pt, pt > 1)", [1 + 2 + 2, 0, 3 + 0 + 3]),
        ("@nested.size() + pt.size()", [4, 0, 2]),
        ("nested[0]", [[1.0], None, [2.0, 3.0]]),
        ("Sum$(nested[0]) + Length$(nested[0][1])", [1, 0, 6]),
        ("Alt$(pt[1], -x)", [2.0, 1.5, -2.0]),
        ("Alt$(nested[0][1], 7)", [7, 7, 3]),
        ("fixed + Alt$(pt, -9)", [[1, 3], [-7, -6], [7, -4]]),
        ("MaxIf$(Alt$(pt, 5), fixed > 1)", [0, 5, 5]),
        ("min(TMath::Log(x), 9) * 0 == 0", [1, 0, 1]),  # of NaN the first, as std::min
        ("num(pt) > 1 && pt[1] > 1", [1, 0, 0]),
        ("num(pt) < 2 || pt[1] > 1", [1, 1, 1]),
        ("num(pt) > 1 ? pt[1] : -1", [2, -1, -1]),
        ("Sum$(pt * Iteration$)", [2, 0, 0]),
        ("Entry$ - LocalEntry$", [0, 0, 0]),
        ('word == "b"', [0, 1, 0]),
        ("lv.Pt()", [5.0, 2.0, 1.0]),
        ("lv.Eta() - asinh(lv.Pz() / lv.Pt())", [0, 0, 0]),
        ("lv.M()^2", [36 - 26, 0, 9 - 5]),
        ("gv.Px() - gv.Pt() * cos(gv.Phi())", [0, 0, 0]),
        ("gv.E()", [math.sqrt(1 + 25 * math.cosh(0.2) ** 2), 2, 2]),
        ("TVector2::Phi_mpi_pi(4 * x)", [2.0, -6 + 2 * math.pi, 8 - 2 * math.pi]),
        ("std::isnan(Min$(std::sqrt(-charge)))", [1, 0, 1]),
        ("Min$(std::sqrt(charge)) + Max$(std::sqrt(charge)) * 2", [3, 0, 3]),  # NaN counts as the first only
        ("((n >> 1) > 0) + (n << 1 >= 4)", [0, 2, 2]),
        ("TMath::Nint(2.5) + TMath::Odd(n) + TMath::Gaus(0) + TMath::Range(0, 1, x)", [4.5, 3, 5]),
        ("number == 9007199254740993", [0, 1, 0]),
        ("number % 10", [2, 3, -5]),
        ("huge > number", [1, 1, 1]),
        ("number < huge", [1, 1, 1]),
    ],
)
def test_values(columns: Columns, text: str, expected: list[Any]) -> None:
    """None: the event lacks what is asked for."""
    formula = Formula.parse(text)
    there = np.array([value is not None for value in expected])
    if not there.all():
        with pytest.raises(DataError, match="does not exist; write Alt"):
            formula.evaluate(columns)
    result = formula.evaluate(columns.select(there))
    wanted = ak.Array([value for value in expected if value is not None])
    assert ak.all(ak.isclose(ak.values_astype(result, float), ak.values_astype(wanted, float)), axis=None)
    assert ak.to_list(ak.num(result, axis=0)) == there.sum()


def test_mean_of_nothing_is_nan(columns: Columns) -> None:
    assert ak.to_list(Formula.parse("mean(pt)").evaluate(columns))[::2] == [1.5, 3.0]
    assert math.isnan(Formula.parse("mean(pt)").evaluate(columns)[1])


def test_delta_phi_is_wrapped(columns: Columns) -> None:
    values = Formula.parse("delta_phi(3, -3) + 0 * x").per_event(columns)
    assert values == pytest.approx([6 - 2 * math.pi] * 3)
    assert Formula.parse("delta_phi(pi, 0) + 0 * x").per_event(columns) == pytest.approx([-math.pi] * 3)


def test_arithmetic_is_in_double_precision(columns: Columns) -> None:
    assert Formula.parse("x + 1e-12").per_event(columns)[0] == 0.5 + 1e-12
    assert Formula.parse("x").per_event(columns).dtype == np.float32
    assert Formula.parse("huge").per_event(columns).tolist() == [2**63, 2**63 + 1, 7]


def test_names_are_the_columns_needed() -> None:
    assert Formula.parse("hypot(a.b, c) + a.b * pi - d[i]").names == ("a.b", "c", "d", "i")
    assert Formula.parse("lv.p.Pt() + @v.size() + in + lambda + `B0-mass` + µ").names == (
        "lv.p", "v", "in", "lambda", "B0-mass", "µ",
    )  # fmt: skip
    assert Formula.parse("µ").names != Formula.parse("μ").names  # the micro sign and the letter are two names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x +", "something is missing at the end"),
        ("", "not understood"),
        ("x + * n", r"not from here on\n  x \+ \* n\n      \^"),
        ("not x", "write `&&` for `and`, `||` for `or`, `!x` for `not x`".replace("|", r"\|")),
        ("0 < x < 1", "write `0 < x && x < 1`"),
        ("n == x == 1", "comparisons cannot be chained"),
        ("n >> 1 > 0", r"ROOT mistakes a shift beside >; write the shift in parentheses: `\(n >> 1\) > 0`"),
        ("2 + n < 3 << 1", "ROOT mistakes a shift beside <"),
        ("x if n else 1", r"write `condition \? a : b`"),
        ("x // 2", r"floor\(x / y\)"),
        ("~flag", "write `!x`"),
        ("x = 2", "write `==`"),
        ("x : n", "several formulas, separated by colons"),
        ("nope(x)", "unknown function nope"),
        ("sqr(x)", "near names: sqrt"),
        ("__import__('os')", "not understood"),
        ("x.__class__()", r"no method __class__\(\)"),
        ("lv.Ptt()", r"no method Ptt\(\); near names: Pt"),
        ("{jet}", "for_each"),
        ("'a' + x", "double quotes"),
        ("hypot(x)", r"hypot takes 2 argument\(s\), not 1"),
        ("pt[0:1]", "an element is taken by one number"),
        ("pt[-1]", r"the last one is x\[Length\$\(x\) - 1\]"),
        ("pt[pt > 1]", r"write select\(pt, pt > 1\)"),
        ("hypot(x, n).fX", "a member can be taken of a branch only"),
        ("True + x", "for True write true"),
        ("9223372036854775808", "64 bits do not hold"),
        ("9" * 5000, "a number of 5000 characters"),
        ("1e999", "double precision does not hold"),
        ("+".join("x" * (MAX_DEPTH + 2)), "nested more than"),
        ("(" * 3000 + "x" + ")" * 3000, "nested more than"),
        ("-" * 3000 + "x", "nested more than"),
        ("x" * 100_000, "100000 characters"),
    ],
)
def test_what_is_not_allowed_is_refused_before_any_file_is_read(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        Formula.parse(text)
    assert repr(text)[:100] in str(error.value)
    assert len(str(error.value)) < 700


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pt[0]", r"event 11 of a.root:t has 0 elements of pt, so \[0\] does not exist; write Alt\$\(pt\[0\], 0\)"),
        ("Alt$(pt[1], pt[0])", r"event 11 .* of pt, so \[0\] does not exist"),
        ("x[0]", "x has one value per event, so it has no element"),
        ("pt + short", "different numbers of elements in event 10 of a.root:t: pt 2, short 1"),
        ("p4", r"gives objects.*e.g. p4.fP \(members: fP, fE"),
        ("p4 + 1", "p4 gives objects"),
        ("word", "gives text"),
        ("sum(x)", "there is one value per event"),
        ("max(2 * x)", "there is one value per event"),
        ("x.Pt()", "x holds no Lorentz vectors"),
        ("nested.size()", r"write @nested.size\(\) or Length\$\(nested\)"),
        ("5 % (n - 1)", "event 10 of a.root:t has no value of 5 % .n - 1.: the right side is 0"),
    ],
)
def test_what_the_data_do_not_allow_names_the_place(columns: Columns, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Formula.parse(text).evaluate(columns)


def test_a_selection_is_false_where_an_element_is_not_there(columns: Columns) -> None:
    assert Formula.parse("pt[1] > 0").truth(columns).tolist() == [True, False, False]
    assert Formula.parse("!(pt[1] > 0)").truth(columns).tolist() == [False, False, False]
    assert Formula.parse("Alt$(pt[1], 3) > 0").truth(columns).tolist() == [True, True, True]
    with pytest.raises(DataError, match="right side is 0"):
        Formula.parse("5 % (n - 1) > 0").truth(columns)
    assert Formula.parse("n > 1 && 5 % (n - 1) >= 0").truth(columns).tolist() == [False, True, True]


def test_one_value_per_event_is_checked(columns: Columns) -> None:
    with pytest.raises(DataError, match=r"'pt': gives several values per event in a.root:t"):
        Formula.parse("pt").per_event(columns)


def test_selected_columns_keep_their_entry_numbers(columns: Columns) -> None:
    some = columns.select(np.array([False, True, True]))
    assert len(some) == 2
    assert some.event(0) == "event 11 of a.root:t"
    assert Formula.parse("n").per_event(some).tolist() == [2, 3]


def test_special_functions() -> None:
    """The values are compared beside ROOT; here, what lies outside of the functions' domains."""
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, np.inf])
    quantile = evaluate("TMath::NormQuantile(x) + TMath::ErfcInverse(x) * 1e3", {"x": x}).to_list()
    assert quantile[:2] == [0, 0]
    assert quantile[2:] == pytest.approx([476.936276204, 0, 0, 0], abs=1e-9)
    assert evaluate("TMath::KolmogorovProb(x)", {"x": x}).to_list() == pytest.approx(
        [0.26999967, 1, 0.96394524, 0.26999967, 0.00067093, 0], abs=1e-8
    )
    assert evaluate("TMath::DiLog(x)", {"x": x}).to_list() == pytest.approx(
        [-(math.pi**2) / 12, 0, 0.582240526465, math.pi**2 / 6, math.pi**2 / 4, -math.inf]
    )
    for text in ("TMath::BesselJ0(x)", "TMath::Landau(x, 0, 1)", "TMath::StruveL1(x)"):
        with pytest.raises(DataError, match=r"is not supported: ROOT's .*; take it from a column"):
            evaluate(text, {"x": x})


def test_definitions() -> None:
    data = {"p4": ak.Array([{"fP": {"fX": 3.0, "fY": 4.0, "fZ": 0.0}, "fE": 5.0}]), "x": [2.0]}
    define = {"v": "p4", "pt": "v.Pt()", "twice": "pt * 2"}
    assert evaluate("twice + pt + x", data, define=define).to_list() == [17]
    with pytest.raises(DataError, match="needs itself: a -> b -> a"):
        evaluate("a", data, define={"a": "b + 1", "b": "a"})
    with pytest.raises(DataError, match="is no member of a branch"):
        evaluate("pt.fX", data, define=define)


def test_a_text_is_parsed_once() -> None:
    assert Formula.parse("x + 17 * y") is Formula.parse("x + 17 * y")


def test_the_documentation_has_the_whole_table() -> None:
    page = (Path(__file__).parents[1] / "examples" / "formulas.md").read_text(encoding="utf-8")
    assert markdown() in page
    assert all(f"| `{name}` |" in page for name in FUNCTIONS)


@pytest.mark.parametrize("name", ["x", "_1", "if", "long", "Entry", "e1"])
def test_a_name_alone_is_what_the_grammar_makes_of_it(name: str) -> None:
    plain, spaced = parse(name), parse(f"{name} ")
    assert (plain, plain.span, plain.depth) == (spaced, spaced.span, spaced.depth)
