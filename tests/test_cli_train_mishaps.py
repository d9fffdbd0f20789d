"""What may go wrong around a training costs nothing: signals, folders and names that are odd, or a full disk."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import uproot

from pytmva_rnn import outputs, read_weights
from pytmva_rnn.cli import main, train_command

CONFIG = """
variables = ["x", "y"]
[input]
files = "events.root"
[input.classes]
Signal = "x > 0"
Background = "x <= 0"
[method]
title = "T"
options = "Layout=DENSE|3|TANH,LINEAR:TrainingStrategy=MaxEpochs=3,BatchSize=20,TestRepetitions=1:RandomSeed=1"
[output]
scores = "out/scores.root"
plot = "picture.png"
"""
TRAINED = "dataset/weights/TMVAClassification_T.weights.xml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    x, y = np.random.default_rng(5).normal(size=(2, 300)).astype(np.float32)
    with uproot.recreate(tmp_path / "events.root") as file:
        file["t"] = {"x": x, "y": y}
    (tmp_path / "c.toml").write_text(CONFIG)
    return tmp_path


def run(*arguments: object) -> int:
    return main(["train", *map(str, arguments), "--backend=reference"])


@pytest.mark.usefixtures("interruptible")
def test_a_signal_after_the_last_batch(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write = train_command.write_weights

    def pressed(*arguments: Any, **options: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        write(*arguments, **options)

    monkeypatch.setattr(train_command, "write_weights", pressed)
    assert run(folder / "c.toml", "-o", folder) == 143
    assert capsys.readouterr().err == "pytmva-rnn: interrupted\n"
    assert read_weights(folder / TRAINED).title == "T"


def test_too_little_space_is_known_before_the_training(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(outputs.shutil, "disk_usage", lambda path: SimpleNamespace(free=100))
    before = sorted(folder.rglob("*"))
    assert run(folder / "c.toml", "-o", folder) == 1
    told = capsys.readouterr().err
    assert re.search(
        r"error: the weights cannot be written to .*: they need 0\.2 kB, and 0\.1 kB are free there$", told
    )
    assert sorted(folder.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_folders_and_users_whose_names_are_no_texts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9\x07"))
    odd.mkdir()
    for name in ("events.root", "c.toml"):
        (folder / name).rename(odd / name)
    monkeypatch.chdir(odd)
    monkeypatch.setenv("LOGNAME", "\x1bme\udcff")
    assert run("c.toml") == 0
    assert main(["evaluate", TRAINED, "events.root", "-o", "s.root", "--backend=reference"]) == 0
    info = dict(read_weights(TRAINED).info)
    assert info["Dir"].endswith(r"/caf\xe9?")
    assert info["Creator"] == r"?me\xff"
    names = sorted(path.name for path in odd.iterdir())
    assert names == ["c.toml", "dataset", "events.root", "out", "picture.png", "s.root"]


@pytest.mark.slow
def test_a_current_folder_that_goes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "gone").mkdir()
    monkeypatch.chdir(folder / "gone")
    monkeypatch.setattr(train_command, "_check_network", lambda *_: (folder / "gone").rmdir())
    assert run(folder / "c.toml") == 0
    assert dict(read_weights(folder / "gone" / TRAINED).info)["Dir"] == "unknown"
