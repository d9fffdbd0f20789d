"""`pytmva-rnn train`, from ROOT files to the weight file."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn import extras, read_weights
from pytmva_rnn.cli import main
from pytmva_rnn.data import Source, load_inputs
from pytmva_rnn.kernels import Computation
from pytmva_rnn.kernels.reference.engine import Engine
from pytmva_rnn.report import roc_integral
from pytmva_rnn.weightfile.stored_history import stored_history
from pytmva_rnn.weightfile.stored_recipe import stored_recipe

CONFIG = """
[input]
files = "events.root"
[input.Signal]
tree = "sgn"
[input.Background]
tree = "bkg"
weight = "w"

[sequence]
steps = 3
[sequence.inputs]
a = "x"
b = "x * x"

[split]
NormMode = "NumEvents"

[method]
title = "T"
options = "Layout=RNN|4|2|3,RESHAPE|FLAT,LINEAR:RandomSeed=3:TrainingStrategy=LearningRate=2e-2,MaxEpochs=30,\
BatchSize=10,TestRepetitions=1"

[output]
scores = "out/scores.root"
plot = "picture.png"
"""
TRAINED = "dataset/weights/TMVAClassification_T.weights.xml"


def write_events(file: Any, n: int) -> None:
    """The trees of CONFIG, n events each."""
    random = np.random.default_rng(5)
    for tree, mean in (("sgn", 1), ("bkg", -1)):
        counts = random.integers(1, 5, n)
        x = ak.unflatten(random.normal(mean, 1, counts.sum()).astype(np.float32), counts)
        w = random.random(n) + 0.5
        file.mktree(tree, {"x": "var * float32", "w": "float64", "z": "float32"})
        file[tree].extend({"x": x, "w": w, "z": w.astype(np.float32) * 2})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with uproot.recreate(tmp_path / "events.root") as file:
        write_events(file, 120)
    (tmp_path / "c.toml").write_text(CONFIG)
    return tmp_path


def run(*arguments: object) -> int:
    return main(["train", *map(str, arguments), "--backend=reference"])


def test_from_files_to_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = folder / "results"
    assert run(folder / "c.toml", "--output", output) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    model = read_weights(output / TRAINED)

    assert f"reading Signal: {folder}/events.root, tree sgn" in shown.out
    assert "240 events, each a sequence of 3 steps with 2 inputs: a, b" in shown.out
    assert re.search(r"Signal +120 +120 +60 +60", shown.out)
    assert re.search(r"0 +RNN +state_size 4, input_size 2, time_steps 3 +4 +28", shown.out)
    rows = re.findall(r"\n +(\d+) \| +(\S+) \| +(\S+) \|", shown.out)
    np.testing.assert_allclose(np.array(rows, dtype=float), [row[1:] for row in stored_history(model)], rtol=2e-5)
    assert str(output / TRAINED) in shown.out

    assert [option.value for option in model.options if option.name == "InputLayout"] == ["3|2"]
    assert [v.label for v in model.variables] == ["a_0", "b_0", "a_1", "b_1", "a_2", "b_2"]
    assert dict(model.info)["Training events"] == "120"
    inputs = load_inputs(stored_recipe(model), Source((str(folder / "events.root"),), "sgn"))
    scores = model.predict(inputs.X, backend="reference")
    with uproot.open(output / "out" / "scores.root") as file:
        test, training = (file[name].arrays(library="np") for name in ("TestTree", "TrainTree"))
        assert json.loads(str(file["pytmva_rnn"]))["files"] == [
            f"{folder}/events.root:{tree}" for tree in ("sgn", "bkg")
        ]
    of_signal = test["classID"] == 0
    assert (test["file"] == test["classID"]).all()
    assert of_signal.sum() == 60
    np.testing.assert_allclose(test["T"][of_signal], scores[test["entry"][of_signal]], rtol=2e-5)
    area = roc_integral(of_signal, test["T"], test["weight"])
    assert area > 0.8
    assert re.search(rf"T +test +{area:.4f} ", shown.out)
    assert training["weight"][training["classID"] == 1].sum() == pytest.approx(60)
    assert (output / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in output.iterdir()) == ["dataset", "out", "picture.png"]


@pytest.mark.slow
def test_a_fold_with_a_sample_to_validate_with(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = '[split]\nfolds = 4\nfold_by = "1000 * z"\nvalidation = 0.2\n'
    (folder / "c.toml").write_text(CONFIG.replace("[split]\n", own.replace("1000 * z", "int(Entry$ / 3)")))
    assert run(folder / "c.toml", "-o", folder) == 1
    assert "[split] folds = 4: fold says which of them tests, 0 to 3" in capsys.readouterr().err
    assert run(folder / "c.toml", "-o", folder, "--fold=4") == 1
    assert "fold = 4; with 4 folds it is one of 0 to 3" in capsys.readouterr().err
    assert run(folder / "c.toml", "-o", folder, "--fold=1") == 0
    shown = capsys.readouterr().out
    assert re.search(r"class +events +sum of weights +training +validation +test", shown)
    assert re.search(r"Signal +120 +120 +72 +18 +30", shown)
    assert dict(read_weights(folder / TRAINED.replace("_T.", "_T_fold1.")).info)["Training events"] == "180"
    with uproot.open(folder / "out" / "scores_fold1.root") as file:
        assert set(file["TestTree/entry"].array() // 3 % 4) == {1}
    assert (folder / "picture_fold1.png").is_file()
    (folder / "c.toml").write_text(CONFIG.replace("[split]\n", own))
    assert run(folder / "c.toml", "-o", folder, "--fold=1") == 1
    assert "a whole number is needed" in capsys.readouterr().err


@pytest.mark.slow
def test_the_seed_of_the_command_line_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.toml").write_text(CONFIG.replace("MaxEpochs=30", "MaxEpochs=2"))
    found = []
    for name, arguments in (("a", ()), ("b", ("--seed=3",)), ("c", ("--seed=4",))):
        assert run(folder / "c.toml", "-o", folder / name, *arguments) == 0
        model = read_weights(folder / name / TRAINED)
        found.append(stored_history(model))
        assert {o.name: o.value for o in model.options}["RandomSeed"] == ("4" if name == "c" else "3")
    assert found[0] == found[1] != found[2]


@pytest.mark.slow
def test_more_classes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = re.sub(r"(?s)\[input\].*?\[sequence\]", "[sequence]", CONFIG)
    classes = (
        '\n[input]\nfiles = "events.root:sgn"\n[input.classes]\na = "z < 1.5"\nb = "1.5 <= z && z < 2"\nc = "z >= 2"\n'
    )
    (folder / "c.toml").write_text(text + classes)
    assert run(folder / "c.toml", "-o", folder) == 0
    shown = capsys.readouterr().out
    assert re.search(r"T, c +training +0\.\d{4}", shown)
    assert read_weights(folder / TRAINED.replace("Classification", "Multiclass")).classes == ("a", "b", "c")
    with uproot.open(f"{folder}/out/scores.root:TestTree") as tree:
        assert tree.keys() == ["classID", "weight", "entry", "file", "T_a", "T_b", "T_c"]


@pytest.mark.slow
def test_a_regression(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = re.sub(r"(?s)\[input\].*?\[sequence\]", "[sequence]", CONFIG)
    (folder / "c.toml").write_text(text + '\n[input]\nfiles = "events.root:sgn"\ntargets = ["sum := sum(x)", "z"]\n')
    assert run(folder / "c.toml", "-o", folder) == 0
    shown = capsys.readouterr().out
    model = read_weights(folder / TRAINED.replace("Classification", "Regression"))
    assert [target.label for target in model.targets] == ["sum", "z"]
    with uproot.open(f"{folder}/out/scores.root:TestTree") as tree:
        test = tree.arrays(library="np")
    with uproot.open(f"{folder}/events.root:sgn") as tree:
        z = tree["z"].array(library="np")[test["entry"]]
    difference = test["T_z"].astype(float) - z
    (found,) = re.findall(r"z +test +(\S+) +(\S+)", shown)
    assert [float(text) for text in found] == pytest.approx([difference.mean(), difference.std()], rel=1e-4)


def test_what_cannot_be_drawn_is_known_before_the_training(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert run(folder / "c.toml", "-o", folder) == 1
    shown = capsys.readouterr()
    assert extras.install_command("plot") in shown.err
    assert shown.out == ""


def test_ctrl_c_while_it_compiles_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(self: Engine, computation: Computation) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "__init__", interrupted)
    before = sorted(folder.rglob("*"))
    assert run(folder / "c.toml", "-o", folder) == 130
    assert capsys.readouterr().err == "pytmva-rnn: interrupted\n"
    assert sorted(folder.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
@pytest.mark.parametrize(
    "name", ["SIGINT", *[pytest.param(name, marks=pytest.mark.slow) for name in ("SIGTERM", "SIGHUP")]]
)
@pytest.mark.usefixtures("interruptible")
def test_signals_keep_the_best_weights(name: str, folder: Path) -> None:
    (folder / "c.toml").write_text(CONFIG.replace("MaxEpochs=30", "MaxEpochs=1000000,ConvergenceSteps=100000000"))
    command = [sys.executable, "-u", "-m", "pytmva_rnn", "train", "c.toml", "--backend=reference"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if re.match(r" +3 \|", process.stdout.readline()):
                break
        process.send_signal(getattr(signal, name))
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 128 + getattr(signal, name), err
    assert "interrupted: the best weights so far are in" in out
    assert "Traceback" not in err
    model = read_weights(folder / TRAINED)
    assert len(stored_history(model)) >= 3
    assert model.layers[0].weights["W"].any()
