"""Training on events that do not fit into memory: each once an epoch, in an order by chance, within the limit."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pytmva_rnn import Dataset, Recipe, Source, load, train
from pytmva_rnn.ahead import read_ahead
from pytmva_rnn.cli import main
from pytmva_rnn.data.storage import Storage
from pytmva_rnn.description import HistoryRow
from pytmva_rnn.errors import CheckpointError
from pytmva_rnn.kernels.reference.engine import Engine
from pytmva_rnn.training.checkpoint import Checkpoint
from pytmva_rnn.training.event_blocks import batches_at_once, blocks_of, reorder
from pytmva_rnn.training.training_events import Events
from pytmva_rnn.trandom import TRandom3, shuffle
from tests.streamed import LIMIT, limited, write_events

RECIPE = Recipe.from_dict({"variables": ["y", "u", "z", "y * z", "u / (1 + z)", "u * z"]})
OPTIONS = (
    "Layout=DENSE|3|TANH,LINEAR:RandomSeed=3:ValidationSize=0.2:"
    "TrainingStrategy=LearningRate=1e-2,MaxEpochs=2,BatchSize=20,TestRepetitions=1"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("events")
    write_events(folder)
    return folder


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    return limited(monkeypatch, tmp_path / "cache")


def training(files: Path, memory: int | None, weight: str = "abs(w)", **settings: Any) -> Dataset:
    sources = {
        name: [Source((f"{files}/{file}",), tree, weight=weight) for file in ("a.root", "b.root")]
        for name, tree in (("Signal", "sgn"), ("Background", "bkg"))
    }
    return load(RECIPE, sources, memory=memory, **settings).divide().training


def sample_of(n: int, folder: Path, share: int) -> Events:
    """Events that are their own numbers, whose inputs take 24 bytes each."""
    X = np.repeat(np.arange(n, dtype=np.float32), 6).reshape(n, 1, 6)
    numbers = np.arange(n, dtype=np.float32)
    return Events(X, numbers[:, None], numbers.copy(), Storage(folder, share))


@pytest.mark.parametrize(
    ("n", "share", "size"), [(1000, 24 * 130, 10), (1003, 24 * 100, 7), (64, 24, 10), (50, 24 * 49, 50)]
)
def test_an_epoch_has_each_event_once(n: int, share: int, size: int, tmp_path: Path) -> None:
    sample = sample_of(n, tmp_path, share)
    at_once = batches_at_once(sample, size)
    assert at_once == max(1, share // 24 // size)
    order, random = np.arange(n), TRandom3(4)
    orders = []
    for _ in range(2):
        reorder(order, random, sample, size)
        np.testing.assert_array_equal(np.sort(order), np.arange(n))
        orders.append(order.copy())
        batches = order[: n // size * size].reshape(-1, size)
        blocks = [batches[first : first + at_once] for first in range(0, len(batches), at_once)]
        trained = []
        for part, chosen in blocks_of(sample, blocks):
            assert part.X.nbytes <= max(share, 24 * size)
            seen = part.X[chosen.reshape(-1), 0, 0].astype(int)
            for other in (part.y[:, 0], part.w):
                np.testing.assert_array_equal(other[chosen.reshape(-1)].astype(int), seen)
            trained.append(seen)
        np.testing.assert_array_equal(np.concatenate(trained), batches.reshape(-1))
    assert not np.array_equal(*orders)
    again = np.arange(n)[::-1].copy()
    reorder(again, TRandom3(4), sample, size)
    np.testing.assert_array_equal(again, orders[0])


def test_what_fits_is_in_tmvas_order(tmp_path: Path) -> None:
    sample = sample_of(100, tmp_path, 24 * 100)
    order, other = np.arange(100), np.arange(100)
    mine, tmva = TRandom3(9), TRandom3(9)
    for _ in range(2):
        reorder(order, mine, sample, 10)
        shuffle(other, tmva)
        np.testing.assert_array_equal(order, other)


def test_a_gpu_takes_the_sample_itself(tmp_path: Path) -> None:
    sample = sample_of(100, tmp_path, 24 * 20)
    blocks = [np.arange(20).reshape(2, 10), np.arange(50, 70).reshape(2, 10)]
    given = blocks_of(sample, blocks, copied=False)
    for (part, chosen), block in zip(given, blocks, strict=True):
        assert part is sample
        assert chosen is block


def test_batches_have_classes_and_files_in_their_proportions(files: Path, memory: int) -> None:
    data = training(files, memory)
    assert data.storage is not None
    sample = Events(data.X.reshape(-1, 1, 6), data.y.reshape(-1, 1), data.weights.astype(np.float32), data.storage)
    at_once = batches_at_once(sample, 20)
    assert at_once is not None
    assert 2 <= at_once < len(data) // 20 // 3
    order = np.arange(len(data))
    reorder(order, TRandom3(1), sample, 20)
    for first in range(0, len(order) - 20 * at_once, 20 * at_once):
        block = order[first : first + 20 * at_once]
        for numbers in (data.class_index[block], data.file_index[block] // 2):
            share = np.mean(numbers)
            assert abs(share - 0.5) < 4 * 0.5 / np.sqrt(len(block))


def epochs(data: Dataset, options: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The inputs of each step of a training."""
    seen: list[Any] = []
    plain = Engine.step

    def noted(self: Engine, X: Any, y: Any, w: Any, events: Any, key: int) -> float:
        seen.append(X[events])
        return plain(self, X, y, w, events, key)

    monkeypatch.setattr(Engine, "step", noted)
    train(data, options, backend="reference")
    monkeypatch.undo()
    return seen


