"""Events with labels, from files."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn.data import Column, Recipe, Source, iterate_inputs, load_classification, load_inputs, load_regression
from pytmva_rnn.data import sources as sources_module
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
    data = load_classification(
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
    data = load_classification(RECIPE, Source((file,), "bkg"), {"c": "i < 2", "a": "i == 2", "b": "i > 3"})
    assert data.classes == ("c", "a", "b")
    assert data.analysis == "multiclass"
    assert data.entries.tolist() == [0, 1, 2, 4, 5]
    assert data.y.tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert data.efficiencies == (pytest.approx(1 / 3), pytest.approx(1 / 6), pytest.approx(1 / 3))


def test_one_entry_gives_several_events(file: str) -> None:
    recipe = Recipe.from_dict({"variables": ["x * {k}"], "for_each": {"k": [1, -1]}})
    source = Source((file,), "bkg", selection="i > {k} + 1", weight="2 + {k}")
    data = load_classification(recipe, source, {"Signal": "i + {k} > 4", "Background": "i + {k} <= 4"})
    assert data.X.ravel().tolist() == [3.5, 4.5, 5.5, -1.5, -2.5, -3.5, -4.5, -5.5]
    assert data.y.tolist() == [0, 1, 1, 0, 0, 0, 0, 0]
    assert data.weights.tolist() == [3] * 3 + [1] * 5
    assert data.entries.tolist() == [3, 4, 5, 1, 2, 3, 4, 5]


def test_the_selection_comes_before_the_inputs(file: str) -> None:
    recipe = Recipe.from_dict({"variables": ["first := v[0]", "log(x)"]})
    data = load_regression(recipe, Source((file,), "sgn", selection="num(v) > 0"), ["y"])
    assert data.X[:, 0].tolist() == [0, 1, 3]


def test_regression(file: str) -> None:
    data = load_regression(RECIPE, Source((file,), "sgn", selection="i > 0"), ["t := x + y", Column("w", unit="GeV")])
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
    whole = load_classification(recipe, Source((file,), "bkg"), classes)
    monkeypatch.setattr(sources_module.read_columns, "__kwdefaults__", {"step": 2})
    pieces = load_classification(recipe, Source((file,), "bkg"), classes)
    for name in ("X", "class_index", "weights", "entries"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))


def test_take() -> None:
    data = load_regression(
        Recipe.from_dict({"variables": ["F64"]}),
        Source(("package://skhep_testdata/data/uproot-small-evnt-tree-fullsplit.root",)),
        ["I32"],
    )
    some = data.take(np.array([5, 3]))
    assert len(some) == 2
    assert some.X.ravel().tolist() == some.y.ravel().tolist() == some.entries.tolist() == [5, 3]


def test_a_class_without_events(file: str) -> None:
    with pytest.raises(DataError, match="class 'Background' has no events: none of 6 passes the selection"):
        load_classification(
            RECIPE, {"Signal": Source((file,), "sgn"), "Background": Source((file,), "bkg", selection="x > 100")}
        )
    with pytest.raises(DataError, match="class 'Signal' has no events: none of 6 passes its expression"):
        load_classification(RECIPE, Source((file,), "bkg"), {"Background": "i >= 0", "Signal": "i < 0"})
    with pytest.raises(DataError, match="no events: none of 4 passes the selection 'i > 9'"):
        load_regression(RECIPE, Source((file,), "sgn", selection="i > 9"), ["y"])


def test_an_event_of_two_classes(file: str) -> None:
    with pytest.raises(DataError, match=r"event 3 of .*:bkg belongs to 'Signal' and 'b'"):
        load_classification(RECIPE, Source((file,), "bkg"), {"Signal": "i > 2", "b": "i < 4"})


def test_too_few_classes(file: str) -> None:
    with pytest.raises(DataError, match="at least two classes, not 1"):
        load_classification(RECIPE, {"Signal": Source((file,), "sgn")})
    with pytest.raises(DataError, match="an expression for each class"):
        load_classification(RECIPE, Source((file,), "bkg"))
    with pytest.raises(DataError, match="not for a source per class"):
        load_classification(RECIPE, {"a": Source((file,), "sgn"), "b": Source((file,), "bkg")}, {"a": "1", "b": "1"})


def test_weights_and_targets_must_be_finite(file: str) -> None:
    with pytest.raises(DataError, match=r"weight 'i \^ -1' is inf in event 0 of .*:sgn"):
        load_regression(RECIPE, Source((file,), "sgn", weight="i ^ -1"), ["y"])
    with pytest.raises(DataError, match=r"target t is -inf in event 0 of .*:sgn"):
        load_regression(RECIPE, Source((file,), "sgn"), ["y", "t := TMath::Log(i)"])
    with pytest.raises(DataError, match="at least one target"):
        load_regression(RECIPE, Source((file,), "sgn"), [])


def test_an_empty_tree(tmp_path: Path, file: str) -> None:
    with uproot.recreate(tmp_path / "empty.root") as root:
        root.mktree("t", {"x": "f4", "y": "f4", "i": "i4"})
    with pytest.raises(DataError, match=r"no entries in .*empty.root:t"):
        load_classification(
            RECIPE, {"Signal": Source((str(tmp_path / "empty.root"),)), "Background": Source((file,), "bkg")}
        )


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
    data = load_classification(recipe, source, classes)
    assert data.X.shape == (27210, 6, 2)
    assert np.bincount(data.class_index).tolist() == [13115, 14095]
    assert np.all(np.diff(data.X[:, :, 0]) <= 0)
    assert set(np.unique(data.X[:, :, 1])) == {-1, 0, 1}
