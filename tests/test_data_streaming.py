"""Events within a limit of memory: the same as in memory, kept on disk, and refused with the remedy where not."""

from __future__ import annotations

import gc
import json
import logging
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import Dataset, Recipe, Reweight, Source, clear_cache, kfold, load
from pytmva_rnn.cli import main
from pytmva_rnn.data import entry_units, event_cache, loading, streaming
from pytmva_rnn.data.array_files import ArrayWriter, read_array
from pytmva_rnn.data.event_cache import DESCRIPTION, EventCache
from pytmva_rnn.data.file_identity import identity
from pytmva_rnn.data.mapped_files import let_pages_go, mapped
from pytmva_rnn.data.memory_limit import MemoryLimit
from pytmva_rnn.data.same_numbers import same
from pytmva_rnn.data.storage import Storage
from pytmva_rnn.errors import DataError, OutputError
from pytmva_rnn.files import last_used
from tests.streamed import N, arrays_of, limited, write_events

STEPS = {"sequence": {"steps": 3, "inputs": {"a": "x", "b": "x * y"}, "sort_by": "x"}, "spectators": ["e"]}
FLAT = {"variables": ["y", "u", "z", "y * z", "u + z", "u * z"], "spectators": ["e", "w"]}
LISTS = {"variables": ["x", "y", "u", "z"]}
EACH = {"variables": ["y * {k}", "u", "z + {k}"], "for_each": {"k": [1, 2]}}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("events")
    write_events(folder)
    return folder


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    return limited(monkeypatch, tmp_path / "cache")


def of_classes(folder: Path, **more: Any) -> dict[str, list[Source]]:
    return {
        name: [Source((f"{folder}/{file}",), tree, **more) for file in ("a.root", "b.root")]
        for name, tree in (("Signal", "sgn"), ("Background", "bkg"))
    }


def together(folder: Path, **more: Any) -> Source:
    return Source((f"{folder}/a.root:sgn", f"{folder}/a.root:bkg", f"{folder}/b.root:bkg"), **more)


CLASSES = {"Signal": "y > 0", "Background": "y < -0.5"}
CASES: dict[str, tuple[dict[str, Any], Any, dict[str, Any]]] = {
    "sequences of classes": (STEPS, of_classes, {}),
    "selection and weight": (FLAT, lambda f: of_classes(f, selection="u < 2", weight="abs(w)"), {}),
    "negative weights": (FLAT, lambda f: of_classes(f, weight="w"), {}),
    "negative weights ignored": (FLAT, lambda f: of_classes(f, weight="w"), {"negative_weights": "ignore"}),
    "absolute weights": (FLAT, lambda f: of_classes(f, weight="w"), {"negative_weights": "absolute"}),
    "classes by expression": (STEPS, together, {"classes": CLASSES, "split": {"test": 0.3, "validation": 0.2}}),
    "regression": (FLAT, lambda f: together(f, selection="z > 0.2"), {"targets": ["y + u", "z"]}),
    "events of list elements": (LISTS, lambda f: of_classes(f, selection="x > -1"), {}),
    "repeated entries": (EACH, of_classes, {"split": "nTrain_Signal=400:nTrain_Background=300"}),
    "formulas of samples": (FLAT, of_classes, {"split": {"test": "e % 3 == 0", "validation": "e % 3 == 1"}}),
    "a fold": (FLAT, of_classes, {"split": {"folds": 4, "fold": 1, "fold_by": "e"}}),
    "balance and reweighting": (
        FLAT,
        lambda f: of_classes(f, weight="abs(w)"),
        {"balance": True, "reweight": Reweight("y", 5, "Background")},
    ),
    "samples of sources": (
        FLAT,
        lambda f: {
            name: [replace(source, sample=sample) for source, sample in zip(some, ("training", "test"), strict=True)]
            for name, some in of_classes(f).items()
        },
        {},
    ),
    "blocks one after the other": (FLAT, of_classes, {"split": "SplitMode=Alternate:NormMode=EqualNumEvents"}),
}