def test_training_takes_each_event_once(files: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    memory = limited(monkeypatch, tmp_path / "cache")
    data = training(files, memory)
    X = np.array(data.X)
    steps = epochs(data, OPTIONS, monkeypatch)
    batches = int(0.8 * len(X)) // 20
    assert len(steps) == 2 * batches
    for epoch in (steps[:batches], steps[batches:]):
        events = np.concatenate(epoch).reshape(-1, 6)
        kept, counts = np.unique(events, axis=0, return_counts=True)
        assert (counts == 1).all()
        expected = {row.tobytes() for row in X[: round(0.8 * len(X))]}
        assert {row.tobytes() for row in kept} <= expected
        assert len(expected) - len(kept) < 20


@pytest.mark.parametrize(
    "transformation",
    [*(pytest.param(each, marks=pytest.mark.slow) for each in ("N", "D", "P", "U", "G", "None")), "N,D_Signal,G(y,u)"],
)
def test_transformations_are_those_in_memory(transformation: str, files: Path, memory: int) -> None:
    options = OPTIONS.replace("TrainingStrategy", f"VarTransform={transformation}:TrainingStrategy")
    options = options.replace("MaxEpochs=2", "MaxEpochs=1")
    mine, other = (train(training(files, limit), options, backend="reference").model for limit in (memory, None))
    for found, expected in zip(mine.transformations, other.transformations, strict=True):
        np.testing.assert_equal(asdict(found), asdict(expected))
    assert mine.variables == other.variables


def test_a_limit_that_holds_a_training_sample_changes_nothing(files: Path, memory: int) -> None:
    data = training(files, 4 * LIMIT // 3, weight="w")
    assert data.storage is not None
    larger = Storage(data.storage.folder, data.X.nbytes)
    expected = train(training(files, None, weight="w"), OPTIONS, backend="reference").model
    found = train(replace(data, storage=larger), OPTIONS, backend="reference").model
    for mine, other in zip(found.layers, expected.layers, strict=True):
        for name, weights in other.weights.items():
            np.testing.assert_array_equal(mine.weights[name], weights)


def test_the_same_seed_gives_the_same_weights(files: Path, memory: int) -> None:
    first, again, other = (
        train(training(files, limit), OPTIONS).model for limit in (memory, memory, int(1.1 * memory))
    )
    weights = [each.layers[0].weights["W"] for each in (first, again, other)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_negative_weights_are_ignored_as_in_memory(
    files: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    memory = limited(monkeypatch, tmp_path / "cache")
    options = OPTIONS.replace("RandomSeed", "IgnoreNegWeightsInTraining=True:RandomSeed")
    data = training(files, memory, weight="w")
    steps = epochs(data, options, monkeypatch)
    positive = data.weights >= 0
    events = np.concatenate(steps[: len(steps) // 2])
    negative = {row.tobytes() for row in np.array(data.X)[~positive]}
    assert negative
    assert not negative & {row.tobytes() for row in events.reshape(-1, 6)}


def test_a_training_in_blocks_goes_on_to_the_same_weights(files: Path, memory: int, tmp_path: Path) -> None:
    options = OPTIONS.replace("MaxEpochs=2", "MaxEpochs=4")
    data = training(files, memory)
    expected = train(data, options, backend="reference").model
    checkpoint = Checkpoint(tmp_path / "state.npz", every_epochs=1)

    def fail(row: HistoryRow) -> None:
        if row.epoch == 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(data, options, backend="reference", checkpoint=checkpoint, on_epoch=fail)
    other = training(files, int(1.1 * memory))
    with pytest.raises(CheckpointError, match="memory for a block of events was"):
        train(other, options, backend="reference", checkpoint=checkpoint, resume=True)
    found = train(data, options, backend="reference", checkpoint=checkpoint, resume=True)
    assert [row.epoch for row in found.history] == [1, 2, 3, 4]
    for mine, layer in zip(found.model.layers, expected.layers, strict=True):
        for name, weights in layer.weights.items():
            np.testing.assert_array_equal(mine.weights[name], weights)


CONFIG = """
memory = {memory}
variables = ["y", "u", "z"]
[input]
files = ["a.root", "b.root"]
weight = "abs(w)"
[input.Signal]
tree = "sgn"
[input.Background]
tree = "bkg"
[method]
options = "Layout=DENSE|3|TANH,LINEAR:RandomSeed=3:TrainingStrategy=MaxEpochs=2,BatchSize=20"
[output]
scores = "scores.root"
"""


def test_the_command(
    files: Path, memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pytmva_rnn.cli.training_outputs.STEP", 700)
    config = files / "c.toml"
    config.write_text(CONFIG.format(memory='"1 GB"'))
    assert main(["train", str(config), "-o", str(tmp_path / "whole"), "--backend=reference"]) == 0
    assert "do not fit" not in capsys.readouterr().out
    assert (
        main(["train", str(config), "-o", str(tmp_path / "part"), "--memory", str(memory), "--backend=reference"]) == 0
    )
    assert "2,400 events of 12 B do not fit into 180 kB: they stay on disk" in capsys.readouterr().out
    for name in ("whole", "part"):
        with uproot.open(tmp_path / name / "scores.root") as file:
            assert file["TrainTree"].num_entries == file["TestTree"].num_entries == 1200
    config.write_text(CONFIG.format(memory="true"))
    assert main(["train", str(config)]) == 1
    assert "memory: memory is a number of bytes, or a text such as '2 GB', not True" in capsys.readouterr().err
    config.write_text(CONFIG.format(memory='"1 GB"'))
    assert main(["train", str(config), "--memory", "little"]) == 1
    assert "not 'little'" in capsys.readouterr().err


def test_reading_ahead() -> None:
    threads = set()

    def read(piece: int) -> int:
        threads.add(threading.current_thread().name)
        if piece == 5:
            raise KeyError(piece)
        return piece

    got = []
    with pytest.raises(KeyError):
        got.extend(read_ahead(read, range(9)))
    assert threading.current_thread().name not in threads
    stream = read_ahead(read, [1, 2, 3])
    assert next(stream) == 1
    stream.close()  # type: ignore[attr-defined]
    assert list(read_ahead(read, [7])) == [7]
    assert list(read_ahead(read, [])) == []


RUN = """
import resource, sys
from pathlib import Path
import numpy as np
from pytmva_rnn import Recipe, Source, load, train
from pytmva_rnn.data import memory_limit

options = ("Layout=DENSE|3|TANH,LINEAR:RandomSeed=3:VarTransform=N:"
           "TrainingStrategy=LearningRate=1e-3,MaxEpochs=2,BatchSize=200,TestRepetitions=1")
recipe = Recipe.from_dict({"variables": ["v[60]"]})

def run(path, memory):
    sources = {"Signal": Source((path,), selection="s > 0"), "Background": Source((path,), selection="s <= 0")}
    return train(load(recipe, sources, memory=memory).divide().training, options, threads=1)

small, large, limit = sys.argv[1:]
run(small, None)  # everything is imported and compiled
status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
now = 1024 * int(status["VmData"].split()[0])
room = 150_000_000
resource.setrlimit(resource.RLIMIT_DATA, (now + room, resource.RLIM_INFINITY))
memory_limit.BASE = 0
print(run(large, room if limit == "limited" else None).improved)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps this limit")
def test_the_limit_is_kept(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    for name, count in (("small.root", 3000), ("large.root", 600_000)):
        with uproot.recreate(tmp_path / name, compression=None) as file:
            file.mktree("t", {"v": ("f4", (60,)), "s": "f4"})
            for first in range(0, count, 50_000):
                n = min(50_000, count - first)
                s = random.normal(size=n).astype(np.float32)
                file["t"].extend({"v": random.normal(size=(n, 60)).astype(np.float32) + s[:, None], "s": s})

    def run(limit: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", RUN, *(str(tmp_path / name) for name in ("small.root", "large.root")), limit]
        environment = os.environ | {
            "PYTMVA_RNN_CACHE": str(tmp_path / "cache"),
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    # 144 MB of inputs, of which a training in memory makes three copies
    assert run("none").returncode != 0
    done = run("limited")
    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr
