"""Samples by sources, by expressions, by fractions and by folds; whole entries where for_each repeats them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pytmva_rnn.data import ArrayTree, Dataset, Recipe, Source, divide, kfold, load, split
from pytmva_rnn.errors import DataError, OptionError

N = 40
EVENTS: dict[str, Any] = {"x": np.arange(N) + 0.5, "event": np.arange(N) * 3 + 1, "w": np.ones(N) * 2}
RECIPE = Recipe.from_dict({"variables": ["x"]})


def events(**attributes: Any) -> ArrayTree:
    return ArrayTree.of(EVENTS, **attributes)


def loaded(options: Any = "", **attributes: Any) -> Dataset:
    return load(RECIPE, {"Signal": events(**attributes), "Background": events(**attributes)}, split=options)


def numbers(data: Dataset | None) -> list[list[int]]:
    """The entries of each class."""
    assert data is not None
    return [sorted(data.entries[data.class_index == c].tolist()) for c in (0, 1)]


def test_test_and_validation_by_expressions_over_what_is_no_input() -> None:
    options = {"test": "event % 2 == 1", "validation": "event % 10 == 0", "NormMode": "NumEvents"}
    parts = loaded(options, weight="w").divide()
    event = EVENTS["event"]
    assert numbers(parts.test) == [np.flatnonzero(event % 2 == 1).tolist()] * 2
    assert numbers(parts.validation) == [np.flatnonzero(event % 10 == 0).tolist()] * 2
    assert numbers(parts.training) == [np.flatnonzero((event % 2 == 0) & (event % 10 != 0)).tolist()] * 2
    assert set(parts.training.weights) == {1.0}  # NormMode
    assert parts.validation is not None
    assert set(parts.validation.weights) == {1.0}
    assert set(parts.test.weights) == {2.0}
    assert parts.training.entries.tolist() != sorted(parts.training.entries)  # mixed as SplitMode says


def test_an_expression_over_spectators_needs_no_second_reading() -> None:
    recipe = Recipe.from_dict({"variables": ["x"], "spectators": ["event"]})
    data = load(recipe, {"Signal": events(), "Background": events()})
    training, test = data.split({"test": "event % 2 == 1 && entry > 2"})
    assert len(test) == 2 * 18
    assert not np.intersect1d(training.entries, test.entries).size
    with pytest.raises(DataError, match=r"test = 'w > 1' needs w, which was not read .* load\(..., split=...\)"):
        data.split({"test": "w > 1"})


def test_fractions() -> None:
    parts = divide(loaded(), {"test": 0.3, "validation": 0.25})
    assert [len(part) for part in (parts.training, parts.test)] == [2 * 21, 2 * 12]
    assert parts.validation is not None
    assert len(parts.validation) == 2 * 7
    together = np.concatenate([part.entries for part in (parts.training, parts.test, parts.validation)])
    assert np.bincount(together).tolist() == [2] * N
    as_tmva = split(loaded(), "nTrain_Signal=28:nTrain_Background=28")[1]
    assert sorted(divide(loaded(), {"test": 0.3}).test.entries) == sorted(as_tmva.entries)
    block = divide(loaded(), {"test": 0.5, "SplitMode": "Block"})
    assert numbers(block.test) == [list(range(20, 40))] * 2


def test_a_sample_for_each_source() -> None:
    samples = {"training": "event < 50", "validation": "event >= 50 && event < 80", "test": "event >= 80"}
    sources = [events(sample=name, selection=text, place=name) for name, text in samples.items()]
    parts = divide(load(RECIPE, {"Signal": sources, "Background": sources}))
    event = EVENTS["event"]
    assert numbers(parts.training) == [np.flatnonzero(event < 50).tolist()] * 2
    assert numbers(parts.validation) == [np.flatnonzero((event >= 50) & (event < 80)).tolist()] * 2
    assert numbers(parts.test) == [np.flatnonzero(event >= 80).tolist()] * 2
    with pytest.raises(DataError, match="a validation sample too"):
        split(load(RECIPE, {"Signal": sources, "Background": sources}))


def test_what_sources_leave_open_is_divided() -> None:
    sources = [events(selection="event < 50", place="a"), events(selection="event >= 50", sample="test", place="b")]
    data = load(RECIPE, {"Signal": sources, "Background": sources}, split={"test": "event < 20"})
    training, test = data.split({"test": "event < 20"})
    assert numbers(training) == [np.flatnonzero((EVENTS["event"] >= 20) & (EVENTS["event"] < 50)).tolist()] * 2
    assert len(training) + len(test) == 2 * N


FOR_EACH = {"variables": ["x * {k}"], "for_each": {"k": [1, -1, 2]}}


@pytest.mark.parametrize(
    "options",
    [
        "",
        "SplitMode=Block",
        "SplitMode=Alternate",
        "nTrain_Signal=10:nTrain_Background=20",
        "nTest_Signal=9:nTest_Background=12",
        "nTrain_Signal=9:nTest_Signal=8:nTrain_Background=9:nTest_Background=8",
        {"test": 0.3, "validation": 0.2},
        {"test": "event % 2 == 1"},
        {"folds": 4, "fold": 1},
    ],
)
def test_all_events_of_an_entry_go_to_one_sample(options: Any) -> None:
    recipe = Recipe.from_dict(FOR_EACH)
    classes = {"Signal": "(event / 3 + {k}) % 2 >= 1", "Background": "(event / 3 + {k}) % 2 < 1"}
    parts = divide(load(recipe, events(), classes=classes, split=options), options)
    samples = [part for part in (parts.training, parts.test, parts.validation) if part is not None]
    entries = [set(part.entries.tolist()) for part in samples]
    assert sum(map(len, entries)) == len(set.union(*entries)) > 10
    if isinstance(options, str) and "nTest" in options:
        wanted = 9 if options.startswith("nTest") else 8
        assert wanted - 2 <= (parts.test.class_index == 0).sum() <= wanted


def test_expressions_must_not_part_an_entry() -> None:
    options = {"test": "{k} * event > 20"}
    data = load(Recipe.from_dict(FOR_EACH), {"Signal": events(), "Background": events()}, split=options)
    with pytest.raises(DataError, match=r"event \d+ of the arrays of Signal is in the training and in the test sample"):
        divide(data, options)


def test_where_entries_are_single_the_split_is_tmvas() -> None:
    once = Recipe.from_dict({"variables": ["x * {k}"], "for_each": {"k": [1]}})
    data = load(once, {"Signal": events(), "Background": events()})
    assert data.split()[0].entries.tolist() == loaded().split()[0].entries.tolist()


def test_folds() -> None:
    options = {"folds": 5, "fold_by": "event"}
    data = loaded(options)
    tested = []
    for fold, (training, test) in enumerate(kfold(data, 5, by="event")):
        assert set(EVENTS["event"][test.entries] % 5) == {fold}
        assert not np.intersect1d(training.entries, test.entries).size
        tested += test.entries.tolist()
        assert sorted(data.split({**options, "fold": fold})[1].entries) == sorted(test.entries)
    assert np.bincount(tested).tolist() == [2] * N
    by_entry = [test.entries % 4 for _, test in kfold(data, 4)]
    assert [set(each) for each in by_entry] == [{0}, {1}, {2}, {3}]
    own = np.arange(2 * N) // 4
    assert all(len(test) for _, test in kfold(data, 4, by=own))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": "event > 200"}, "leaves 40 for training and 0 for testing; each sample needs some of every class"),
        ({"test": "event > 0"}, "leaves 0 for training and 40 for testing"),
        ({"test": "event > 50", "validation": "event > 90"}, "event 30 of .* is in the test and in the validation"),
        ({"test": 0.001}, "leaves a sample empty"),
        ({"validation": 0.001}, "class 'Signal' has no events to validate with by validation = 0.001"),
        ({"validation": "event < 0"}, "class 'Signal' has no events to validate with by validation = 'event < 0'"),
        ({"folds": 5}, "fold says which of them tests, 0 to 4"),
        ({"folds": 5, "fold": 1, "fold_by": "x"}, "'x' is 0.5 in event 0 of .*; a whole number is needed"),
    ],
)
def test_samples_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        divide(loaded(options), options)


def test_sources_and_options_that_contradict_each_other() -> None:
    options = {"test": "event > 50"}
    given = loaded(options, sample="training")
    with pytest.raises(DataError, match="test and validation say nothing: each source names the sample"):
        divide(given, options)
    with pytest.raises(DataError, match=r"test = 0.5 chooses test events, but sources name theirs"):
        divide(loaded(sample="test"), {"test": 0.5})
    with pytest.raises(DataError, match="sources name the sample of theirs"):
        divide(given, {"folds": 2, "fold": 0})
    with pytest.raises(DataError, match="sources name the sample of theirs"):
        list(kfold(given, 2))
    with pytest.raises(
        DataError, match=r"the validation sample gets nothing of a source: none of the 40 events of the"
    ):
        loaded(sample="validation", selection="event < 0")
    one_sided = {
        "Signal": [events(sample="validation", place="v"), events()],
        "Background": [events(place="b")],
    }
    with pytest.raises(DataError, match="class 'Background' has no events to validate with"):
        divide(load(RECIPE, one_sided))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": 1.5}, "no fraction between 0 and 1; numbers of events are given by nTest_<Class>"),
        ({"test": ""}, "test is empty"),
        ({"test": 0.5, "nTrain_Signal": 4}, "test and nTrain cannot go together"),
        ({"test": 0.5, "folds": 4}, "test and folds cannot go together"),
        ({"fold_by": "event"}, "needs the key folds"),
        ({"folds": 3, "fold": 3}, "one of 0 to 2"),
        ({"validaton": 0.5}, "validation"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        split(loaded(), options)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.root"
    with uproot.recreate(path) as root:
        root["t"] = {name: np.asarray(values) for name, values in EVENTS.items()}
        root["u"] = {name: np.asarray(values) for name, values in EVENTS.items()}
    return path


def test_several_sources_with_their_own_weights(file: Path) -> None:
    sources = {
        "Signal": Source((file,), "t"),  # type: ignore[arg-type]
        "Background": [
            Source((str(file),), "t", selection="event > 50", tree_weight="2 * 3"),
            Source((str(file),), "u", weight="w", tree_weight=0.5),
        ],
    }
    data = load(RECIPE, sources)
    background = data.class_index == 1
    assert data.weights[background].tolist() == [6.0] * 23 + [1.0] * N
    assert data.source[background].tolist() == [0] * 23 + [1] * N
    assert data.efficiencies == (1.0, pytest.approx(63 / 80))
    assert data.files == (f"{file}:t", f"{file}:u")


def test_one_file_in_two_samples(file: Path) -> None:
    def sources(training: str, test: str) -> list[Source]:
        return [
            Source((str(file),), "t", selection=training, sample="training"),
            Source((str(file.parent / "*.root"),), "t", selection=test, sample="test"),
        ]

    apart = sources("event % 2 == 0", "event % 2 == 1")
    divide(load(RECIPE, {"Signal": apart, "Background": apart}))
    beside = {"Signal": sources("event > 50", "event < 20"), "Background": sources("event < 20", "event > 50")}
    message = r"event \d+ of .*events.root:t is in the training and in the test sample, as 30 entries are"
    with pytest.raises(DataError, match=message):
        divide(load(RECIPE, beside))
    with pytest.raises(DataError, match=r"event 0 of .*events.root:t is twice in class 'Signal'"):
        load(RECIPE, {"Signal": sources("event > 0", "event < 20"), "Background": apart})


def test_a_for_each_that_nothing_uses() -> None:
    recipe = Recipe.from_dict({"variables": ["x"], "for_each": {"jet": [1, 2]}})
    sources = {"Signal": events(), "Background": events()}
    with pytest.raises(DataError, match=r"for_each: \{jet\} stands in no expression, .* read 2 times"):
        load(recipe, sources)
    load(recipe, {**sources, "Signal": events(selection="event % 2 == {jet} - 1")})
