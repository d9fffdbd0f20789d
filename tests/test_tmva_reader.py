from __future__ import annotations

import re
import time
from array import array
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn import tmva as TMVA
from pytmva_rnn import write_weights
from pytmva_rnn.data import Recipe
from pytmva_rnn.errors import DataError, OptionError
from pytmva_rnn.model import Model
from pytmva_rnn.options.layout import build_layers, parse_layout
from pytmva_rnn.tmva.linked_memory import score_of_links
from pytmva_rnn.training.initialization import initial_weights
from pytmva_rnn.weightfile.stored_recipe import recipe_info

VARIABLES = ["x", "r := sqrt(x*x + y*y)", "v[4]"]


def model(remember: int = 0, **changes: Any) -> Model:
    layers = build_layers(parse_layout(f"RNN|5|2|3|{remember}|0,RESHAPE|FLAT,LINEAR"), (3, 1, 2), 6, 1)
    weights = initial_weights(layers, "GAUSS", 4)
    recipe = Recipe.from_dict({"variables": VARIABLES, "spectators": ["id"]})
    return replace(
        Model(
            tuple(replace(layer, weights=each) for layer, each in zip(layers, weights, strict=True)),
            variables=recipe.variable_table(),
            spectators=recipe.spectator_table(),
            input_layout=(3, 1, 2),
            batch_layout=(1, 3, 2),
        ),
        **changes,
    )


def events(n: int = 20) -> dict[str, Any]:
    random = np.random.default_rng(3)
    return {"x": random.normal(size=n), "y": random.normal(size=n), "v": random.normal(size=(n, 4)), "id": np.arange(n)}


def flat(data: dict[str, Any]) -> np.ndarray[Any, Any]:
    r = np.hypot(data["x"], data["y"])
    return np.column_stack([data["x"], r, data["v"]]).astype(np.float32)


class Booked:
    """A Reader with all kinds of arrays."""

    def __init__(self, path: Path, made: Model) -> None:
        write_weights(made, path)
        self.reader = TMVA.Reader("!Color:!Silent")
        self.x, self.r = array("f", [0.0]), np.zeros(1)
        self.v = array("f", [0.0] * 3), np.zeros(1, np.float32)
        self.reader.AddVariable("x", self.x)
        self.reader.AddVariable("r := sqrt(x*x + y*y)", self.r)
        self.reader.AddVariable("v", self.v[0])
        self.reader.AddVariable("v[3]", self.v[1])
        self.reader.AddSpectator("id", array("i", [0]))
        self.reader.BookMVA("RNN", path)

    def score(self, row: Any) -> float:
        self.x[0], self.r[0], self.v[1][0] = row[0], row[1], row[5]
        self.v[0][:] = array("f", row[2:5])
        return self.reader.EvaluateMVA("RNN")


@pytest.fixture
def booked(tmp_path: Path) -> Booked:
    return Booked(tmp_path / "RNN.weights.xml", model())


def test_one_event_at_a_time(booked: Booked) -> None:
    rows = flat(events())
    expected = model().predict(rows)
    np.testing.assert_allclose([booked.score(row) for row in rows], expected, rtol=1e-5)
    np.testing.assert_allclose([booked.reader.EvaluateMVA(list(row), "RNN") for row in rows], expected, rtol=1e-5)
    rows[0, 3] = np.nan
    assert booked.score(rows[0]) == booked.reader.EvaluateMVA(rows[0], "RNN") == -999


def test_one_event_takes_microseconds(booked: Booked) -> None:
    booked.reader.EvaluateMVA("RNN")
    durations = []
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(200):
            booked.reader.EvaluateMVA("RNN")
        durations.append((time.perf_counter() - begin) / 200)
    assert min(durations) < 100e-6


