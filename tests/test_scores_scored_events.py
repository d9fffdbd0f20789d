"""What `evaluate` writes beside the scores, counts, and leaves out."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn import Model, write_weights
from pytmva_rnn.cli import main
from pytmva_rnn.data import Recipe
from pytmva_rnn.description import Variable
from pytmva_rnn.scores import Scoring, scored_events
from tests.test_cli_evaluate import model

FLAT = Recipe.from_dict(
    {"variables": ["x", "y{k}"], "for_each": {"k": [1, 2]}, "spectators": ["run", "twice := 2 * y{k}"]}
)


def write(path: Path, n: int, /, **others: Any) -> str:
    random = np.random.default_rng(n)
    columns = {name: random.normal(size=n).astype(np.float32) for name in ("x", "y1", "y2")}
    columns |= {"run": np.arange(n, dtype=np.int64) + 2**60, **others}
    with uproot.recreate(path) as file:
        file.mktree("t", {name: ak_type(values) for name, values in columns.items()})
        file["t"].extend(columns)
    return str(path)


def ak_type(values: Any) -> Any:
    return values.dtype if isinstance(values, np.ndarray) else "var * int16"


def run(folder: Path, trained: Model, *arguments: object) -> int:
    write_weights(trained, folder / "w.xml")
    command = ["evaluate", str(folder / "w.xml"), *map(str, arguments), "--backend=reference"]
    return main([*command, "-o", str(folder / "s.root")])


def scores(folder: Path) -> Any:
    with uproot.open(f"{folder}/s.root:scores") as tree:
        return tree.arrays()


def test_spectators_and_branches_go_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scored_events, "_VALUES", 0)
    monkeypatch.setattr(scored_events, "_FEWEST_ENTRIES", 7)
    lists = ak.Array([list(range(k % 4)) for k in range(20)])
    lists = ak.values_astype(lists, np.int16)
    a = write(tmp_path / "a.root", 20, hits=lists, ok=np.arange(20) % 2 == 0, n=np.arange(20, dtype=np.int32))
    b = write(tmp_path / "b.root", 9, hits=lists[:9], ok=np.ones(9, bool), n=np.arange(9, dtype=np.int64))
    assert run(tmp_path, model(FLAT), a, b, "--spectators", "--keep", "hits", "ok", "--keep", "n", "y1") == 0
    found = scores(tmp_path)
    names = ["my_net_k1", "my_net_k2", "entry", "file", "run", "twice_k1", "twice_k2"]
    assert [name for name in ak.fields(found) if name != "nhits"] == [*names, "hits", "ok", "n", "y1"]
    with uproot.open(f"{b}:t") as tree:
        given = tree.arrays()
    last = found[20:]
    assert last["file"].to_list() == [1] * 9
    assert last["run"].to_list() == given["run"].to_list()
    assert last["hits"].to_list() == given["hits"].to_list()
    assert last["n"].to_list() == list(range(9))
    assert str(found["n"].type.content) == "int32"
    assert str(found["ok"].type.content) == "bool"
    for k in (1, 2):
        np.testing.assert_allclose(last[f"twice_k{k}"], 2 * given[f"y{k}"])


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        ("number", "the branch 'number' holds float64 in .*b.root:t, where it holds int32 in .*a.root:t"),
        ("text", "the branch 'text' of .*a.root:t holds string; numbers and lists of numbers can be kept"),
    ],
)
def test_branches_that_cannot_be_kept(
    kept: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file["t"] = {"x": [1.0, 2], "y1": [1.0, 2], "y2": [1.0, 2], "number": np.int32([1, 2]), "text": ["a", "b"]}
    write(tmp_path / "b.root", 2, number=np.array([1.0, 0.5]))
    assert run(tmp_path, model(FLAT), tmp_path / "a.root", tmp_path / "b.root", "--keep", kept) == 1
    assert (found := capsys.readouterr().err).startswith("pytmva-rnn: error: ")
    assert re.search(message, found), found
    assert not (tmp_path / "s.root").exists()


def test_spectators_of_a_file_by_cpp_tmva(tmp_path: Path) -> None:
    trained = model(Recipe.from_dict({"variables": ["x", "y1"]}))
    spectators = (Variable("run * 1.", "number", "number"),)
    assert run(tmp_path, replace(trained, info=(), spectators=spectators), write(tmp_path / "a.root", 5)) == 0
    assert ak.fields(scores(tmp_path)) == ["my_net", "entry", "file"]
    again = replace(trained, info=(), spectators=spectators)
    assert run(tmp_path, again, tmp_path / "a.root", "--spectators") == 0
    assert ak.fields(scores(tmp_path)) == ["my_net", "entry", "file", "number"]


def test_bad_files_are_left_out_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, last = write(tmp_path / "a.root", 5), write(tmp_path / "d.root", 3)
    (tmp_path / "b.root").write_bytes(Path(good).read_bytes()[:700])
    with uproot.recreate(tmp_path / "c.root") as file:
        file["t"] = {"x": [1.0]}
    trained, files = model(FLAT), [good, tmp_path / "b.root", tmp_path / "c.root", last]
    assert run(tmp_path, trained, *files) == 1
    assert not (tmp_path / "s.root").exists()
    assert run(tmp_path, trained, *files, "--skip-bad-files") == 3
    assert scores(tmp_path)["file"].to_list() == [0] * 5 + [3] * 3
    told = capsys.readouterr().err
    assert "warning: bad files were left out: 2 of 4\n" in told
    assert "no branch 'y1' in" in told
    with uproot.open(tmp_path / "s.root") as file:
        assert str(tmp_path / "b.root") in str(file["pytmva_rnn_skipped"])
    (tmp_path / "s.root").unlink()
    assert run(tmp_path, trained, *files[1:3], "--skip-bad-files") == 1
    assert "error: no file is left: " in capsys.readouterr().err
    assert not (tmp_path / "s.root").exists()


def test_nan_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.float32([1, np.nan, 3, np.inf])
    assert run(tmp_path, model(FLAT), write(tmp_path / "a.root", 4, x=x)) == 0
    assert (scores(tmp_path)["my_net_k1"] == -999).to_list() == [False, True, False, False]
    told = capsys.readouterr().err
    assert "warning: 2 events have inputs that are NaN or infinite\n" in told
    assert "warning: 2 scores are -999: a transformed variable or the network's answer is NaN\n" in told


def test_variables_that_are_lists_make_rows(tmp_path: Path) -> None:
    x = ak.values_astype(ak.Array([[1, 2], [], [3]]), np.int16)
    trained = model(Recipe.from_dict({"variables": ["x", "y1"]}))
    none = write(tmp_path / "0.root", 2, x=ak.values_astype(ak.Array([[], []]), np.int16))  # which makes no events
    assert run(tmp_path, trained, none, write(tmp_path / "a.root", 3, x=x), "--keep", "y2") == 0
    found = scores(tmp_path)
    assert found["file"].to_list() == [1, 1, 1]
    assert (found["entry"].to_list(), found["element"].to_list()) == ([0, 0, 2], [0, 1, 0])
    assert found["y2"][0] == found["y2"][1] != found["y2"][2]


def test_a_file_that_is_replaced_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a.root", 5)
    locate = Scoring.locate

    def replaced(self: Scoring, location: Any) -> Any:
        found = locate(self, location)
        write(tmp_path / "a.root", 4)
        return found

    monkeypatch.setattr(Scoring, "locate", replaced)
    assert run(tmp_path, model(FLAT), path) == 1
    assert "had 5 entries when they were counted, and has 4 now: it was replaced" in capsys.readouterr().err
    assert not (tmp_path / "s.root").exists()


def test_a_friend_that_the_input_names_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, scores_of = write(tmp_path / "a.root", 5), tmp_path / "s.root"
    assert run(tmp_path, model(FLAT), path) == 0
    before = scores_of.read_bytes()
    monkeypatch.setattr(scored_events, "stored_friends", lambda *_: [("s", str(scores_of), "scores")])
    assert run(tmp_path, model(FLAT), path) == 1
    assert "s.root is also an input file; write the scores to another one" in capsys.readouterr().err
    assert scores_of.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.usefixtures("interruptible")
def test_signals_are_never_lost(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even in a callback, where Python passes over errors."""

    class Callback:
        def __del__(self) -> None:
            signal.raise_signal(getattr(signal, name))

    events = Scoring.events

    def interrupted(self: Scoring, *arguments: Any) -> Iterator[Any]:
        callback = Callback()
        del callback
        yield from events(self, *arguments)

    monkeypatch.setattr(Scoring, "events", interrupted)
    assert run(tmp_path, model(FLAT), write(tmp_path / "a.root", 5)) == 128 + getattr(signal, name)
    assert capsys.readouterr().err == "pytmva-rnn: interrupted\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.root", "w.xml"]
