"""Checkpoints: a training that goes on ends as it would have without a break, to the last bit, or says why not."""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import Checkpoint, Result, train
from pytmva_rnn.data import Dataset
from pytmva_rnn.errors import CheckpointError, OptionError, OutputError, TrainingError
from pytmva_rnn.kernels.reference.engine import Engine as Reference
from pytmva_rnn.training import checkpoint as keeping
from pytmva_rnn.training import epochs, resuming
from pytmva_rnn.training.checkpoint_file import MARK, previous, read_header, read_parts, write_parts
from pytmva_rnn.training.progress import EpochTable
from pytmva_rnn.trandom import TRandom3, shuffle

PHASES = "TestRepetitions=1,BatchSize=20,LearningRate=0.02,MaxEpochs=4"
DENSE = f"RandomSeed=5:Layout=DENSE|4|TANH,LINEAR:ValidationSize=0.25:TrainingStrategy={PHASES}"
RECURRENT = "RandomSeed=5:InputLayout=3|2:Layout=LSTM|4|2|3|1|1,RESHAPE|FLAT,BNORM,DENSE|4|TANH,LINEAR:"
RECURRENT += f"ValidationSize=0.25:TrainingStrategy={PHASES},DropConfig=0+0+0+0.3,Optimizer="


def events(n: int = 160) -> tuple[Any, Any]:
    """Three steps of two inputs, and a label that follows from the first of them."""
    X = np.random.default_rng(7).normal(size=(n, 6))
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


def assert_same(a: Result, b: Result) -> None:
    assert a.history == b.history
    assert a.initial_validation_error == b.initial_validation_error
    for one, other in zip(a.model.layers, b.model.layers, strict=True):
        assert one.weights.keys() == other.weights.keys()
        for name in one.weights:
            np.testing.assert_array_equal(one.weights[name], other.weights[name])


def interrupt(monkeypatch: pytest.MonkeyPatch, tests: int, error: type[BaseException] = KeyboardInterrupt) -> None:
    """End a training after some tests of the validation sample."""
    made: list[int] = []

    def row(self: Any, epoch: int, *_: Any) -> None:
        made.append(epoch)
        if len(made) == tests:
            raise error

    monkeypatch.setattr(EpochTable, "row", row)


def broken(options: str, file: Path, *given: Any, at: int = 3, **others: Any) -> Result:
    """A training that was interrupted, and then went on."""
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, at)
        first = train(*given, options, checkpoint=Checkpoint(file, every_epochs=1), **others)
    assert first.interrupted
    assert len(first.history) == at
    return train(*given, options, checkpoint=file, resume=True, **others)


# --- the same end


@pytest.mark.parametrize("optimizer", ["SGD", "ADAM", "ADAGRAD", "RMSPROP", "ADADELTA"])
@pytest.mark.parametrize("backend", [pytest.param("reference", marks=pytest.mark.slow), "cpu"])
def test_every_optimizer_goes_on_to_the_last_bit(backend: str, optimizer: str, tmp_path: Path) -> None:
    """With dropout, running statistics and remembered states, and one phase after another."""
    X, y = events()
    options = f"{RECURRENT}{optimizer}|{PHASES.replace('=20', '=30')},Regularization=L2,WeightDecay=1e-3"
    whole = train(X, y, options, backend=backend)
    for at in (2, 6):
        assert_same(broken(options, tmp_path / f"{at}.npz", X, y, at=at, backend=backend), whole)


def regression() -> tuple[Any, Any]:
    X, _ = events()
    return X, np.stack([X[:, 0] + 3, 100 * X[:, 1]], axis=1)


def three_classes() -> tuple[Any, Any]:
    X, y = events()
    return X, y + (X[:, 2] > 0)


