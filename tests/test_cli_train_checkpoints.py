"""`pytmva-rnn train` that is interrupted and goes on, or starts from a weight file."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pytmva_rnn import load_config, read_weights
from pytmva_rnn.cli import main
from pytmva_rnn.errors import ConfigError
from pytmva_rnn.training.progress import EpochTable
from pytmva_rnn.weightfile.stored_history import stored_history
from tests.test_cli_train_mishaps import CONFIG as WITH_A_PICTURE

CONFIG = WITH_A_PICTURE.replace('plot = "picture.png"\n', "")
TABLE = "[checkpoint]\nevery_epochs = 1\n"
TRAINED = "dataset/weights/TMVAClassification_T.weights.xml"
STATE = "dataset/weights/TMVAClassification_T.checkpoint.npz"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    x, y = np.random.default_rng(5).normal(size=(2, 300)).astype(np.float32)
    with uproot.recreate(tmp_path / "events.root") as file:
        file["t"] = {"x": x, "y": y}
    (tmp_path / "c.toml").write_text(CONFIG + TABLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: object) -> int:
    return main(["train", "c.toml", *map(str, arguments), "--backend=reference"])


def stop_after(epoch: int, monkeypatch: pytest.MonkeyPatch, name: str = "SIGTERM") -> None:
    """Send a signal when an epoch's errors are known."""
    row = EpochTable.row

    def stopping(self: EpochTable, number: int, *given: Any) -> None:
        row(self, number, *given)
        if number == epoch:
            signal.raise_signal(getattr(signal, name))

    monkeypatch.setattr(EpochTable, "row", stopping)


def assert_same(one: Path, other: Path) -> None:
    a, b = read_weights(one), read_weights(other)
    assert stored_history(a) == stored_history(b)
    for mine, theirs in zip(a.layers, b.layers, strict=True):
        for name in mine.weights:
            np.testing.assert_array_equal(mine.weights[name], theirs.weights[name])


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_and_going_on(
    name: str, code: int, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTMVA_RNN_CACHE", str(folder / "cache"))
    assert run("-o", "whole") == 0
    capsys.readouterr()
    with monkeypatch.context() as patch:
        stop_after(2, patch, name)
        assert run("-o", "a folder", "--memory=2 GB") == code
    shown = capsys.readouterr()
    assert "interrupted: the best weights so far are in\n" in shown.out
    last = "to go on: pytmva-rnn train c.toml '--output=a folder' --backend=reference '--memory=2 GB' --resume"
    assert shown.out.splitlines()[-1] == last
    written = sorted(str(p.relative_to("a folder")) for p in Path("a folder").rglob("*") if p.is_file())
    assert written == [STATE, STATE.replace(".npz", ".previous.npz"), TRAINED]
    assert run("--output=a folder", "--resume") == 0
    shown = capsys.readouterr()
    assert "going on from " in shown.out
    assert "Going on after epoch 2," in shown.out
    assert_same(folder / "a folder" / TRAINED, folder / "whole" / TRAINED)
    with uproot.open("a folder/out/scores.root") as file, uproot.open("whole/out/scores.root") as expected:
        np.testing.assert_array_equal(file["TestTree/T"].array(), expected["TestTree/T"].array())
    assert sorted(p.name for p in (folder / "a folder" / TRAINED).parent.iterdir()) == [
        Path(STATE).name,
        Path(TRAINED).name,
    ]


@pytest.mark.usefixtures("interruptible")
def test_what_is_not_done_is_begun_anew_on_request_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        stop_after(1, patch)
        assert run() == 143
    assert run() == 1
    assert f"{STATE} is the checkpoint of a training that is not done: go on with it" in capsys.readouterr().err
    assert run("--seed=9", "--resume") == 1
    assert "it is of another training: RandomSeed was 1, now it is 9" in capsys.readouterr().err
    assert run("--force") == 0
    assert "Going on" not in capsys.readouterr().out
    assert run("--resume") == 0
    assert "the end of the training" in capsys.readouterr().out


def test_resume_alone_keeps_checkpoints(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.toml").write_text(CONFIG)
    assert run("--resume") == 0
    assert "yet: the training begins" in capsys.readouterr().out
    assert Path(STATE).is_file()
    checkpoint = load_config("c.toml").checkpoints()
    assert (checkpoint.file, checkpoint.seconds) == (Path(STATE), 600)


def test_the_checkpoint_is_no_other_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.toml").write_text(
        CONFIG.replace("out/scores.root", "out/c.npz/scores.root") + TABLE + 'file = "out/c.npz"'
    )
    assert run() == 1
    assert "the checkpoints cannot be written to out/c.npz: the scores are written there" in capsys.readouterr().err
    np.savez(folder / "mine.npz", X=np.zeros(3))
    (folder / "c.toml").write_text(CONFIG + TABLE + 'file = "mine.npz"')
    assert run() == 1
    assert "mine.npz is there already and is not a checkpoint by pytmva_rnn" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("every_epoch = 1", r"\[checkpoint\] has no key 'every_epoch'.*every_epochs"),
        ("every_epochs = 1.5", r"\[checkpoint\]: every_epochs is a whole number from 1 on, not 1.5"),
        ("every_minutes = -1", r"\[checkpoint\]: every_minutes is a number above 0, not -1"),
        ('file = "c.txt"', r"\[checkpoint\] file is a path in quotes that ends with .npz, not 'c.txt'"),
    ],
)
def test_wrong_tables(table: str, message: str, folder: Path) -> None:
    (folder / "c.toml").write_text(f"{CONFIG}[checkpoint]\n{table}\n")
    with pytest.raises(ConfigError, match=message):
        load_config("c.toml")


