"""Several networks as one scorer, and the file that says which they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pytmva_rnn import Dataset, Ensemble, Model, evaluate, score
from pytmva_rnn.cli import main
from pytmva_rnn.description import Dense, Variable
from pytmva_rnn.errors import DataError, WeightFileError
from pytmva_rnn.export.formats import read_scorer
from pytmva_rnn.files import digest_of
from pytmva_rnn.weightfile.ensemble_index import (
    EnsembleIndex,
    FoldRule,
    IndexedTraining,
    read_index,
    write_index,
)

X = np.array([[1, 0], [0, 1], [2, 1], [-1, 3], [0.5, 0.5]], np.float32)
SLOPES = ((1.0, 0.0), (0.0, 2.0), (-1.0, 1.0))


def network(slope: tuple[float, float], names: str = "ab", **changed: Any) -> Model:
    """One dense layer, whose score is the sigmoid of slope * x."""
    dense = Dense(1, 2, "LINEAR", weights={"W": np.array([slope]), "b": np.zeros((1, 1))})
    variables = tuple(Variable(name, name, "") for name in names)
    return Model((dense,), variables, (1, 1, 2), (1, 5, 2), **changed)


def expected(slope: tuple[float, float]) -> Any:
    return 1 / (1 + np.exp(-X.astype(np.float64) @ slope))


def test_mean_and_spread_of_the_members() -> None:
    ensemble = Ensemble(tuple(map(network, SLOPES)), ("one", "two", "three"))
    each = np.array([expected(slope) for slope in SLOPES])
    np.testing.assert_allclose(ensemble.scores(X), each, rtol=1e-6)
    np.testing.assert_allclose(ensemble.predict(X), each.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(ensemble.spread(X), each.std(axis=0, ddof=1), rtol=1e-5)
    assert repr(ensemble) == "Ensemble(3 networks DL for a classification)"
    data = Dataset.from_arrays(X, [1, 0, 1, 0, 1], variables=["a", "b"])
    assert evaluate(ensemble, data).events == 5
    bad = np.array([[np.nan, 0]], np.float32)
    assert ensemble.predict(bad) == [-999]
    assert np.isnan(ensemble.spread(bad))


def test_each_event_by_the_networks_that_have_not_seen_it() -> None:
    ensemble = Ensemble(tuple(map(network, SLOPES)), fold_of=(0, 1, 1), rule=FoldRule(2))
    second = (expected(SLOPES[1]) + expected(SLOPES[2])) / 2
    folds = np.array([0, 1, 0, 1, 0])
    scores = np.where(folds == 0, expected(SLOPES[0]), second)
    np.testing.assert_allclose(ensemble.predict(X, folds=folds), scores, rtol=1e-6)
    data = Dataset.from_arrays(X, [1, 0, 1, 0, 1], variables=["a", "b"])
    np.testing.assert_allclose(ensemble.predict(data), scores, rtol=1e-6)  # by the entry
    for wrong, words in (
        (folds + 1, "from 0 to 1, not 1 to 2"),
        (folds[:3], "one for each of 5"),
        (folds / 1, "float64"),
    ):
        with pytest.raises(DataError, match=words):
            ensemble.predict(X, folds=wrong)


def test_what_is_no_ensemble() -> None:
    one, two = network(SLOPES[0]), network(SLOPES[1])
    with pytest.raises(DataError, match="at least one"):
        Ensemble(())
    with pytest.raises(DataError, match="variables of member 2 are not those of member 1"):
        Ensemble((one, network(SLOPES[0], names="ac")))
    with pytest.raises(DataError, match="classes of"):
        Ensemble((one, network(SLOPES[0], classes=("Signal", "Other"))))
    with pytest.raises(DataError, match="no network was tested on fold 1, 2 of 3"):
        Ensemble((one, two), fold_of=(0, 0), rule=FoldRule(3))
    with pytest.raises(DataError, match="as many names"):
        Ensemble((one, two), ("one",))
    with pytest.raises(DataError, match="spread of one"):
        Ensemble((one,)).spread(X)
    with pytest.raises(DataError, match="of no folds"):
        Ensemble((one, two)).folds_of(Dataset.from_arrays(X, [1, 0, 1, 0, 1], variables=["a", "b"]))
    with pytest.raises(DataError, match="of no folds"):
        Ensemble((one, two)).predict(X, folds=np.zeros(5, int))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    members = []
    for number, slope in enumerate(SLOPES):
        path = tmp_path / "w" / f"m{number}.weights.xml"
        path.parent.mkdir(exist_ok=True)
        network(slope).save(path)
        members.append(IndexedTraining(f"m{number}", f"w/m{number}.weights.xml", digest_of(path), number % 2))
    write_index(EnsembleIndex(tuple(members), FoldRule(2, "event")), tmp_path / "x.trainings.json")
    return tmp_path / "x.trainings.json"


def test_from_its_file(saved: Path) -> None:
    ensemble = read_scorer(saved)
    assert isinstance(ensemble, Ensemble)
    assert ensemble.names == ("m0", "m1", "m2")
    assert ensemble.rule == FoldRule(2, "event")
    np.testing.assert_allclose(ensemble.predict(X), np.mean([expected(s) for s in SLOPES], axis=0), rtol=1e-6)
    assert len(Ensemble.load(saved, names=["m0", "m1"])) == 2
    assert isinstance(read_scorer(saved.parent / "w" / "m0.weights.xml"), Model)
    with pytest.raises(DataError, match="has no training 'm9'"):
        Ensemble.load(saved, names=["m9"])
    network(SLOPES[0]).save(saved.parent / "w" / "m1.weights.xml")
    with pytest.raises(WeightFileError, match=r"m1\.weights\.xml is not the file that"):
        Ensemble.load(saved)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.clear(), "neither a weight file nor a table"),
        (lambda t: t.update({"pytmva_rnn trainings": 2}), "version 2"),
        (lambda t: t.update({"trainings": {}}), "trainings: a list"),
        (lambda t: t["trainings"].clear(), "names no finished training"),
        (lambda t: t["trainings"].append(3), r"trainings\[3\]: a table"),
        (lambda t: t["trainings"].append(t["trainings"][0]), "the same name"),
        (lambda t: t["trainings"][1].update(weights="../x.xml"), "a file in the folder of the table"),
        (lambda t: t["trainings"][1].update(weights="/x.xml"), "a file in the folder of the table"),
        (lambda t: t["trainings"][1].update(sha256=None), "sha256 is a text"),
        (lambda t: t["trainings"][1].update(fold=2), r"trainings\[1\]: fold is 2, but it is a number from 0 to 1"),
        (lambda t: t["trainings"][1].update(about=[]), "about is a table"),
        (lambda t: t.update(folds={"number": 10**9}), "from 2 to 10000"),
        (lambda t: t.update(folds={"number": 2, "by": 1}), "by is a formula"),
        (lambda t: t.pop("folds"), "there are no folds"),
    ],
)
def test_a_damaged_file(saved: Path, change: Any, words: str) -> None:
    tables = json.loads(saved.read_text())
    change(tables)
    saved.write_text(json.dumps(tables))
    with pytest.raises(WeightFileError, match=words):
        Ensemble.load(saved)


def test_what_is_no_json(saved: Path) -> None:
    saved.write_text("{" * 100_000)
    with pytest.raises(WeightFileError, match="no JSON"):
        read_index(saved)


def test_the_command_scores_each_event_by_what_has_not_seen_its_fold(saved: Path) -> None:
    data, scores = saved.parent / "data.root", saved.parent / "scores.root"
    numbers = np.array([10, 13, 14, 15, 16])
    with uproot.recreate(data) as file:
        file["t"] = {"a": X[:, 0], "b": X[:, 1], "event": numbers}
    assert main(["evaluate", str(saved), str(data), "-o", str(scores), "--backend=reference"]) == 0
    each = np.array([expected(slope) for slope in SLOPES])
    with uproot.open(scores) as file:
        found = file["scores"].arrays(library="np")
    np.testing.assert_allclose(found["DL"], np.where(numbers % 2, each[1], (each[0] + each[2]) / 2), rtol=1e-6)
    np.testing.assert_allclose(found["DL_spread"], each.std(axis=0, ddof=1), rtol=1e-5)
    table = score(Ensemble.load(saved), f"{data}:t", backend="reference")
    np.testing.assert_array_equal(table["DL_spread"], found["DL_spread"])
    with uproot.recreate(data) as file:
        file["t"] = {"a": X[:, 0], "b": X[:, 1]}
    with pytest.raises(DataError, match="event"):
        score(Ensemble.load(saved), f"{data}:t")