@pytest.mark.parametrize(
    ("make", "changes", "others"),
    [
        (regression, "VarTransform=N:", {"analysis": "regression"}),
        (three_classes, "", {"analysis": "multiclass"}),
        (events, "", {"shuffle": False}),
        (events, "", {"sample_weight": np.linspace(0.5, 2, 160)}),
    ],
    ids=["regression", "classes", "in order", "weights"],
)
def test_all_analyses_go_on(
    make: Callable[[], tuple[Any, Any]], changes: str, others: dict[str, Any], tmp_path: Path
) -> None:
    whole = train(*make(), changes + DENSE, backend="reference", **others)
    assert_same(broken(changes + DENSE, tmp_path / "c.npz", *make(), backend="reference", **others), whole)


def test_a_counter_of_convergence_goes_on(tmp_path: Path) -> None:
    X, y = events()
    options = DENSE.replace("MaxEpochs=4", "MaxEpochs=60,ConvergenceSteps=3").replace("=0.02", "=0.3")
    whole = train(X, y, options, backend="reference")
    errors = [row.validation_error for row in whole.history]
    assert int(np.argmin(errors)) < len(errors) - 3
    assert len(errors) < 60
    assert_same(broken(options, tmp_path / "c.npz", X, y, at=len(errors) - 1, backend="reference"), whole)


def test_a_random_seed_that_nobody_gave_goes_on(tmp_path: Path) -> None:
    X, y = events()
    options = DENSE.replace("RandomSeed=5:", "")
    first = broken(options, tmp_path / "a.npz", X, y, backend="reference")
    seed = read_header(tmp_path / "a.npz")["state"]["seed"]
    assert_same(first, train(X, y, f"RandomSeed={seed}:{options}", backend="reference"))


def test_an_error_costs_nothing_and_a_long_epoch_is_kept_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = events()
    monkeypatch.setattr(epochs, "_PIECE", 40)
    monkeypatch.setattr(keeping, "_AGE", 0.0)
    options = f"{RECURRENT}ADAM"
    whole = train(X, y, options, backend="reference")
    step, made = Reference.step, [0]

    def failing(self: Reference, *given: Any) -> float:
        made[0] += 1
        if made[0] == 11:
            raise MemoryError("no room")
        return step(self, *given)

    monkeypatch.setattr(Reference, "step", failing)
    with pytest.raises(TrainingError, match="out of memory: no room"):
        train(X, y, options, backend="reference", checkpoint=tmp_path / "c.npz")
    state = read_header(tmp_path / "c.npz")["state"]
    assert (state["phase"], state["epoch"], state["batch"]) == (1, 1, 4)
    assert_same(train(X, y, options, backend="reference", resume=tmp_path / "c.npz"), whole)
    assert sum(made) == 4 * 6 + 1


