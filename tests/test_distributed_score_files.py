"""Many files, each scored into one of its own: what is written, known again, tried again, and refused."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn import Model, score, score_files, write_weights
from pytmva_rnn.cli import main
from pytmva_rnn.data import Recipe, Source
from pytmva_rnn.distributed import ScoredFiles, file_task
from pytmva_rnn.distributed.file_names import output_names, shard_of
from pytmva_rnn.errors import DataError, OutputError, TMVAError
from pytmva_rnn.scores import Scoring
from tests.test_cli_evaluate import model
from tests.test_scores_scored_events import write

RECIPE = Recipe.from_dict({"variables": ["x", "y1"], "spectators": ["run"]})


@pytest.fixture(scope="module")
def network() -> Model:
    return model(RECIPE)


@pytest.fixture
def weights(network: Model, tmp_path: Path) -> Path:
    write_weights(network, tmp_path / "w.xml")
    return tmp_path / "w.xml"


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    (tmp_path / "data").mkdir()
    return [write(tmp_path / "data" / f"{name}.root", n) for name, n in (("a", 5), ("b", 8), ("c", 3))]


def scored(weights: Path, files: Any, *arguments: Any, **options: Any) -> ScoredFiles:
    return score_files(weights, files, weights.parent / "scores", *arguments, backend="reference", **options)


def statuses(result: ScoredFiles) -> list[str]:
    return [file.status for file in result.files]


def test_one_friend_for_each_input(weights: Path, data: list[str]) -> None:
    with ThreadPoolExecutor(2) as executor:
        result = scored(weights, data, executor, keep=["y*", "run"], spectators=False)
    assert statuses(result) == ["scored"] * 3
    assert [file.output.name for file in result.files] == ["a.root", "b.root", "c.root"]
    for file, given in zip(result.files, data, strict=True):
        with uproot.open(given)["t"] as tree, uproot.open(file.output)["scores"] as friend:
            assert list(friend.keys()) == ["my_net", "entry", "y1", "y2", "run"]
            assert friend["entry"].array().to_list() == list(range(tree.num_entries))
            for name in ("y1", "y2", "run"):
                np.testing.assert_array_equal(friend[name].array(), tree[name].array())
        expected = score(Model.load(weights), given, backend="reference")
        np.testing.assert_array_equal(uproot.open(file.output)["scores"]["my_net"].array(), expected["my_net"])
    assert result.events == 16
    assert "3 of 3 files scored, 16 events in" in str(result)
    assert not list(weights.parent.glob("scores/.*"))


def test_what_is_done_is_known_by_its_content(weights: Path, network: Model, data: list[str]) -> None:
    assert statuses(scored(weights, data)) == ["scored"] * 3
    again = scored(weights, data)
    assert statuses(again) == ["done before"] * 3
    assert [file.events for file in again.files] == [5, 8, 3]
    assert "3 were done before" in again.summary()
    folder = weights.parent / "scores"

    (folder / "a.root").write_bytes((folder / "a.root").read_bytes()[:-20])  # a copy that was broken off
    (folder / "b.root").unlink()
    assert statuses(scored(weights, data)) == ["scored", "scored", "done before"]

    moved = weights.parent / "moved.root"
    Path(data[0]).rename(moved)
    write(Path(data[0]), 5, x=np.zeros(5, np.float32))  # other events under the same name
    assert statuses(scored(weights, data)) == ["scored", "done before", "done before"]

    assert statuses(scored(weights, data, keep=["x"])) == ["scored"] * 3
    write_weights(replace(network, title="another"), weights)
    assert statuses(scored(weights, data, keep=["x"])) == ["scored"] * 3
    assert statuses(scored(weights, data, keep=["x"])) == ["done before"] * 3


def test_friends_that_change_their_names_are_others(tmp_path: Path) -> None:
    write_weights(model(Recipe.from_dict({"variables": ["g.x", "h.x"]})), tmp_path / "w.xml")
    main_, one, other = (write(tmp_path / f"{name}.root", 5, x=np.full(5, x, np.float32)) for name, x in NAMES)
    files = []
    for first, second in (("g", "h"), ("h", "g")):
        result = scored(tmp_path / "w.xml", main_, friends=[f"{first} = {one}:t", f"{second} = {other}:t"])
        assert statuses(result) == ["scored"]
        with uproot.open(result.files[0].output)["scores"] as tree:
            files.append(tree["my_net"].array(library="np"))
    assert (files[0] != files[1]).any()


NAMES = (("m", 0.0), ("one", 1.0), ("other", -2.0))


def test_an_input_that_is_replaced_meanwhile(weights: Path, data: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    events = Scoring.events

    def replaced(self: Scoring, files: Any, **others: Any) -> Any:
        yield from events(self, files, **others)
        write(Path(data[0]), 5, x=np.ones(5, np.float32))

    monkeypatch.setattr(Scoring, "events", replaced)
    (failed,) = scored(weights, data[0], retries=1).failed
    assert failed.error == f"{data[0]} was changed while it was scored"
    assert failed.attempts == 2
    assert not list((weights.parent / "scores").iterdir())


def test_what_fails_is_tried_again_and_then_listed(
    weights: Path, data: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    events = Scoring.events
    calls: list[str] = []

    def failing(self: Scoring, files: Any, **others: Any) -> Any:
        name = Path(files[0][0][0]).name
        calls.append(name)
        if name == "c.root" or (name == "b.root" and calls.count(name) < 3):
            for piece in events(self, files, **others):
                yield piece
                raise OSError("the disk is away")
        yield from events(self, files, **others)

    monkeypatch.setattr(Scoring, "events", failing)
    result = scored(weights, data)
    assert calls == ["a.root", "b.root", "c.root"] + ["b.root", "c.root"] * 2
    assert [(file.status, file.attempts) for file in result.files] == [("scored", 1), ("scored", 3), ("failed", 3)]
    assert [file.error for file in result.failed] == ["the disk is away"]
    assert f"not scored: {data[2]}: the disk is away" in caplog.text
    assert "the disk is away" in str(result)
    assert sorted(path.name for path in (weights.parent / "scores").iterdir()) == ["a.root", "b.root"]
    monkeypatch.undo()
    assert statuses(scored(weights, data)) == ["done before", "done before", "scored"]


def test_inputs_of_one_name(weights: Path, data: list[str]) -> None:
    other = Path(data[0]).parent / "other"
    other.mkdir()
    second = write(other / "a.root", 4)
    result = scored(weights, [data[0], second, data[1]])
    folder = weights.parent / "scores"
    names = [file.output.relative_to(folder).as_posix() for file in result.files]
    assert names == ["data/a.root", "other/a.root", "b.root"]
    alone = scored(weights, data[0])  # whose scores stand in data/a.root already, which it cannot know
    assert alone.files[0].output == folder / "a.root"
    with pytest.raises(OutputError, match=r"a\.root holds the scores of .*, which now go to data/a\.root, since other"):
        scored(weights, [data[0], second])
    (refused,) = scored(weights, second).failed
    assert refused.attempts == 1
    assert f"a.root holds the scores of {data[0]}; score {second}:t into another folder" in refused.error
    assert statuses(scored(weights, second, force=True)) == ["scored"]


def test_names_tell_inputs_apart() -> None:
    url = "root://host//store"
    urls = [(f"{url}/1/x.root?a=b", None), (f"{url}/2/x.ROOT", "t"), ("/1/X.root", None)]
    assert output_names(urls) == ["store/1/x.root", "2/x.root", "1/X.root"]
    names = output_names([("/d/x.root", "t"), ("/d/x.root", "dir/u"), ("/d/data", None), ("/e/data.root", "t")])
    assert names == ["x_t.root", "x_dir_u.root", "d/data.root", "e/data.root"]
    assert output_names([("/d/x.root", None), ("/d/x.root", "t")]) == ["x.root", "x_t.root"]


@pytest.mark.parametrize("count", [1, 3, 7, 40])
def test_every_file_is_in_one_shard(count: int) -> None:
    files = [(f"/d/{k}.root", None) for k in np.random.default_rng(1).permutation(23)]
    shards = [shard_of(files, (k + 1, count)) for k in range(count)]
    assert sorted(number for shard in shards for number in shard) == list(range(23))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
    turned = [{files[::-1][number] for number in shard_of(files[::-1], (k + 1, count))} for k in range(count)]
    assert turned == [{files[number] for number in shard} for shard in shards]


def test_a_file_without_events_has_a_tree_without_entries(weights: Path, tmp_path: Path) -> None:
    lists = ak.values_astype(ak.Array([[1, 2], [3]]), np.int16)
    full = write(tmp_path / "full.root", 2, hits=lists)
    empty = write(tmp_path / "empty.root", 0, hits=lists[:0])
    result = scored(weights, [full, empty], keep=["hits"], spectators=True)
    assert [file.events for file in result.files] == [2, 0]
    types = []
    for file in result.files:
        with uproot.open(file.output)["scores"] as tree:
            types.append({name: branch.typename for name, branch in tree.items()})
    assert types[0] == types[1]
    assert statuses(scored(weights, [full, empty], keep=["hits"], spectators=True)) == ["done before"] * 2


def test_a_pattern_keeps_numbers_and_lists_of_numbers(weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.root"
    with uproot.recreate(path) as file:
        lists = ak.Array([[1.0, 2.0], []])
        file["t"] = {"x": [1.0, 2], "y1": [1.0, 2], "run": [1, 2], "hit_t": lists, "hit_name": ["a", "b"]}
    (file_,) = scored(weights, path, keep=["run", "*hit*", "r*"]).files
    with uproot.open(file_.output)["scores"] as tree:
        assert tree["hit_t"].array().to_list() == lists.to_list()
        assert [name for name in tree.keys(recursive=False) if name != "nhit_t"] == ["my_net", "entry", "run", "hit_t"]
    (failed,) = scored(weights, path, keep=["hits*"]).failed
    assert "no branch of numbers, or of lists of numbers, of" in failed.error
    assert "matches 'hits*'; near names: hit_t" in failed.error


def test_nan_is_counted(weights: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "n.root", 3, x=np.float32([1, np.nan, 2]))
    (file,) = scored(weights, path).files
    assert (file.not_finite, file.without_score) == (1, 1)
    with uproot.open(file.output)["scores"] as tree:
        assert (tree["my_net"].array() == -999).to_list() == [False, True, False]
    assert "1 events have inputs that are NaN or infinite" in caplog.text
    assert "1 scores are -999" in caplog.text


def test_what_cannot_be(weights: Path, network: Model, data: list[str], tmp_path: Path) -> None:
    cases: list[tuple[str, Any, dict[str, Any], type[TMVAError]]] = [
        ("not by both", data, {"executor": ThreadPoolExecutor(1), "workers": 2}, DataError),
        ("an executor has a method submit.*8 has none", data, {"executor": 8}, DataError),
        ("workers must be a whole number, 1 or more, not 0", data, {"workers": 0}, DataError),
        ("workers must be a whole number, 1 or more, not '2'", data, {"workers": "2"}, DataError),
        ("retries must be a whole number, 0 or more, not None", data, {"retries": None}, DataError),
        ("shards are counted from 1/3 to 3/3", data, {"shard": (0, 3)}, DataError),
        (r"such as \(3, 50\), not '1/3'", data, {"shard": "1/3"}, DataError),
        ("needs a name, not 3", data, {"output_tree": 3}, DataError),
        (r"keep is a list of names, not \[3\]", data, {"keep": [3]}, DataError),
        ("a Source says itself what its tree", Source(data, "t"), {"tree": "t"}, DataError),
        ("aliases and a share of a Source are for training", Source(data, "t", aliases={"x": "y1"}), {}, DataError),
        ("aliases and a share of a Source are for training", Source(data, "t", share=(0, 2)), {}, DataError),
        ("a friend goes along with one file, and there are 3", data, {"friends": ["f.root:t"]}, DataError),
        ("two branches would be called x", data, {"keep": ["x", "x"]}, DataError),
        ("no such file", tmp_path / "missing.root", {}, DataError),
    ]
    for message, files, options, error in cases:
        with pytest.raises(error, match=message):
            scored(weights, files, **options)
    assert statuses(scored(weights, data, keep="run")) == ["scored"] * 3  # one name is one name, not its letters
    shutil.rmtree(tmp_path / "scores")
    with pytest.raises(OutputError, match=r"a\.root is also an input file; write the scores to another folder"):
        score_files(weights, data, tmp_path / "data")
    with pytest.raises(FileNotFoundError):
        scored(tmp_path / "no.xml", data)
    with pytest.raises(DataError, match="a Source says itself what its tree is"):
        score(network, Source(data, "t"), tree="t")
    remembering = replace(network.layers[0], remember_state=True)
    write_weights(replace(network, layers=(remembering, *network.layers[1:])), weights)
    with pytest.raises(DataError, match="its files cannot be scored one by one"):
        scored(weights, data)
    assert not (tmp_path / "scores").exists()


def test_a_weight_file_that_changes_meanwhile(
    weights: Path, network: Model, data: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(options: Any) -> Any:
        write_weights(replace(network, title="later"), weights)
        return file_task._read(options.weights, options.digest)

    monkeypatch.setattr(file_task, "_model", later)
    assert "was changed since the scoring began" in scored(weights, data[:1]).failed[0].error


@pytest.mark.slow
def test_the_command(weights: Path, data: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "files.txt").write_bytes(b"\xef\xbb\xbf# the data\r\n" + "\n".join(data).encode() + b"\n\n")
    (tmp_path / "wide.txt").write_text("\n".join(data), encoding="utf-16")
    assert main(["evaluate", str(weights), f"@{tmp_path}/wide.txt", "--folder", str(tmp_path / "out")]) == 1
    assert "wide.txt is no list of files" in capsys.readouterr().err
    command = [
        "evaluate",
        str(weights),
        f"@{tmp_path}/files.txt",
        "--folder",
        str(tmp_path / "out"),
        "--backend=reference",
    ]
    assert main([*command, "--shard=2/2"]) == 0
    assert "1 of 1 files scored, 8 events" in capsys.readouterr().out
    assert main([*command, "--workers=1"]) == 0
    assert "2 of 3 files scored, 8 events" in (told := capsys.readouterr().out)
    assert "1 were done before" in told
    Path(data[1]).write_bytes(b"root")
    assert main([*command, "--retries=0"]) == 3
    assert "1 failed" in (found := capsys.readouterr()).out
    assert f"warning: not scored: {data[1]}: cannot be opened as a ROOT file" in found.err
    assert main([*command[:2], data[1], *command[3:]]) == 1
    with uproot.open(tmp_path / "out" / "a.root") as file:
        assert json.loads(str(file["pytmva_rnn"]))["files"] == [data[0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "s.root", "--workers=2"], "--workers is for one file of scores for each input: give --folder"),
        (["-o", "s.root", "--shard=1/2"], "--shard is for one file of scores for each input"),
        (["-o", "s.root", "--retries=1"], "--retries is for one file of scores for each input"),
        (["--folder=out", "--shard=50"], "--shard 50: which part of how many is needed"),
        (["--folder=out", "--shard=4/3"], "shard 4/3: shards are counted from 1/3 to 3/3"),
        (["--folder=out", "--skip-bad-files"], "--skip-bad-files is for --output"),
        (["--folder=data"], "a.root is also an input file"),
    ],
)
def test_wrong_arguments_of_the_command(
    arguments: list[str],
    message: str,
    weights: Path,
    data: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", str(weights), *data, *arguments]) == 1
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "w.xml"]