def test_folds_have_checkpoints_of_their_own(folder: Path) -> None:
    (folder / "c.toml").write_text(f'{CONFIG}[split]\nfolds = 3\n{TABLE}file = "k.npz"\n')
    config = load_config("c.toml").with_fold(2)
    assert config.checkpoints("d").file == Path("d/k_fold2.npz")


def test_a_configuration_goes_on_from_python(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config("c.toml")
    parts = config.divide()
    whole = config.train(parts.training, backend="reference", checkpoint="other.npz")
    with monkeypatch.context() as patch:
        stop_after(2, patch)
        assert config.train(parts.training, backend="reference").interrupted
    again = config.train(parts.training, backend="reference", resume=True)
    assert again.history == whole.history
    assert Path(STATE).is_file()


# --- from a weight file


def test_initial_weights_of_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.toml").write_text(CONFIG)
    assert run("-o", "first") == 0
    lowest = min(row.validation_error for row in stored_history(read_weights(f"first/{TRAINED}")))
    capsys.readouterr()
    assert run("-o", "more", f"--initial=first/{TRAINED}") == 0
    shown = capsys.readouterr()
    (error,) = re.findall(r"Initial validation error (\S+)", shown.out)
    assert float(error) == pytest.approx(lowest, rel=1e-5)
    assert shown.err == ""
    assert run("-o", "first", f"--initial=first/{TRAINED}") == 1
    assert "is also an input file; write the weights to another one" in capsys.readouterr().err
    (folder / "c.toml").write_text(
        CONFIG.replace('["x", "y"]', '["y", "x"]').replace("RandomSeed", "VarTransform=N:RandomSeed")
    )
    run("-o", "other", f"--initial=first/{TRAINED}")
    told = capsys.readouterr().err
    assert "the variables of `initial` are x, y, those of this training y, x" in told
    assert "the transformations of `initial` are none, those of this training Normalize" in told
    (folder / "c.toml").write_text(CONFIG.replace("DENSE|3|", "DENSE|4|"))
    assert run("-o", "other", f"--initial=first/{TRAINED}") == 1
    assert "layer 0 of `initial` is DENSE" in capsys.readouterr().err
    assert run("-o", "other", "--initial=none.xml") == 1
    assert "none.xml: No such file or directory" in capsys.readouterr().err


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_training_comes_to_its_own_end() -> None:
    """The tool kills as often as one likes."""
    program = Path(__file__).parents[1] / "tools" / "kill_and_resume.py"
    command = [sys.executable, program, "--kills", "4", "--epochs", "40", "--signals", "SIGKILL", "SIGTERM"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ": 0 faults" in done.stdout