def test_many_events_in_every_form(booked: Booked, tmp_path: Path) -> None:
    data = events()
    rows = flat(data)
    expected = model().predict(rows)
    with uproot.recreate(tmp_path / "e.root") as file:
        file.mktree("t", {"x": "float64", "y": "float64", "v": np.dtype((np.float64, (4,)))})
        file["t"].extend({name: data[name] for name in "xyv"})
    with_labels = {"x": data["x"], "r": rows[:, 1], "v": ak.Array(data["v"].tolist())}
    for given in (rows, rows.reshape(20, 3, 2), rows.tolist(), ak.Array(rows), data, ak.Array(data), with_labels,
                  f"{tmp_path}/e.root:t"):  # fmt: skip
        np.testing.assert_allclose(booked.reader.evaluate(given, "RNN"), expected, rtol=2e-5)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": [1.0], "y": [1.0]}, "no branch 'v'"),
        ({"x": [1.0], "r": [1.0], "v": [[1.0, 2.0]]}, "column 'v': 4 numbers per event needed, not 2"),
        ({"x": [1.0], "r": [[1.0, 2.0]], "v": [[1.0] * 4]}, "column 'r': one number per event needed, not 2"),
        ({"x": [1.0, 2.0], "r": [1.0, 2.0], "v": [[1.0] * 4, [1.0]]}, "column 'v': 4 numbers per event needed"),
    ],
)
def test_columns_that_do_not_fit(booked: Booked, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        booked.reader.evaluate(columns, "RNN")


def test_a_remembered_state_lasts_from_call_to_call(tmp_path: Path) -> None:
    remembering = Booked(tmp_path / "a.xml", model(remember=1))
    rows = flat(events(6))
    expected = model(remember=1).predict(rows)
    found = [remembering.score(row) for row in rows[:3]]
    # Scoring a whole array starts afresh and leaves the state of the single events alone.
    np.testing.assert_allclose(remembering.reader.evaluate(rows, "RNN"), expected, rtol=1e-5)
    found += [remembering.score(row) for row in rows[3:]]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert abs(expected[1] - model(remember=1).predict_one(rows[1])) > 1e-4


def test_formulas_of_a_file_by_cpp_tmva(tmp_path: Path) -> None:
    made = model()
    table = list(made.variables)
    table[1] = replace(table[1], expression="!(x > 0) + TMath::Abs(y)")
    write_weights(replace(made, variables=tuple(table)), tmp_path / "a.xml")
    reader = TMVA.Reader()
    for name in ("x", "!(x > 0) + TMath::Abs(y)"):
        reader.AddVariable(name, np.zeros(1, np.float32))
    reader.AddVariable("v", np.zeros(4, np.float32))
    reader.AddSpectator("id", np.zeros(1, np.float32))
    reader.BookMVA("RNN", str(tmp_path / "a.xml"))
    data = events()
    rows = flat(data)
    rows[:, 1] = (data["x"] <= 0) + np.abs(data["y"])
    np.testing.assert_allclose(reader.evaluate(data, "RNN"), made.predict(rows), rtol=1e-5)


def test_a_recipe_of_several_inputs_an_entry_is_refused(booked: Booked, tmp_path: Path) -> None:
    stored = Recipe.from_dict({"variables": [*VARIABLES[:2], "v{k}[4]"], "for_each": {"k": [1, 2]}})
    write_weights(model(info=(recipe_info(stored),), spectators=()), tmp_path / "b.xml")
    reader = declared("x", "sqrt(x*x + y*y)", "v", spectators=())
    reader.BookMVA("RNN", tmp_path / "b.xml")
    with pytest.raises(DataError, match="pytmva-rnn evaluate"):
        reader.evaluate({"x": [1.0]}, "RNN")


def declared(*variables: str, spectators: tuple[str, ...] = ("id",)) -> TMVA.Reader:
    reader = TMVA.Reader("Silent", Color=False)
    for name in variables:
        reader.AddVariable(name, np.zeros(4 if name == "v" else 1, np.float32))
    for name in spectators:
        reader.AddSpectator(name, array("f", [0]))
    return reader


@pytest.mark.parametrize(
    ("variables", "spectators", "message"),
    [
        (("x", "v"), ("id",), r"5 variables are declared, but .*a\.xml has 6: x, sqrt\(x\*x\+y\*y\), v$"),
        (("sqrt(x*x + y*y)", "x", "v"), ("id",), r"variable 0 is declared as 'sqrt.* but in .* it is 'x'; they must"),
        (("x", "r", "v"), ("id",), r"variable 1 is declared as 'r', but"),
        (("x", "sqrt(x*x + y*y)", "v"), (), r"0 spectators are declared, but .* has 1: id"),
        (("x", "sqrt(x*x + y*y)", "v"), ("run",), r"spectator 0 is declared as 'run', but in .* it is 'id'"),
    ],
)
def test_declarations_must_be_those_of_the_file(
    variables: tuple[str, ...], spectators: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    write_weights(model(), tmp_path / "a.xml")
    with pytest.raises(DataError, match=message):
        declared(*variables, spectators=spectators).BookMVA("RNN", tmp_path / "a.xml")


def test_wrong_use_is_named(booked: Booked, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'x': its value must be in an array, array\('f', \[0\]\).*not in float"):
        booked.reader.AddVariable("x", 1.0)
    with pytest.raises(DataError, match="'RNN' is booked already"):
        booked.reader.BookMVA("RNN", tmp_path / "RNN.weights.xml")
    with pytest.raises(DataError, match="no method 'LSTM' is booked; there are: RNN"):
        booked.reader.EvaluateMVA("LSTM")
    with pytest.raises(DataError, match="is a classification: call EvaluateMVA"):
        booked.reader.EvaluateRegression("RNN")
    with pytest.raises(OptionError, match="unknown option 'Colour' of the Reader; near names: Color"):
        TMVA.Reader("Colour")


def test_a_loop_that_fills_arrays_sees_every_change(booked: Booked, tmp_path: Path) -> None:
    """Memory of single precision is joined as it is, other numbers are converted: both see what the script writes."""
    rows = flat(events(5))
    expected = model().predict(rows)
    reader, x, rest = TMVA.Reader(), array("f", [0.0]), np.zeros((4, 1), np.float32)
    r = np.zeros(1, np.float32)
    for name, link in (("x", x), ("sqrt(x*x + y*y)", r), ("v", rest)):
        reader.AddVariable(name, link)
    reader.AddSpectator("id", array("f", [0]))
    made = reader.BookMVA("RNN", tmp_path / "RNN.weights.xml")
    for row, score in zip(rows, expected, strict=True):
        x[0], r[0], rest[:, 0] = row[0], row[1], row[2:]
        assert reader.EvaluateMVA("RNN") == reader.EvaluateMVA(made) == pytest.approx(score, rel=1e-5)
    # growing moves an array; what it has then is of no use, and a longer one is none
    for _ in range(1000):
        x.append(7.0)
    with pytest.raises(DataError, match="array of 'x' has 1001 elements now; when it was declared it had 1"):
        reader.EvaluateMVA("RNN")
    del x[1:]
    x[0] = rows[0, 0]
    r[0], rest[:, 0] = rows[0, 1], rows[0, 2:]
    assert reader.EvaluateMVA("RNN") == pytest.approx(expected[0], rel=1e-5)
    with pytest.raises(DataError, match="'v': its array does not lie in one piece"):
        reader.AddVariable("v", np.zeros((4, 4), np.float32)[:, :2])


@pytest.mark.parametrize("kind", ["f", "d"])
def test_arrays_that_change_places(kind: str, tmp_path: Path) -> None:
    """One is longer than it was and the next is shorter: all their values would fill the place, each a wrong one."""
    write_weights(model(), tmp_path / "a.xml")
    reader, arrays = TMVA.Reader(), [array(kind, [0.5] * n) for n in (1, 1, 3, 1)]
    for name, link in zip(("x", "sqrt(x*x + y*y)", "v", "v[3]"), arrays, strict=True):
        reader.AddVariable(name, link)
    reader.AddSpectator("id", array("f", [0]))
    made = reader.BookMVA("RNN", tmp_path / "a.xml")
    expected = reader.EvaluateMVA("RNN")
    _, r, v, last = arrays
    for longer, shorter, name in ((last, v, "v"), (v, last, "v"), (r, v, "sqrt(x*x+y*y)")):
        longer.append(shorter.pop())
        later = f"booked with {len(r)}, {len(v)} and {len(last)}"
        reader.BookMVA(later, tmp_path / "a.xml")
        for tag in ("RNN", made, later):
            with pytest.raises(DataError, match=re.escape(f"the array of '{name}' has")):
                reader.EvaluateMVA(tag)
        shorter.append(longer.pop())
        assert reader.EvaluateMVA("RNN") == reader.EvaluateMVA(made) == reader.EvaluateMVA(later) == expected


def test_a_matrix_has_as_many_values_as_elements(tmp_path: Path) -> None:
    write_weights(model(), tmp_path / "a.xml")

    def reader(*sizes: int) -> TMVA.Reader:
        reader = TMVA.Reader()
        for name, n in zip(("x", "sqrt(x*x + y*y)", "v"), sizes, strict=True):
            reader.AddVariable(name, np.ones((1, n), np.float32).view(np.matrix))
        reader.AddSpectator("id", array("f", [0]))
        reader.BookMVA("RNN", tmp_path / "a.xml")
        return reader

    assert reader(1, 1, 4).EvaluateMVA("RNN") == pytest.approx(model().predict_one(np.ones(6, np.float32)))
    with pytest.raises(DataError, match="variable"):
        reader(3, 1, 4)
    with pytest.raises(DataError, match=r"'x': its value must be in an array, .* not in MaskedArray"):
        TMVA.Reader().AddVariable("x", np.ma.masked_array([1.0], [True]))


def test_a_loop_asks_python_for_nothing_but_the_score() -> None:
    """Where all is of single precision; numbers of other kinds, and memory that may not be written to, Python reads."""
    x, v = array("f", [0.5, 2.0]), np.array([[3.0], [4.0]], np.float32)

    def total(values: Any) -> float:
        assert values.flags.carray
        return float(values @ 10.0 ** np.arange(len(values)))

    def otherwise(_: Any) -> str:
        return "by Python"

    score = score_of_links([x, v.reshape(-1)], total, otherwise)
    assert score is not None
    assert score("RNN") == score(None) == 4320.5
    x[:], v[1] = array("f", [1.5, 1.0]), 0.0
    assert score("RNN") == 311.5
    x.append(1.0)
    assert score("RNN") == "by Python"
    x.pop()
    assert score("RNN") == 311.5
    with pytest.raises(ZeroDivisionError):
        score_of_links([x], lambda values: 1 / 0, otherwise)(0)  # type: ignore[misc]
    fixed, unaligned = np.ones(2, np.float32), np.frombuffer(b"." + bytes(8), np.float32, offset=1)
    fixed.flags.writeable = False
    for other in (array("d", [1.0]), array("i", [1]), np.ones(2), fixed, unaligned, np.ones(2, ">f4")):
        assert score_of_links([x, other], total, otherwise) is None
    assert score_of_links([], total, otherwise) is None


def test_arrays_declared_by_their_size(tmp_path: Path) -> None:
    write_weights(model(), tmp_path / "a.xml")
    rows = flat(events(3))
    reader = TMVA.Reader("x:sqrt(x*x + y*y)", "!Color:Silent")
    values = array("f", [0.0] * 4)
    reader.DataInfo().AddVariablesArray("v", 4)
    reader.AddSpectator("id", array("f", [0]))
    found = reader.BookMVA("RNN", tmp_path / "a.xml")
    assert reader.FindMVA("RNN") is found
    assert reader.EvaluateMVA(rows[1], "RNN") == pytest.approx(float(model().predict(rows[1:2])[0]), rel=1e-5)
    with pytest.raises(DataError, match="'x' was declared without an array for its value"):
        reader.EvaluateMVA("RNN")
    assert reader.DataInfo().GetNVariables() == 6
    assert list(reader.DataInfo().GetListOfVariables()) == ["x", "sqrt(x*x+y*y)", "v", "v", "v", "v"]
    with pytest.raises(DataError, match="no method 'LSTM' is booked; there are: RNN"):
        reader.FindMVA("LSTM")

    linked = TMVA.Reader()
    x, r = array("f", [0.0]), array("f", [0.0])
    linked.AddVariable("x", x)
    linked.AddVariable("sqrt(x*x + y*y)", r)
    linked.DataInfo().AddVariablesArray("v", 4, "", "", 0.0, 0.0, "F", False, values)
    linked.AddSpectator("id", array("f", [0]))
    linked.BookMVA("RNN", tmp_path / "a.xml")
    x[0], r[0], values[:] = rows[2, 0], rows[2, 1], array("f", rows[2, 2:])
    assert linked.EvaluateMVA("RNN") == pytest.approx(float(model().predict(rows[2:3])[0]), rel=1e-5)
    with pytest.raises(DataError, match="its array has 4 elements, not 3"):
        linked.DataInfo().AddVariablesArray("v", 3, external=values)


def test_arrays_without_declarations(tmp_path: Path) -> None:
    write_weights(model(), tmp_path / "a.xml")
    rows = flat(events(3))
    reader = TMVA.Experimental.RReader(tmp_path / "a.xml")
    expected = model().predict(rows)
    np.testing.assert_allclose(reader.Compute(rows), expected, rtol=1e-5)
    np.testing.assert_allclose(reader.Compute(rows[0].tolist()), expected[:1], rtol=1e-5)
    assert reader.GetVariableNames() == ["x", "r", "[0]", "[1]", "[2]", "[3]"]
    with pytest.raises(DataError, match=r"takes \(6,\) or \(n, 6\) numbers, not \(3, 5\)"):
        reader.Compute(rows[:, :5])
