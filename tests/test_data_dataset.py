"""Events with labels, from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn.data import ArrayTree, Column, Recipe, Source, in_memory, iterate_inputs, load, load_inputs
from pytmva_rnn.errors import DataError

RECIPE = Recipe.from_dict({"variables": ["x", "y"], "spectators": ["i"]})


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "events.root"
    with uproot.recreate(path) as root:
        for tree, n in (("sgn", 4), ("bkg", 6)):
            i = np.arange(n)
            root.mktree(tree, {"x": "f4", "y": "f4", "i": "i4", "w": "f8", "v": "var * float32"})
            v = ak.unflatten(np.arange(i.sum(), dtype=np.float32), i)
            root[tree].extend({"x": i + 0.5, "y": 10.0 * i, "i": i, "w": 1.0 + i, "v": v})
    return str(path)


def test_a_source_for_each_class(file: str) -> None:
    data = load(
        RECIPE,
        {
            "Background": Source((file,), "bkg", selection="i != 2", weight="w", tree_weight=0.5),
            "Signal": Source((file,), "sgn"),
        },
    )
    assert data.classes == ("Signal", "Background")
    assert data.analysis == "classification"
    assert data.y.tolist() == [1] * 4 + [0] * 5
    assert data.X[4:].tolist() == [[0.5, 0], [1.5, 10], [3.5, 30], [4.5, 40], [5.5, 50]]
    assert data.X.dtype == data.y.dtype == np.float32
    assert data.spectators.dtype == np.int32
    assert data.weights.tolist() == [1] * 4 + [0.5, 1, 2, 2.5, 3]
    assert data.entries.tolist() == [0, 1, 2, 3, 0, 1, 3, 4, 5]
    assert data.spectators.ravel().tolist() == data.entries.tolist()
    assert data.efficiencies == (1.0, pytest.approx(5 / 6))


def test_classes_by_expressions(file: str) -> None:
    data = load(RECIPE, Source((file,), "bkg"), classes={"c": "i < 2", "a": "i == 2", "b": "i > 3"})
    assert data.classes == ("c", "a", "b")
    assert data.analysis == "multiclass"
    assert data.entries.tolist() == [0, 1, 2, 4, 5]
    assert data.y.tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert data.efficiencies == (pytest.approx(1 / 3), pytest.approx(1 / 6), pytest.approx(1 / 3))


def test_one_entry_gives_several_events(file: str) -> None:
    recipe = Recipe.from_dict({"variables": ["x * {k}"], "for_each": {"k": [1, -1]}})
    source = Source((file,), "bkg", selection="i > {k} + 1", weight="2 + {k}")
    data = load(recipe, source, classes={"Signal": "i + {k} > 4", "Background": "i + {k} <= 4"})
    assert data.X.ravel().tolist() == [3.5, 4.5, 5.5, -1.5, -2.5, -3.5, -4.5, -5.5]
    assert data.y.tolist() == [0, 1, 1, 0, 0, 0, 0, 0]
    assert data.weights.tolist() == [3] * 3 + [1] * 5
    assert data.entries.tolist() == [3, 4, 5, 1, 2, 3, 4, 5]


def test_the_selection_comes_before_the_inputs(file: str) -> None:
    recipe = Recipe.from_dict({"variables": ["first := v[0]", "log(x)"]})
    data = load(recipe, Source((file,), "sgn", selection="num(v) > 0"), targets=["y"])
    assert data.X[:, 0].tolist() == [0, 1, 3]


def test_regression(file: str) -> None:
    data = load(RECIPE, Source((file,), "sgn", selection="i > 0"), targets=["t := x + y", Column("w", unit="GeV")])
    assert data.analysis == "regression"
    assert data.classes == ("Regression",)
    assert data.y.tolist() == [[11.5, 2], [22.5, 3], [33.5, 4]]
    assert data.efficiencies == (0.75,)
    table = data.target_table()
    assert [(v.expression, v.label, v.unit, v.min, v.max) for v in table] == [
        ("x+y", "t", "", 11.5, 33.5),
        ("w", "w", "GeV", 2.0, 4.0),
    ]


def test_inputs_to_score_have_every_entry_in_order(file: str) -> None:
    recipe = Recipe.from_dict(
        {"sequence": {"inputs": {"v": "v * {k} ^ -1"}, "steps": 2, "sort_by": "v"}, "for_each": {"k": [1, 0]}}
    )
    source = Source((file, file), "sgn", selection="i > 2")
    inputs = load_inputs(recipe, source, {"k": 1})
    assert inputs.entries.tolist() == [0, 1, 2, 3] * 2
    assert inputs.X[:4, :, 0].tolist() == [[0, 0], [0, 0], [2, 1], [5, 4]]
    assert np.isnan(load_inputs(recipe, source, {"k": 0}).X[1, 0, 0])  # 0 * inf is for the network to report
    pieces = list(iterate_inputs(recipe, source, {"k": 1}, step=3))
    assert [len(piece.X) for piece in pieces] == [3, 1, 3, 1]


def test_reading_in_pieces_changes_nothing(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe.from_dict({"variables": ["x * {k}"], "for_each": {"k": [1, -1]}})
    classes = {"Signal": "i % 2 == 0", "Background": "i % 2 == 1"}
    whole = load(recipe, Source((file,), "bkg"), classes=classes)
    monkeypatch.setattr(in_memory.read, "__kwdefaults__", {"step": 2})
    pieces = load(recipe, Source((file,), "bkg"), classes=classes)
    for name in ("X", "class_index", "weights", "entries"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))


def test_take() -> None:
    data = load(
        Recipe.from_dict({"variables": ["F64"]}),
        Source(("package://skhep_testdata/data/uproot-small-evnt-tree-fullsplit.root",)),
        targets=["I32"],
    )
    some = data.take(np.array([5, 3]))
    assert len(some) == 2
    assert some.X.ravel().tolist() == some.y.ravel().tolist() == some.entries.tolist() == [5, 3]


def test_a_class_without_events(file: str) -> None:
    with pytest.raises(DataError, match="class 'Background' has no events: none of 6 passes the selection"):
        load(RECIPE, {"Signal": Source((file,), "sgn"), "Background": Source((file,), "bkg", selection="x > 100")})
    with pytest.raises(DataError, match="class 'Signal' has no events: none of 6 passes its expression"):
        load(RECIPE, Source((file,), "bkg"), classes={"Background": "i >= 0", "Signal": "i < 0"})
    with pytest.raises(DataError, match="no events: none of 4 passes the selection 'i > 9'"):
        load(RECIPE, Source((file,), "sgn", selection="i > 9"), targets=["y"])


def test_an_event_of_two_classes(file: str) -> None:
    with pytest.raises(DataError, match=r"event 3 of .*:bkg belongs to 'Signal' and 'b'"):
        load(RECIPE, Source((file,), "bkg"), classes={"Signal": "i > 2", "b": "i < 4"})


def test_too_few_classes(file: str) -> None:
    with pytest.raises(DataError, match="at least two classes, not 1"):
        load(RECIPE, {"Signal": Source((file,), "sgn")})
    with pytest.raises(DataError, match="an expression for each class"):
        load(RECIPE, Source((file,), "bkg"))
    with pytest.raises(DataError, match="not for a source per class"):
        load(RECIPE, {"a": Source((file,), "sgn"), "b": Source((file,), "bkg")}, classes={"a": "1", "b": "1"})


def test_classes_have_names_and_expressions(file: str) -> None:
    classes: Any
    for classes in ({0: "i > 2", 1: "i <= 2"}, {"": "i > 2", "b": "i <= 2"}, {"a\0": "i > 2", "b": "i <= 2"}):
        with pytest.raises(DataError, match="the name of a class is a text that can be printed"):
            load(RECIPE, Source((file,), "bkg"), classes=classes)
    classes = {"a": 1, "b": "i > 2"}
    with pytest.raises(DataError, match="class 'a' is told by an expression in quotes, not by 1"):
        load(RECIPE, Source((file,), "bkg"), classes=classes)


def test_weights_and_targets_must_be_finite(file: str) -> None:
    with pytest.raises(DataError, match=r"weight 'i \^ -1' is inf in event 0 of .*:sgn"):
        load(RECIPE, Source((file,), "sgn", weight="i ^ -1"), targets=["y"])
    with pytest.raises(DataError, match=r"target t is -inf in event 0 of .*:sgn"):
        load(RECIPE, Source((file,), "sgn"), targets=["y", "t := TMath::Log(i)"])
    with pytest.raises(DataError, match="at least one target"):
        load(RECIPE, Source((file,), "sgn"), targets=[])


def test_an_empty_tree(tmp_path: Path, file: str) -> None:
    with uproot.recreate(tmp_path / "empty.root") as root:
        root.mktree("t", {"x": "f4", "y": "f4", "i": "i4"})
    with pytest.raises(DataError, match=r"no entries in .*empty.root:t"):
        load(RECIPE, {"Signal": Source((str(tmp_path / "empty.root"),)), "Background": Source((file,), "bkg")})


def test_real_jets() -> None:
    """The quark and gluon jets of scikit-hep-testdata: as many as there are, tracks by descending pT."""
    pt = "hypot(jet{jet}TrksP4.fP.fX, jet{jet}TrksP4.fP.fY)"
    recipe = Recipe.from_dict(
        {
            "sequence": {"inputs": {"pt": pt, "charge": "jet{jet}TrksChg"}, "steps": 6, "sort_by": pt},
            "for_each": {"jet": [1, 2]},
        }
    )
    source = Source(("package://skhep_testdata/data/uproot-issue96.root",), "tree")
    classes = {"Quark": "1 <= jet{jet}ID && jet{jet}ID <= 5", "Gluon": "jet{jet}ID == 21"}
    data = load(recipe, source, classes=classes)
    assert data.X.shape == (27210, 6, 2)
    assert np.bincount(data.class_index).tolist() == [13115, 14095]
    assert np.all(np.diff(data.X[:, :, 0]) <= 0)
    assert set(np.unique(data.X[:, :, 1])) == {-1, 0, 1}


ARRAYS = {"x": np.arange(6.0), "y": np.arange(6) % 2, "v": ak.Array([[1.0], [2, 3], [], [4], [5], [6, 7, 8]])}


def forms_of_arrays() -> dict[str, Any]:
    pandas = pytest.importorskip("pandas")
    return {
        "mapping": ARRAYS,
        "records": ak.zip(ARRAYS, depth_limit=1),
        "DataFrame": pandas.DataFrame({"x": ARRAYS["x"], "y": ARRAYS["y"], "v": ARRAYS["v"].to_list()}),
    }


@pytest.mark.parametrize("form", ["mapping", "records", "DataFrame"])
def test_events_in_memory(form: str) -> None:
    recipe = Recipe.from_dict({"variables": ["x", "s := Sum$(v)"], "spectators": ["y"]})
    events = forms_of_arrays()[form]
    data = load(recipe, events, classes={"signal": "y == 1", "other": "y == 0"})
    assert data.classes == ("signal", "other")
    assert data.X.tolist() == [[0, 1], [1, 5], [2, 0], [3, 4], [4, 5], [5, 21]]
    assert data.class_index.tolist() == [1, 0, 1, 0, 1, 0]
    assert data.variables == ("x", "s")
    assert data.recipe is recipe
    per_class = load(recipe, {"b": ArrayTree.of(events, selection="y < 1", weight="x"), "a": [events, events]})
    assert per_class.weights.tolist() == [0, 2, 4, *[1] * 12]
    assert per_class.source.tolist() == [0] * 9 + [1] * 6


def test_where_events_come_from(file: str) -> None:
    recipe = Recipe.from_dict({"variables": ["k := x + {k}"], "for_each": {"k": [1, 2]}})
    data = load(recipe, {"Signal": [f"{file}:sgn", Source((file,), "bkg", selection="i > 3")], "b": f"{file}:bkg"})
    assert data.files == (f"{file}:sgn", f"{file}:bkg")
    of_signal = data.class_index == 0
    assert data.file_index[of_signal].tolist() == [0] * 8 + [1] * 4
    assert data.repetition[of_signal].tolist() == [0] * 4 + [1] * 4 + [0] * 2 + [1] * 2
    assert data.source[of_signal].tolist() == [0] * 8 + [1] * 4
    assert data.entries[of_signal].tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 4, 5]
    some = data.take(data.class_index == 1)
    assert set(some.file_index) == {1}
    training, test = data.split("SplitMode=Block")
    assert training.files == test.files == data.files


def test_finished_inputs_of_each_class() -> None:
    X = np.arange(12.0).reshape(6, 2)
    data = load(None, {"b": X[:4], "signal": X[4:]}, balance=True)
    assert data.classes == ("signal", "b")
    assert data.X.tolist() == [*X[4:].tolist(), *X[:4].tolist()]
    assert data.weighting is not None
    frame = pytest.importorskip("pandas").DataFrame(X, columns=["p", "q"])
    assert load(None, {"a": frame[:3], "b": frame[3:]}).variables == ("p", "q")
    with pytest.raises(DataError, match=r"the columns of class 'b', \('q', 'p'\), are not those of 'a'"):
        load(None, {"a": frame, "b": frame[["q", "p"]]})
    with pytest.raises(DataError, match=r"events of class 'b' have the shape \(1,\), those of 'a' \(2,\)"):
        load(None, {"a": X, "b": X[:, :1]})
    with pytest.raises(DataError, match="finished inputs have no branches"):
        load(None, {"a": X, "b": X}, targets=["x"])
    with pytest.raises(DataError, match="a mapping of class names to arrays"):
        load(None, X)


@pytest.mark.parametrize(
    ("sources", "settings", "message"),
    [
        ({"a": np.ones((3, 2)), "b": ARRAYS}, {}, "an array without names is no source of events"),
        (ARRAYS, {"classes": "y == 1"}, "classes are a mapping of class names to expressions"),
        (ARRAYS, {"targets": "y"}, "targets are a list of expressions"),
        (ARRAYS, {"targets": ["y"], "classes": {"a": "y", "b": "!y"}}, "either classes or the targets"),
        (ARRAYS, {"classes": {"a": "y", "b": "!y"}, "balance": 1}, "balance is True or False"),
        (ARRAYS, {"classes": {"a": "y", "b": "!y"}, "reweight": "y"}, "reweight is a Reweight, such as"),
        ({"x": np.array(["2020-01-01"] * 6, dtype="datetime64[s]")}, {"targets": ["x"]}, "column x holds times"),
        ({"x": [1.0], "y": [1, 0]}, {"targets": ["y"]}, "must have the same length each: x 1, y 2"),
        (3, {"targets": ["y"]}, "int is no tree"),
        ([], {"targets": ["y"]}, "no source of events is given"),
    ],
)
def test_what_cannot_be_loaded(sources: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(Recipe.from_dict({"variables": ["x"]}), sources, **settings)


def test_a_dataframe_with_two_columns_of_one_name() -> None:
    frame = pytest.importorskip("pandas").DataFrame(np.ones((2, 2)), columns=["x", "x"])
    with pytest.raises(DataError, match="several columns have one name: x, x"):
        load(Recipe.from_dict({"variables": ["x"]}), frame, targets=["x"])


def test_what_is_the_same_for_all_events_takes_no_memory(file: str) -> None:
    data = load(
        RECIPE, {"Signal": Source((file,), "sgn"), "Background": [Source((file,), "bkg", selection="i > 2")] * 1}
    )
    some = data.take(data.X[:, 0] > 1)
    for numbers in (data.repetition, data.sample, data.elements, some.source, some.take(np.array([2, 1])).sample):
        assert numbers.strides == (0,)
    assert len(some.sample) == len(some) == 6
    assert len(some.take(np.array([2, 1])).repetition) == 2
