"""`pytmva-rnn train` with --seeds, --folds and --scan."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import uproot

from pytmva_rnn import Ensemble, read_weights
from pytmva_rnn.cli import main
from pytmva_rnn.cli.many_trainings import PARTLY
from tests.test_cli_train import CONFIG, write_events

SHORT = CONFIG.replace("MaxEpochs=30", "MaxEpochs=3")
ROOT = Path(__file__).parents[1]
STEM = "dataset/weights/TMVAClassification_T"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with uproot.recreate(tmp_path / "events.root") as file:
        write_events(file, 60)
    (tmp_path / "c.toml").write_text(SHORT)
    return tmp_path


def run(folder: Path, *arguments: str) -> int:
    return main(["train", str(folder / "c.toml"), "-o", str(folder), "--backend=reference", *arguments])


@pytest.mark.slow
def test_seeds_in_processes_of_their_own_with_all_outputs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--seeds=3..4", "--workers=2") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "2 trainings" in shown.out
    assert re.search(r"seed3: validation error \S+, test ROC integral \S+, \S+ s \([12] of 2\)", shown.out)
    assert re.search(r"all +2 +\S+ ± \S+ +\S+ ± \S+", shown.out)
    assert "together (the mean of all scores): 60 events" in shown.out
    for seed in (3, 4):
        model = read_weights(folder / f"{STEM}_seed{seed}.weights.xml")
        assert next(option.value for option in model.options if option.name == "RandomSeed") == str(seed)
        assert (folder / f"picture_seed{seed}.png").exists()
        with uproot.open(folder / f"out/scores_seed{seed}.root") as file:
            assert file["TestTree"].num_entries == 60
    assert len(Ensemble.load(folder / f"{STEM}_seeds.trainings.json")) == 2
    assert run(folder, "--seeds=3..4", "--workers=2") == 0
    assert len(re.findall("finished before", capsys.readouterr().out)) == 2


@pytest.mark.slow
def test_a_scan_of_which_one_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.toml").write_text(f"{SHORT}\n[scan]\nLearningRate = [1e-2, 1e30]\n")
    assert run(folder, "--workers=2") == PARTLY
    shown = capsys.readouterr()
    assert "failed: LearningRate1e+30: exit code 1: no epoch was better" in shown.out
    assert re.search(r"LearningRate=0\.01 +1 ", shown.out)
    assert (folder / f"{STEM}_LearningRate0.01.weights.xml").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seeds=1..300"], "300 seeds|more than 256 seeds"),
        (["--seeds=1..4", "--at-most=3"], "at most 3 are made"),
        (["--seeds=1,2", "--seed=3"], "--seed asks for one, --seeds for several"),
        (["--folds=2", "--fold=1"], "--fold asks for one"),
        (["--workers=2"], "--workers is for several trainings"),
        (["--scan=Layout=LSTM|4|3|3,RESHAPE|FLAT,LINEAR;RNN|4|2|3,RESHAPE|FLAT,LINEAR"], "Layout-[0-9a-f]{8}: .*LSTM"),
        (["--scan=LearningRate=1;2", "--scan=learningrate=3"], "LearningRate is scanned twice"),
        (["--scan=Learning=1"], "unknown option 'Learning'"),
    ],
)
def test_wrong_arguments(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert run(folder, *arguments) == 1
    assert re.search(words, "".join(capsys.readouterr()))
    assert not (folder / "dataset").exists()


@pytest.mark.parametrize(
    "given", ["--seeds=4..1", "--seeds=0", "--seeds=a", "--scan=LearningRate", "--scan=a=1;;2", "--folds=0"]
)
def test_wrong_usage(folder: Path, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        run(folder, given)
    assert raised.value.code == 2


def test_folds_take_the_place_of_what_chose_the_test_sample(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SHORT.replace("[split]\n", "[split]\nnTest_Signal = 10\nnTest_Background = 10\n").replace(
        'scores = "out/scores.root"\nplot = "picture.png"', ""
    )
    (folder / "c.toml").write_text(text.replace("MaxEpochs=3", "MaxEpochs=20"))
    from pytmva_rnn.cli import many_trainings
    from pytmva_rnn.distributed import train_many

    def here(*arguments: Any, **given: Any) -> Any:
        return train_many(*arguments, **{**given, "workers": None})

    monkeypatch.setattr(many_trainings, "train_many", here)
    assert run(folder, "--folds=2") == 0
    assert sorted(path.name for path in (folder / "dataset/weights").iterdir()) == [
        "TMVAClassification_T_fold0.weights.xml",
        "TMVAClassification_T_fold1.weights.xml",
        "TMVAClassification_T_folds2.trainings.json",
    ]


@pytest.mark.slow
def test_an_interruption_ends_all_and_keeps_what_is_finished(folder: Path) -> None:
    text = SHORT.replace("MaxEpochs=3", "MaxEpochs=3,ConvergenceSteps=1000000")
    (folder / "c.toml").write_text(text)
    command = [sys.executable, "-m", "pytmva_rnn", "train", str(folder / "c.toml"), "-o", str(folder), "--workers=2"]
    process = subprocess.Popen(
        [*command, "--backend=reference", "--scan=MaxEpochs=3;100000"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith("MaxEpochs3: validation error"):
                break
        process.send_signal(signal.SIGTERM)
        shown, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGTERM
    assert "interrupted: keeping the 1 trainings that are finished" in shown
    assert "not trained: 1; the same command goes on with them" in shown
    assert len(Ensemble.load(folder / f"{STEM}_scan.trainings.json")) == 1
    assert not (folder / f"{STEM}_MaxEpochs100000.weights.xml").exists()