def same_events(mine: Dataset, other: Dataset) -> None:
    for (name, values), expected in zip(arrays_of(mine).items(), arrays_of(other).values(), strict=True):
        assert values.dtype == expected.dtype, name
        np.testing.assert_array_equal(values, expected, name)
    for name in ("classes", "targets", "efficiencies", "recipe", "variables", "files", "tree", "class_factors"):
        assert getattr(mine, name) == getattr(other, name)


@pytest.mark.parametrize("case", CASES)
def test_events_and_samples_are_those_in_memory(case: str, files: Path, memory: int) -> None:
    recipe, sources, settings = CASES[case]
    made = Recipe.from_dict(recipe)
    expected = load(made, sources(files), **settings)
    data = load(made, sources(files), **settings, memory=LARGER.get(case, 1) * memory)
    assert data.storage is not None
    same_events(data, expected)
    assert data.variable_table() == expected.variable_table()
    assert data.spectator_table() == expected.spectator_table()
    pieces = list(data.pieces())
    assert len(pieces) > 1
    np.testing.assert_array_equal(np.concatenate([piece.entries for piece in pieces]), expected.entries)
    mine, other = data.divide(), expected.divide()
    for sample in ("training", "test", "validation"):
        if getattr(other, sample) is None:
            assert getattr(mine, sample) is None
        else:
            same_events(getattr(mine, sample), getattr(other, sample))


LARGER = {"events of list elements": 3, "repeated entries": 4}
"""Cases of more events than the others."""


def test_events_that_fit_are_in_memory(files: Path, memory: int) -> None:
    data = load(Recipe.from_dict(FLAT), of_classes(files), memory=100 * memory)
    assert data.storage is None
    assert all(array.flags.owndata or 0 in array.strides for array in arrays_of(data).values() if array.size)
    same_events(data, load(Recipe.from_dict(FLAT), of_classes(files)))


