"""Variables and recipes: from plain data to inputs and to the weight file's description."""

from __future__ import annotations

import json
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pytmva_rnn.data import Column, Recipe, Steps, Variables, load
from pytmva_rnn.data.flat_variables import internal_name
from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns

FLOAT32_MAX = 3.4028234663852886e38


def columns(**arrays: Any) -> Columns:
    as_arrays = {name: ak.Array(array) for name, array in arrays.items()}
    return Columns(as_arrays, np.arange(len(next(iter(as_arrays.values())))) + 100, "a.root:t")


DATA = columns(
    nested=[[[1.0]], [[2.0]]],
    x=[1.0, 2.0],
    v=[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
    w=np.array([[7.0], [8.0]]),
    pt1=[[1.0], []],
    pt2=[[2.0], [3.0]],
)


def test_variables_in_order() -> None:
    variables = Variables(("x", "v[3]", "twice := 2 * x", "second := v[1]", "w[1]"))  # type: ignore[arg-type]
    X = variables.build(DATA)
    assert X.dtype == np.float32
    assert X.tolist() == [[1, 1, 2, 3, 2, 2, 7], [2, 4, 5, 6, 4, 5, 8]]
    assert variables.names == ["x", "v[0]", "v[1]", "v[2]", "twice", "second", "w[0]"]


def test_a_range_in_braces() -> None:
    variables = Variables(("vars_time{0..2}[30]", "x{1..2}_{0..1}"))  # type: ignore[arg-type]
    assert [(c.expression, c.size) for c in variables.columns] == [
        ("vars_time0", 30),
        ("vars_time1", 30),
        ("vars_time2", 30),
        ("x1_0", None),
        ("x1_1", None),
        ("x2_0", None),
        ("x2_1", None),
    ]


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("v[4]", r"v\[4\] .* every event of a.root:t has 3 elements: write v\[3\] for .* e.g. element := v\[2\]$"),
        ("v[1]", r"write v\[3\] for all of them, or give one a name, e.g. element := v\[1\]$"),
        ("pt1[1]", r"pt1\[1\]: event 101 of a.root:t has 0 elements instead of 1"),
        ("x[3]", "does not hold one list per event"),
        ("nested", r"'nested': gives lists of lists in a.root:t"),
        ("x{3..1}", "is empty"),
        ("x +", "not understood"),
    ],
)
def test_wrong_variables(variable: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Recipe.from_dict({"variables": [variable]}).build(DATA)


def test_description_of_scalars_and_arrays() -> None:
    recipe = Recipe.from_dict(
        {"variables": [{"expression": "x*x", "label": "sq", "title": "Square", "unit": "GeV^2"}, "v[3]", "x/2"]}
    )
    X, _ = recipe.build(DATA)
    table = recipe.variable_table(X)
    assert table[0] == Variable("x*x", "sq", "Square", "GeV^2", "sq", "F", 1.0, 4.0)
    assert table[3] == Variable("v", "v", "[2]", "", "v[2]", "F[]", FLOAT32_MAX, -FLOAT32_MAX)
    assert table[4] == Variable("x/2", "x/2", "x/2", "", "x_D_2", "F", 0.5, 1.0)
    assert recipe.shape == (5,)


@pytest.mark.parametrize(
    ("label", "internal"),
    [("a::b", "a_b"), ("a+b*c", "a_P_b_T_c"), ("TMath::Abs(x-y)/z[0]", "TMath_Abs_x_M_y__D_z_0_"), ("a b?", "a_b_")],
)
def test_internal_names(label: str, internal: str) -> None:
    assert internal_name(label) == internal


def test_recipe_of_a_file_by_tmva() -> None:
    recipe = Recipe.from_dict(
        {"variables": ["x", "v[3]", "w[1]", "v[3]", "s := x+1"], "spectators": ["x", "double := 2*x"]}
    )
    X, S = recipe.build(DATA)
    again = Recipe.from_variables(recipe.variable_table(X), recipe.spectator_table(S))
    assert [(c.expression, c.label, c.size) for c in again.inputs.columns] == [  # type: ignore[union-attr]
        ("x", "", None),
        ("v", "", 3),
        ("w", "", 1),
        ("v", "", 3),
        ("x+1", "s", None),
    ]
    X_again, S_again = again.build(DATA)
    np.testing.assert_array_equal(X_again, X)
    np.testing.assert_array_equal(S_again, S)
    assert again.variable_table(X) == recipe.variable_table(X)


def test_description_of_a_sequence() -> None:
    recipe = Recipe(Steps({"pt": "v", "x": "x"}, 2), spectators=("x",))  # type: ignore[arg-type]
    X, S = recipe.build(DATA)
    table = recipe.variable_table(X)
    assert [v.expression for v in table] == ["pt_0", "x_0", "pt_1", "x_1"]
    assert table[2] == Variable("pt_1", "pt_1", "pt_1", "", "pt_1", "F", 2.0, 5.0)
    assert recipe.spectator_table(S) == (Variable("x", "x", "x", "", "x", "F", 1.0, 2.0),)
    assert recipe.shape == X.shape[1:] == (2, 2)


def test_for_each_repeats_every_expression() -> None:
    recipe = Recipe.from_dict(
        {
            "sequence": {"inputs": {"pt": "pt{jet}"}, "steps": 1, "sort_by": "pt{jet}"},
            "spectators": ["x * {jet} * {k}"],
            "for_each": {"jet": [1, 2], "k": [10, 20]},
        }
    )
    assert recipe.repetitions() == [{"jet": j, "k": k} for j in (1, 2) for k in (10, 20)]
    X, S = recipe.at({"jet": 2, "k": 20}).build(DATA)
    assert X.ravel().tolist() == [2, 3]
    assert S.ravel().tolist() == [40, 80]


@pytest.mark.parametrize(
    "given",
    [
        {"variables": ["x", "v[3]", {"expression": "x", "unit": "GeV"}]},
        {
            "sequence": {"inputs": {"b": "x", "a": "v"}, "steps": 4, "sort_by": "v", "pad_value": -1},
            "spectators": ["s := x"],
            "allow_nan": True,
        },
        {"sequence": {"inputs": {"a": "v{i}"}, "steps": 4}, "for_each": {"i": [1, "x"]}},
    ],
)
def test_json_there_and_back(given: dict[str, Any]) -> None:
    recipe = Recipe.from_dict(given)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_nan_is_reported_with_its_event_unless_allowed() -> None:
    data = columns(v=[[1.0, 2.0], [3.0, np.nan], [np.inf]], x=[1.0, 1e300, 2.0])
    given: dict[str, Any] = {"sequence": {"inputs": {"pt": "v", "two": "2*v"}, "steps": 2}}
    remedy = r"write where\(isnan\(x\), 0, x\) in place of x, or leave such events out with selection = all\(isfinite"
    with pytest.raises(DataError, match=rf"input pt_1 is nan in event 101 of a.root:t, and 1 more events.*{remedy}"):
        Recipe.from_dict(given).build(data)
    given["sequence"]["inputs"] = {"pt": "where(isfinite(v), v, 0)"}
    assert Recipe.from_dict(given).build(data)[0][1, :, 0].tolist() == [3, 0]
    given["sequence"]["inputs"] = {"pt": "v", "two": "2*v"}
    X, _ = Recipe.from_dict(given | {"allow_nan": True}).build(data)
    assert np.isnan(X[1, 1]).all()
    with pytest.raises(DataError, match="input x is inf in event 101"):
        Recipe.from_dict({"variables": ["x"]}).build(data)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "either by 'sequence' or by 'variables'"),
        ({"variables": ["x"], "sequence": {}}, "either by 'sequence' or by 'variables'"),
        ({"variables": []}, "no variables are given"),
        ({"variables": "x"}, "a list"),
        ({"variable": ["x"]}, "no key 'variable'; near names: variables"),
        ({"variables": [{"expr": "x"}]}, "no key 'expr'; near names: expression"),
        ({"variables": [{"title": "x"}]}, "needs the key 'expression'"),
        ({"variables": ["x{jet}"]}, "for_each"),
        ({"variables": ["x"], "for_each": {"jet": []}}, "a list of values"),
        ({"variables": ["x"], "for_each": {"jet": 2}}, "a list of values"),
        ({"variables": ["x"], "spectators": ["v[3]"]}, "one value per event"),
        ({"variables": ["x"], "spectators": "x"}, "a list of expressions"),
        ({"variables": [5]}, "not 5"),
        ({"variables": ["x"], "for_each": "jet"}, "for_each is a table of names with lists of values, not 'jet'"),
        ({"variables": ["x"], "for_each": {1: [1]}}, "for_each: 1 = "),
        ({"variables": ["x"], "define": {5: "x"}}, "define: 5 = 'x'"),
        ({"variables": ["x"], "allow_nan": "no"}, "allow_nan is true or false, not 'no'"),
    ],
)
def test_wrong_recipe(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Recipe.from_dict(given)


def test_inputs_that_are_lists_are_refused_with_the_call() -> None:
    inputs: Any = ["x"]
    with pytest.raises(DataError, match=r"the inputs of a recipe are Variables\(.*, not \['x'\]"):
        Recipe(inputs)
    with pytest.raises(DataError, match=r"the first argument of load is a Recipe, .*, not \['x'\]"):
        load(inputs, {"Signal": "a.root", "Background": "b.root"})


def test_a_value_for_each_name_is_needed() -> None:
    recipe = Recipe.from_dict({"variables": ["x{jet}"], "for_each": {"jet": [1]}})
    with pytest.raises(DataError, match="a value is needed for each of jet"):
        recipe.at({})


def test_column_name() -> None:
    assert Column.parse(" a := b[0] ") == Column("b[0]", "a")
    assert Column("b").name == "b"