def test_events_in_pieces_are_the_same_training(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = events()
    whole = train(X, y, f"{RECURRENT}ADAM", threads=1)
    monkeypatch.setattr(epochs, "_PIECE", 40)
    pieces = train(X, y, f"{RECURRENT}ADAM", threads=1)
    np.testing.assert_allclose(pieces.history, whole.history, rtol=1e-12)
    for one, other in zip(pieces.model.layers, whole.model.layers, strict=True):
        assert all(np.array_equal(one.weights[name], other.weights[name]) for name in one.weights)


def test_random_streams_go_on() -> None:
    random, order = TRandom3(7), np.arange(9000)
    shuffle(order, random)
    other = TRandom3.from_state(random.state())
    np.testing.assert_array_equal(other.raw(20_000), random.raw(20_000))
    for wrong in (np.zeros(700), np.zeros(600, np.uint32), np.full(700, 625, np.uint32)):
        with pytest.raises(ValueError, match="no state of TRandom3"):
            TRandom3.from_state(wrong)  # type: ignore[arg-type]


# --- when it is kept


def kept(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_the_one_before_is_kept_until_the_training_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = events()
    file = tmp_path / "deep" / "c.npz"
    found: list[Any] = []
    row = EpochTable.row

    def look(self: EpochTable, epoch: int, *given: Any) -> None:
        files = [file, previous(file)]
        found.append([read_header(each)["state"]["epoch"] for each in files if each.exists()])
        row(self, epoch, *given)

    monkeypatch.setattr(EpochTable, "row", look)
    train(X, y, DENSE, backend="reference", checkpoint=Checkpoint(file, every_epochs=1))
    assert found == [[], [1], [2, 1], [3, 2]]
    assert kept(file.parent) == ["c.npz"]
    assert read_header(file)["state"]["done"]


def test_every_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = events()
    written: list[Any] = []
    monkeypatch.setattr(keeping, "write_parts", lambda path, header, *_, **__: written.append(header["state"]))
    clock = iter(range(0, 10_000, 25))
    monkeypatch.setattr(keeping.time, "monotonic", lambda: float(next(clock)))
    train(X, y, DENSE, backend="reference", checkpoint=Checkpoint(tmp_path / "c.npz", every_minutes=2))
    assert [state.get("epoch") for state in written] == [1, 3, None]


def test_a_training_that_is_done_gives_its_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = events()
    whole = train(X, y, DENSE, backend="reference", checkpoint=tmp_path / "c.npz")
    monkeypatch.setattr(Reference, "step", None)
    again = train(X, y, DENSE, backend="reference", checkpoint=tmp_path / "c.npz", resume=True)
    assert_same(again, whole)
    assert again.training_time == whole.training_time
    assert again.improved


def test_without_a_checkpoint_a_training_begins(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    X, y = events()
    caplog.set_level(logging.INFO)
    train(X, y, DENSE, backend="reference", checkpoint=tmp_path / "c.npz", resume=True)
    assert f"there is no checkpoint {tmp_path / 'c.npz'} yet: the training begins" in caplog.messages
    with pytest.raises(CheckpointError, match=r"there is no checkpoint .*none\.npz"):
        train(X, y, DENSE, backend="reference", resume=tmp_path / "none.npz")


def test_what_is_not_done_is_not_lost(tmp_path: Path) -> None:
    X, y = events()
    file = tmp_path / "c.npz"
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, 2)
        train(X, y, DENSE, backend="reference", checkpoint=file)
    with pytest.raises(
        CheckpointError, match=r"c\.npz is the checkpoint of a training that is not done: go on with it"
    ):
        train(X, y, DENSE, backend="reference", checkpoint=file)
    train(X, y, DENSE, backend="reference", checkpoint=Checkpoint(file, replace=True))
    train(X, y, DENSE, backend="reference", checkpoint=file)  # that of one that is done may go


def test_a_file_that_is_none_of_ours_is_not_lost(tmp_path: Path) -> None:
    X, y = events()
    np.savez(tmp_path / "mine.npz", X=X)
    for resume in (False, True):
        with pytest.raises((OutputError, CheckpointError), match=r"is there already and is not|is no checkpoint"):
            train(X, y, DENSE, backend="reference", checkpoint=tmp_path / "mine.npz", resume=resume)
    with pytest.raises(OutputError, match=r"its name must end with \.npz"):
        train(X, y, DENSE, backend="reference", checkpoint=tmp_path / "c.txt")
    assert kept(tmp_path) == ["mine.npz"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError("No space left on device")])
def test_a_full_disk_or_memory_is_told_and_the_training_goes_on(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    X, y = events()
    made: list[int] = []

    def full(*given: Any, **others: Any) -> None:
        made.append(1)
        if len(made) == 2:
            raise error
        write_parts(*given, **others)

    monkeypatch.setattr(keeping, "write_parts", full)
    result = train(X, y, DENSE, backend="reference", checkpoint=Checkpoint(tmp_path / "c.npz", every_epochs=1))
    assert "the checkpoint of epoch 2 of phase 1 cannot be written: No space left on device" in caplog.text
    assert_same(result, train(X, y, DENSE, backend="reference", checkpoint=tmp_path / "c.npz", resume=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every_epochs": 0}, "every_epochs is a whole number from 1 on, not 0"),
        ({"every_epochs": True}, "every_epochs is a whole number from 1 on, not True"),
        ({"every_minutes": float("nan")}, "every_minutes is a number above 0, not nan"),
    ],
)
def test_wrong_intervals(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Checkpoint("c.npz", **arguments)


def test_resume_needs_a_file() -> None:
    with pytest.raises(OptionError, match="resume=True needs the file"):
        train(*events(), DENSE, resume=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"resume": None}, "resume is True, False or the path of a checkpoint, not None"),
        ({"resume": ""}, "the file of a checkpoint is a path that ends with .npz, not ''"),
        ({"resume": "", "checkpoint": "c.npz"}, "the file of a checkpoint is a path"),
        ({"checkpoint": 5}, "the file of a checkpoint is a path that ends with .npz, not '5'"),
        ({"checkpoint": "."}, "the file of a checkpoint is a path that ends with .npz, not '.'"),
    ],
)
def test_what_is_no_file(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        train(*events(), DENSE, backend="reference", **given)


# --- other trainings


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A checkpoint of DENSE after two epochs."""
    file = tmp_path_factory.mktemp("checkpoint") / "c.npz"
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, 3)
        train(*events(), DENSE, backend="reference", checkpoint=Checkpoint(file, every_epochs=1))
    return file.read_bytes()


def other(**changes: Any) -> Callable[[Any, Any], tuple[Any, Any]]:
    def change(X: Any, y: Any) -> tuple[Any, Any]:
        X = X.copy()
        X[changes.get("event", 50), 3] += changes.get("by", 1)
        return X[: changes.get("events", 160)], y[: changes.get("events", 160)]

    return change


@pytest.mark.parametrize(
    ("options", "change", "others", "message"),
    [
        (DENSE.replace("=4", "=5"), None, {}, "MaxEpochs of phase 1 was 4, now it is 5"),
        (f"{DENSE}|{PHASES}", None, {}, "TrainingStrategy was "),
        (DENSE.replace("|4|", "|3|"), None, {}, "Layout was DENSE|4|TANH,.*, now it is DENSE|3|TANH"),
        (DENSE.replace("=5", "=6"), None, {}, "RandomSeed was 5, now it is 6"),
        (DENSE, None, {"backend": "cpu"}, "backend was reference, now it is cpu"),
        (DENSE, None, {"shuffle": False}, "shuffle was True, now it is False"),
        (DENSE, None, {"classes": ("quark", "gluon")}, "classes was Signal, Background, now it is quark, gluon"),
        (DENSE, None, {"variables": [*"abcdef"]}, "variables was x0, x1, x2, x3, x4, x5, now it is a, b, c, d, e, f"),
        (DENSE, other(), {}, "the inputs of events in 48 to 51 of the training sample are others"),
        (DENSE, other(event=150), {}, "the inputs of events in 30 to 30 of the validation sample are others"),
        (DENSE, other(events=150), {}, "the training sample had 120 events, now it has 113"),
        (DENSE, None, {"sample_weight": np.full(160, 2.0)}, "the weights of events in 0 to 119 of the training sample"),
    ],
)
def test_another_training_is_refused_with_what_differs(
    options: str,
    change: Callable[[Any, Any], tuple[Any, Any]] | None,
    others: dict[str, Any],
    message: str,
    stopped: bytes,
    tmp_path: Path,
) -> None:
    (tmp_path / "c.npz").write_bytes(stopped)
    X, y = events() if change is None else change(*events())
    with pytest.raises(CheckpointError, match=f"c.npz: it is of another training: .*{message}".replace("|", r"\|")):
        train(X, y, options, resume=tmp_path / "c.npz", **{"backend": "reference", **others})
    assert (tmp_path / "c.npz").read_bytes() == stopped


def test_the_words_of_options_do_not_matter(stopped: bytes, tmp_path: Path) -> None:
    (tmp_path / "c.npz").write_bytes(stopped)
    options = f"V:{DENSE}".replace("0.02", "2e-2").replace("RandomSeed", "randomseed")
    assert_same(
        train(*events(), options, resume=tmp_path / "c.npz", backend="reference"),
        train(*events(), DENSE, backend="reference"),
    )


def test_files_are_named(tmp_path: Path) -> None:
    """A Dataset knows which file an event is from."""
    X, y = events()
    data = Dataset.from_arrays(X, y)
    data = replace(data, files=("a.root:t", "b.root:t"), file_index=np.arange(160) % 2)
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, 2)
        train(data, DENSE, backend="reference", checkpoint=tmp_path / "c.npz")
    moved = replace(data, files=("/elsewhere/a.root:t", "b.root:t"))
    changed = X.copy()
    changed[3] += 1
    wrong = replace(Dataset.from_arrays(changed, y), files=data.files, file_index=data.file_index)
    with pytest.raises(CheckpointError, match=r"the events of b\.root:t are others; the inputs of events in 3 to 6 "):
        train(wrong, DENSE, backend="reference", resume=tmp_path / "c.npz")
    assert not train(moved, DENSE, backend="reference", resume=tmp_path / "c.npz").interrupted


def test_other_threads_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    X, y = events()
    whole = train(X, y, f"{RECURRENT}ADAM", threads=2)
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, 2)
        train(X, y, f"{RECURRENT}ADAM", threads=2, checkpoint=tmp_path / "c.npz")
    content = (tmp_path / "c.npz").read_bytes()
    assert_same(train(X, y, f"{RECURRENT}ADAM", resume=tmp_path / "c.npz"), whole)
    assert "goes on with" not in caplog.text
    (tmp_path / "c.npz").write_bytes(content)
    train(X, y, f"{RECURRENT}ADAM", threads=1, resume=tmp_path / "c.npz")
    assert "the training was begun with 2 threads and goes on with 1" in caplog.text


def test_another_machine_is_told(
    stopped: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "c.npz").write_bytes(stopped)
    monkeypatch.setattr(resuming, "hardware", lambda backend: "abacus")
    train(*events(), DENSE, backend="reference", resume=tmp_path / "c.npz")
    assert "was written elsewhere (processor " in caplog.text
    assert "now abacus): the last bits" in caplog.text


# --- damage


def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    stopped: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    X, y = events()
    whole = train(X, y, DENSE, backend="reference")
    file = tmp_path / "c.npz"
    for content in (stopped[:-30], b"", bytes(len(stopped)), stopped[:5000] + b"\0\0\0\0" + stopped[5004:], None):
        caplog.clear()
        previous(file).write_bytes(stopped)
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        assert_same(train(X, y, DENSE, backend="reference", checkpoint=file, resume=True), whole)
        assert "going on from the one before" in caplog.text
    file.write_bytes(b"PK")
    with pytest.raises(CheckpointError, match=r"c\.npz is no checkpoint, or damaged: .*; remove it to begin anew"):
        train(X, y, DENSE, backend="reference", checkpoint=file, resume=True)


def test_a_damaged_one_does_not_take_the_place_of_the_one_before(stopped: bytes, tmp_path: Path) -> None:
    file = tmp_path / "c.npz"
    previous(file).write_bytes(stopped)
    file.write_bytes(stopped[:-30])
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, 1)
        train(*events(), DENSE, backend="reference", checkpoint=file, resume=True)
    assert previous(file).read_bytes() == stopped
    assert read_header(file)["state"]["epoch"] == 2


def test_flipped_bits_are_found(stopped: bytes, tmp_path: Path) -> None:
    """What is read in spite of a flip is what was written: names and times of a zip file have no checksum."""
    random, file = np.random.default_rng(3), tmp_path / "c.npz"
    file.write_bytes(stopped)
    header, arrays = read_parts(file, 1 << 24)
    read = 0
    for _ in range(150):
        content = bytearray(stopped)
        content[random.integers(len(content))] ^= 1 << random.integers(8)
        file.write_bytes(content)
        try:
            again, others = read_parts(file, 1 << 24)
        except CheckpointError:
            continue
        read += 1
        assert json.dumps(again) == json.dumps(header)
        for name in others.keys() & arrays.keys():
            np.testing.assert_array_equal(others[name], arrays[name])
    assert read < 100


def rewritten(content: bytes, tmp_path: Path, change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> Path:
    """A checkpoint of which something is another, made as we make them."""
    file = tmp_path / "c.npz"
    file.write_bytes(content)
    header, arrays = read_parts(file, 1 << 24)
    change(header, arrays)
    write_parts(file, header, arrays, keep_previous=False)
    return file


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h, a: h["state"].update(phase=2), "its phase is 2; expected a whole number from 1 to 1"),
        (lambda h, a: h["state"].update(epoch=10**30), "its epoch is 1000"),
        (lambda h, a: h["state"].update(batch=6), "its batch is 6"),
        (lambda h, a: h["state"].update(threads=10**6), "its threads is 1000000"),
        (lambda h, a: h["state"].update(lowest="x"), "its lowest is x; expected a number"),
        (lambda h, a: h["state"].update(done=1), "its done is 1; expected true or false"),
        (lambda h, a: h["state"].update(keys=[1, 2]), "its keys are no state"),
        (lambda h, a: h.update(state=None), "it has no state of a training"),
        (lambda h, a: h.update(training=7), "it does not say which training it is of"),
        (lambda h, a: h["training"].update(options="Layout="), "what it says of its training is not understood"),
        (lambda h, a: h["training"]["samples"]["training"].update(X=[]), "is not understood"),
        (lambda h, a: h.update({MARK: 9}), "its format is 9"),
        (lambda h, a: a.pop("order"), "it has no order"),
        (lambda h, a: a.update(order=np.zeros(120, np.int64)), "has not each of the training events once"),
        (lambda h, a: a.update(order=np.arange(121)), r"its order is int64 of shape \(121,\)"),
        (lambda h, a: a.update(shuffles=np.full(900, 999, np.uint32)), "no state of TRandom3"),
        (lambda h, a: a.update(history=np.full((2, 4), 9.0)), "its history tells of epoch 9 of phase 9"),
        (lambda h, a: a.update({"best/0/W": np.zeros((2, 2), np.float32)}), "its best/0/W is float32 of shape"),
        (lambda h, a: a.pop("engine/0/W"), "there is no array '0/W'"),
        (lambda h, a: a.update({"engine/0/W/v": np.zeros(4)}), "0/W/v is float64"),
        (lambda h, a: a.update({"engine/counts": np.array([-1, 0, 0])}), "one of its counts is -1"),
        (lambda h, a: a.update({"engine/more": np.zeros(4)}), "'more' is none of its arrays"),
        (lambda h, a: a.update({"engine/more": np.zeros(10**6)}), "it is larger than a checkpoint of this training"),
    ],
)
def test_what_does_not_fit_is_refused(
    change: Callable[[Any, Any], Any], message: str, stopped: bytes, tmp_path: Path
) -> None:
    file = rewritten(stopped, tmp_path, change)
    with pytest.raises(CheckpointError, match=message):
        train(*events(), DENSE, backend="reference", resume=file)


def compressed(file: Path) -> None:
    np.savez_compressed(file, header=np.zeros(10**7))


def pickled(file: Path) -> None:
    np.savez(file, header=np.array([{"a": 1}], dtype=object), allow_pickle=True)


def shaped(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
        archive.writestr("header.npy", b"\x93NUMPY\x01\x00" + (len(text) + 1).to_bytes(2, "little") + text + b"\n")


def nested(file: Path) -> None:
    np.savez(file, header=np.frombuffer(b"[" * 100_000, np.uint8))


def empty(file: Path) -> None:
    np.savez(file, other=np.zeros(3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (compressed, "it is compressed"),
        (pickled, "no plain array of numbers"),
        (shaped, "has not as many numbers as it says"),
        (nested, "recursion|depth|nest"),
        (empty, "it does not say what it is"),
        (Path.mkdir, "it is no file"),
    ],
)
def test_hostile_files(make: Callable[[Path], Any], message: str, tmp_path: Path) -> None:
    make(tmp_path / "c.npz")
    with pytest.raises(CheckpointError, match=f"(?i)c.npz is no checkpoint, or damaged: .*({message})"):
        read_header(tmp_path / "c.npz")