def test_folds_within_a_limit(files: Path, memory: int) -> None:
    recipe = Recipe.from_dict(FLAT)
    pairs = zip(
        kfold(load(recipe, of_classes(files), memory=memory), 3, by="e"),
        kfold(load(recipe, of_classes(files)), 3, by="e"),
        strict=True,
    )
    for mine, other in pairs:
        for sample, expected in zip(mine, other, strict=True):
            same_events(sample, expected)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2 GB", 2 * 10**9),
        ("1.5GiB", 3 * 2**29),
        ("800 MB", 8 * 10**8),
        ("2e9", 2 * 10**9),
        (10**9, 10**9),
        ("3g", 3 * 10**9),
    ],
)
def test_limits(text: str | int, size: float) -> None:
    assert MemoryLimit.of(text) == MemoryLimit(size)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("much", "a number of bytes, or a text such as '2 GB', not 'much'"),
        ("-1 GB", "not '-1 GB'"),
        (True, "not True"),
        (1.5, "not 1.5"),
        ("100 MB", "the program itself takes up to 400 MB before it reads any event; give more"),
        ("9e99 TB", "more than any machine has"),
        ("1e999", "more than any machine has"),
    ],
)
def test_no_limits(given: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        MemoryLimit.of(given)


def test_more_than_the_machine_has_is_told(caplog: pytest.LogCaptureFixture) -> None:
    MemoryLimit.of("900 TB")
    assert "more than this machine has" in caplog.text


@pytest.mark.slow
def test_too_little_for_the_events_is_told_with_what_would_do(files: Path, memory: int) -> None:
    with pytest.raises(DataError, match=r"does not suffice for 2,400 events.*give at least (\d+) kB") as told:
        load(Recipe.from_dict(FLAT), of_classes(files), memory=5_000)
    enough = int(str(told.value).partition("give at least ")[2].split()[0]) + 1
    load(Recipe.from_dict(FLAT), of_classes(files), memory=enough * 1000)


def test_arrays_are_in_memory_already(memory: int) -> None:
    events = {"y": np.arange(4.0)}
    with pytest.raises(DataError, match="arrays are in memory already: leave it out"):
        load(Recipe.from_dict({"variables": ["y"]}), {"Signal": events, "b": events}, memory=memory)
    with pytest.raises(DataError, match="memory need a recipe"):
        load(None, {"Signal": np.ones((3, 1)), "b": np.ones((3, 1))}, memory=memory)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The place of each piece that is read."""
    places: list[str] = []
    plain = loading.labelled

    def noted(*arguments: Any, **settings: Any) -> Any:
        for piece in plain(*arguments, **settings):
            places.extend(piece.events.files)
            yield piece

    monkeypatch.setattr(loading, "labelled", noted)
    return places


def test_the_next_training_reads_the_cache(
    files: Path, memory: int, read: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    recipe = Recipe.from_dict(FLAT)
    first = load(recipe, of_classes(files), memory=memory)
    assert read
    assert "read 2,400 entries in" in caplog.text
    read.clear()
    # what does not change the events is no reason to read them again
    again = load(recipe, of_classes(files), memory=memory + 1, balance=True, split="nTrain_Signal=10")
    assert read == []
    np.testing.assert_array_equal(first.X, again.X)
    for change in (
        {"recipe": Recipe.from_dict({**FLAT, "variables": ["y", "u"]}), "memory": 100 * memory},
        {"sources": of_classes(files, selection="u < 3")},
        {"split": {"test": "e % 2 == 0"}},
        {"reweight": Reweight("u", 3)},
    ):
        load(**{"recipe": recipe, "sources": of_classes(files), "memory": memory, **change})
        assert read, change
        read.clear()


@pytest.mark.parametrize("kind", ["inputs", "for_each"])
def test_another_order_of_inputs_or_values_is_no_hit(kind: str, files: Path, memory: int) -> None:
    each = {"variables": ["y * {k} + {l}"], "for_each": {"k": [1, 2], "l": [3, 4]}}
    recipe: dict[str, Any] = STEPS["sequence"] if kind == "inputs" else each  # type: ignore[assignment]
    for turn in (list, lambda values: list(values)[::-1]):
        turned = {**recipe, kind: {name: recipe[kind][name] for name in turn(recipe[kind])}}
        made = Recipe.from_dict({"sequence": turned} if kind == "inputs" else turned)
        same_events(load(made, of_classes(files), memory=8 * memory), load(made, of_classes(files)))


def test_a_file_that_has_changed_is_read_again(tmp_path: Path, memory: int, read: list[str]) -> None:
    write_events(tmp_path)
    recipe = Recipe.from_dict(FLAT)
    load(recipe, of_classes(tmp_path), memory=memory)
    read.clear()
    status = (tmp_path / "a.root").stat()
    os.utime(tmp_path / "a.root", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    load(recipe, of_classes(tmp_path), memory=memory)
    assert read


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path, memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    write_events(tmp_path)
    plain = loading.labelled

    def changing(*arguments: Any, **settings: Any) -> Any:
        yield from plain(*arguments, **settings)
        with (tmp_path / "a.root").open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr(loading, "labelled", changing)
    with pytest.raises(DataError, match=r"a\.root was replaced while it was read; run this again"):
        load(Recipe.from_dict(FLAT), of_classes(tmp_path), memory=memory)
    assert list(event_cache.cached_events()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", ["flipped", "short", "no description", "no JSON", "no array", "another length", "no friends"]
)
def test_damaged_caches_are_made_again(damage: str, files: Path, memory: int, caplog: pytest.LogCaptureFixture) -> None:
    recipe = Recipe.from_dict(FLAT)
    expected = load(recipe, of_classes(files))
    load(recipe, of_classes(files), memory=memory)
    (kept,) = event_cache.cached_events()
    path, told = kept.folder / "X", kept.folder / event_cache.DESCRIPTION
    content = path.read_bytes()
    description = json.loads(told.read_text())
    match damage:
        case "flipped":
            path.write_bytes(content[:99] + bytes([content[99] ^ 1]) + content[100:])
        case "short":
            path.write_bytes(content[:-4])
        case "no description":
            told.unlink()
        case "no JSON":
            told.write_text("{")
        case "no array":
            path.unlink()
        case "no friends":
            told.write_text(json.dumps({**description, "others": 3}))
        case _:
            description["arrays"]["source"]["shape"] = [3]
            description["arrays"]["sample"]["shape"] = [10**12]
            told.write_text(json.dumps(description))
    same_events(load(recipe, of_classes(files), memory=memory), expected)
    assert ("are not used and made again" in caplog.text) == (damage != "no description")
    assert len(list(event_cache.cached_events())) == 1


def test_a_friend_that_the_tree_names_counts(memory: int, monkeypatch: pytest.MonkeyPatch, files: Path) -> None:
    friend = files / "friend.txt"
    friend.write_text("one")
    monkeypatch.setattr(streaming, "stored_friends", lambda tree, place, file: [("f", str(friend), "t")])
    recipe = Recipe.from_dict(FLAT)
    load(recipe, of_classes(files), memory=memory)
    (kept,) = event_cache.cached_events()
    friend.write_text("another")
    load(recipe, of_classes(files), memory=memory)
    (again,) = event_cache.cached_events()
    assert again.folder == kept.folder
    assert json.loads((again.folder / event_cache.DESCRIPTION).read_text())["others"] == [identity(str(friend))]
    friend.unlink()  # as without a limit, it is not missed where nothing of it is needed
    folder = event_cache.cache_folder()
    monkeypatch.undo()
    limited(monkeypatch, folder)
    load(recipe, of_classes(files), memory=memory)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="files cannot be locked there")
def test_events_not_used_for_longest_go_from_a_cache_above_its_limit(
    files: Path, memory: int, read: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def asked(number: int, **settings: Any) -> Dataset:
        return load(Recipe.from_dict({**FLAT, "variables": FLAT["variables"][:number]}), of_classes(files), **settings)

    caplog.set_level("INFO", "pytmva_rnn")
    held = asked(6, memory=memory)  # on disk, in use
    assert held.storage is not None
    in_memory = 100 * memory
    asked(5, memory=in_memory)
    (first, second) = sorted(event_cache.cached_events(), key=lambda each: last_used(each.folder))
    asked(4, memory=in_memory)
    os.utime(second.folder / "in-use", (0, 0))  # whatever the clock's steps are
    asked(3, memory=in_memory, cache_limit=first.size + second.size)
    kept = [each.folder for each in event_cache.cached_events()]
    assert first.folder in kept
    assert second.folder not in kept
    assert "above its limit" in caplog.text
    monkeypatch.setenv("PYTMVA_RNN_CACHE_LIMIT", "1 kB")
    asked(2, memory=in_memory)
    assert "all of it is in use" in caplog.text
    assert len(list(event_cache.cached_events())) == 2  # what is in use, and what was read now
    read.clear()
    same_events(asked(6, memory=memory), held)
    assert not read
    del held
    gc.collect()
    asked(5, memory=in_memory)
    assert len(list(event_cache.cached_events())) == 1
    monkeypatch.setenv("PYTMVA_RNN_CACHE_LIMIT", "much")
    with pytest.raises(DataError, match="PYTMVA_RNN_CACHE_LIMIT is a number of bytes"):
        asked(5, memory=in_memory)
    with pytest.raises(DataError, match="a size above 0"):
        asked(5, memory=in_memory, cache_limit=0)


def test_the_cache_is_shown_and_removed(files: Path, memory: int, capsys: pytest.CaptureFixture[str]) -> None:
    data = load(Recipe.from_dict(FLAT), of_classes(files), memory=memory)
    assert main(["cache"]) == 0
    shown = capsys.readouterr().out
    assert "1 sets of events" in shown
    assert "2,400" in shown
    assert "a.root:sgn and 3 more" in shown.replace("\n", "")
    assert main(["cache", "--clear"]) == 0
    assert "removed" in capsys.readouterr().out
    assert list(event_cache.cached_events()) == []
    assert clear_cache() == 0
    if sys.platform != "win32":
        assert np.isfinite(data.X).all()  # who uses them goes on


def test_what_is_not_of_the_cache_stays(files: Path, memory: int, capsys: pytest.CaptureFixture[str]) -> None:
    folder = event_cache.cache_folder() / "events"
    others = [
        folder / "run1" / "a.root",
        folder / ".partial-mine" / "b.root",
        folder / "notes" / event_cache.DESCRIPTION,
    ]
    for other in others:
        other.parent.mkdir(parents=True)
        other.write_text('{"events": 1, "files": ["x"]}')
    os.utime(others[1].parent, (0, 0))
    load(Recipe.from_dict(FLAT), of_classes(files), memory=memory)
    assert len(list(event_cache.cached_events())) == 1
    assert clear_cache() > 0
    assert main(["cache"]) == 0
    assert "0 sets of events" in capsys.readouterr().out
    assert all(other.exists() for other in others)
    assert sorted(path.name for path in folder.iterdir()) == sorted(other.parent.name for other in others)


def test_nothing_is_left_of_what_ends_early(files: Path, memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_cache.EventCache, "check_unchanged", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        load(Recipe.from_dict(FLAT), of_classes(files), memory=memory)
    assert list((event_cache.cache_folder() / "events").iterdir()) == []


def test_what_a_killed_process_left_is_removed(files: Path, memory: int) -> None:
    folder = event_cache.cache_folder() / "events"
    left = folder / ".partial-0123456789abcdef"
    left.mkdir(parents=True)
    (left / "lock").touch()
    (left / "X").write_bytes(b"1")
    load(Recipe.from_dict(FLAT), of_classes(files), memory=memory)
    assert left.exists() == (sys.platform == "win32")  # which cannot know


def test_no_space_is_told_before_it_is_used_up(
    files: Path, memory: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=50_000))
    with pytest.raises(OutputError, match=r"the events cannot be written to .*they need .* kB, and 50\.0 kB are free"):
        load(Recipe.from_dict(FLAT), of_classes(files), memory=memory)
    assert list((tmp_path / "cache" / "events").iterdir()) == []


def test_a_cache_that_cannot_be_written(files: Path, memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(event_cache.CACHE_VARIABLE, str(files / "a.root"))
    with pytest.raises(OutputError, match="PYTMVA_RNN_CACHE names another folder"):
        load(Recipe.from_dict(FLAT), of_classes(files), memory=memory)


@pytest.mark.parametrize(
    ("variables", "platform", "folder"),
    [
        ({"XDG_CACHE_HOME": "/x"}, "linux", "/x/pytmva_rnn"),
        ({}, "linux", "/home/me/.cache/pytmva_rnn"),
        ({}, "darwin", "/home/me/Library/Caches/pytmva_rnn"),
        ({"LOCALAPPDATA": "/l"}, "win32", "/l/pytmva_rnn/Cache"),
        ({"PYTMVA_RNN_CACHE": "~/c", "XDG_CACHE_HOME": "/x"}, "linux", "/home/me/c"),
    ],
)
def test_where_the_cache_is(
    variables: dict[str, str], platform: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTMVA_RNN_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", "USERPROFILE": "/home/me", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert event_cache.cache_folder().as_posix() == folder


def test_arrays_of_numbers_of_several_types_and_of_one_number(tmp_path: Path) -> None:
    pieces = [same(3, 4), same(3, 2), np.arange(5), same(1, 2), np.array([0.5, 1e300])]
    writer = ArrayWriter(tmp_path / "array")
    for piece in pieces:
        writer.append(piece)
    description = writer.close()
    found = read_array(json.loads(json.dumps(description)), tmp_path / "array")
    expected = np.concatenate(pieces)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    assert [path.name for path in tmp_path.iterdir()] == ["array"]
    lazy = ArrayWriter(tmp_path / "lazy")
    lazy.append(np.empty(0, np.int64))
    lazy.append(same(7, 10**12))
    assert read_array(lazy.close(), tmp_path / "lazy").shape == (10**12,)
    assert not (tmp_path / "lazy").exists()


@pytest.mark.parametrize("kind", ["by chance", "some", "ascending", "mask", "twice", "from the end", "none"])
def test_events_taken_by_way_of_files(kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    array = random.random((1000, 3)).astype(np.float32)
    index: Any = {
        "by chance": random.permutation(1000),
        "some": random.permutation(1000)[:700],
        "ascending": np.sort(random.permutation(1000)[:900]),
        "mask": random.random(1000) < 0.9,
        "twice": random.integers(0, 1000, 1500),
        "from the end": -1 - random.permutation(1000),
        "none": np.empty(0, np.int64),
    }[kind]
    storage = Storage(tmp_path, 1000)
    taken = storage.take(array, index)
    np.testing.assert_array_equal(taken, array[index])
    np.testing.assert_array_equal(storage.take(taken, np.arange(len(taken))[::-1]), array[index][::-1])
    assert list(tmp_path.iterdir()) == []


def test_of_many_files_not_every_event_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    files, nothing = 12_000, np.empty((24_000, 0), np.float32)
    data = Dataset(
        X=np.zeros((2 * files, 1), np.float32),
        class_index=np.zeros(2 * files, np.int64),
        weights=np.ones(2 * files),
        classes=("Signal", "Background"),
        target_values=nothing,
        targets=(),
        spectators=nothing,
        entries=np.tile([0, 1], files),
        efficiencies=(),
        files=tuple(f"{number}.root:t" for number in range(files)),
        file_index=np.repeat(np.arange(files), 2),
    )
    monkeypatch.setattr(entry_units, "units_of", lambda data: 1 / 0)  # takes much memory
    entry_units.check_repeated(data)
    with pytest.raises(ZeroDivisionError):
        entry_units.check_repeated(replace(data, file_index=data.file_index % (files - 1)))


def test_an_entry_that_is_read_twice_is_found(files: Path, memory: int) -> None:
    twice = of_classes(files)
    twice["Signal"].append(Source((f"{files}/a.root",), "sgn", selection="u > 0.5"))
    for limit in (None, memory * 2):
        with pytest.raises(DataError, match="is twice in class 'Signal'"):
            load(Recipe.from_dict(FLAT), twice, memory=limit)
    apart = {
        "Signal": [Source((f"{files}/a.root",), "sgn", selection=text) for text in ("u > 0.5", "u <= 0.5")],
        "Background": of_classes(files)["Background"],
    }
    assert len(load(Recipe.from_dict(FLAT), apart)) == 3 * N


def test_the_log_tells_how_reading_goes(
    files: Path, memory: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pytmva_rnn.data.reading_progress._SECONDS", 0.0)
    with caplog.at_level(logging.INFO):
        load(Recipe.from_dict(FLAT), of_classes(files), memory=memory)
    assert "of 2,400 entries" in caplog.text
    assert "s left" in caplog.text


def test_events_that_another_process_has_just_written_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They appeared when this one had found none, and it removed them as if they were half of something."""
    cache = EventCache(tmp_path / "events", {})
    plain = Path.read_text

    def too_early(path: Path, *arguments: Any, **keywords: Any) -> str:
        cache.folder.mkdir(exist_ok=True)
        if path.parent == cache.folder and not path.exists():
            path.write_text("{}")
            raise FileNotFoundError
        return plain(path, *arguments, **keywords)

    monkeypatch.setattr(Path, "read_text", too_early)
    assert cache.description() is None
    assert (cache.folder / DESCRIPTION).exists()


def test_pages_go_while_another_thread_maps_more(tmp_path: Path) -> None:
    """Between any two lines; an error would end the thread that lets them go, and nothing would hold the limit."""
    (tmp_path / "numbers").write_bytes(bytes(64))
    arrays: list[Any] = []

    def map_one() -> None:
        with (tmp_path / "numbers").open("rb") as file:
            arrays.append(mapped(file, np.float32, (16,)))

    def between(*_: object) -> Any:
        map_one()
        return between

    for _ in range(3):
        map_one()
    before = sys.gettrace()
    sys.settrace(between)
    try:
        let_pages_go()
    finally:
        sys.settrace(before)
    assert len(arrays) > 3
