"""`pytmva-rnn inspect`."""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from pytmva_rnn import Model, train, write_weights
from pytmva_rnn.cli import main
from pytmva_rnn.cli.network_drawing import NetworkDrawing
from pytmva_rnn.data import Recipe
from pytmva_rnn.description import Dense
from pytmva_rnn.weightfile.stored_history import HISTORY
from pytmva_rnn.weightfile.stored_recipe import recipe_info

REFERENCE = Path(__file__).parent / "data" / "reference"
RECIPE = Recipe.from_dict(
    {"sequence": {"inputs": {"a": "hypot(x, y)", "b": "z"}, "steps": 12, "sort_by": "w"}, "spectators": ["run"]}
)
OPTIONS = (
    "Layout=LSTM|5|2|12|0|1,RESHAPE|FLAT,LINEAR:InputLayout=12|2:RandomSeed=1:VarTransform=N:TrainingStrategy="
    "MaxEpochs=25,BatchSize=4,TestRepetitions=1|MaxEpochs=2,BatchSize=4,TestRepetitions=1"
)


@pytest.fixture(scope="module")
def trained() -> Model:
    X = np.random.default_rng(1).normal(size=(20, 12, 2)).astype(np.float32)
    return train(
        X,
        np.arange(20) % 2,
        OPTIONS,
        backend="reference",
        title="net",
        variables=RECIPE.variable_table(X),
        spectators=RECIPE.spectator_table(),
        info=(recipe_info(RECIPE),),
    ).model


@pytest.fixture
def file(trained: Model, tmp_path: Path) -> str:
    write_weights(trained, tmp_path / "w.xml")
    return str(tmp_path / "w.xml")


def test_everything_is_shown(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", file]) == 0
    shown = capsys.readouterr().out
    assert "net, classification of Signal, Background" in shown
    assert "loss cross entropy, output function sigmoid" in shown
    assert re.search(r"0 +LSTM +state_size 5, input_size 2, time_steps 12, return_sequence +12 x 5 +160", shown)
    assert re.search(r"all +221", shown)
    assert re.search(r" a +hypot\(x, y\)", shown)
    assert re.search(r"sorted downwards by +w", shown)
    assert re.search(r"Spectators \(1\)", shown)
    assert re.search(r"0 +Normalize +24", shown)
    assert re.search(r"RandomSeed +1 +user", shown)
    assert re.search(r"Training events +20", shown)
    assert re.search(r"\n +1 +25 +0\.\d+ +0\.\d+ *\n +2 +1 +0\.\d+ +0\.\d+", shown)
    assert "... 4 more" in shown  # variables
    assert "... 7 more" in shown  # epochs
    assert main(["inspect", file, "--all"]) == 0
    assert " more" not in capsys.readouterr().out


def test_json_holds_everything(file: str, trained: Model, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", file, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["parameters"] == 221
    assert data["layers"][0]["kind"] == "LSTM"
    assert data["layers"][0]["output_shape"] == [1, 12, 5]
    assert data["layers"][0]["weights"]["U_o"] == [5, 5]
    assert len(data["variables"]) == 24
    assert data["inputs"] == RECIPE.to_dict()
    assert len(data["history"]) == 27
    assert data["history"][25].keys() == {"phase", "epoch", "training_error", "validation_error"}
    assert [row["phase"] for row in data["history"][24:]] == [1, 2, 2]
    assert data["options"]["RandomSeed"] == {"value": "1", "modified": True}
    assert data["transformations"] == ["Normalize"]
    assert data["spectators"][0]["expression"] == "run"


@pytest.mark.parametrize("name", ["batch_norm", "multiclass_softmax", "regression", "stacked"])
def test_files_of_cpp_tmva(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = REFERENCE / name / "initial.xml"
    assert main(["inspect", str(path)]) == 0
    assert "Training history" not in capsys.readouterr().out
    assert main(["inspect", str(path), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["history"] == []
    assert data["inputs"] is None


def test_a_changed_history_is_refused(trained: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for stored in ("[[1]]", "3", "{"):
        write_weights(replace(trained, info=((HISTORY, stored),)), tmp_path / "w.xml")
        assert main(["inspect", str(tmp_path / "w.xml")]) == 1
        assert f'<Info name="{HISTORY}">' in capsys.readouterr().err


def test_elements_of_an_array_are_one_row(trained: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    variables = Recipe.from_dict({"variables": ["v{0..1}[12]"]}).variable_table()
    write_weights(replace(trained, variables=variables, transformations=(), info=()), tmp_path / "w.xml")
    assert main(["inspect", str(tmp_path / "w.xml")]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"Variables \(24\)", shown)
    assert re.search(r"v0\[12\] +v0 +F\[\].*\n v1\[12\] +v1 +F\[\]", shown)


def test_every_kind_of_sequence_is_shown(trained: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    collections = [{"inputs": {"pt": "e_pt"}, "sort_by": "e_pt"}, {"inputs": {"pt": "m_pt"}, "sort_by": "m_pt"}]
    sequence = {"steps": 12, "collections": collections, "which": "kind"}
    recipe = Recipe.from_dict({"sequence": sequence})
    write_weights(
        replace(trained, variables=recipe.variable_table(), transformations=(), info=(recipe_info(recipe),)),
        tmp_path / "w.xml",
    )
    assert main(["inspect", str(tmp_path / "w.xml")]) == 0
    shown = capsys.readouterr().out
    assert "Sequence of 12 steps with 2 inputs" in shown
    assert re.search(r"pt of collection 1 +m_pt", shown)
    assert re.search(r"sorted downwards by, collection 0 +e_pt", shown)
    assert re.search(r"kind +number of the collection", shown)


class Terminal(io.StringIO):
    """Where somebody looks."""

    def isatty(self) -> bool:
        return True


def test_the_network_is_drawn_at_a_terminal(
    file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["inspect", file]) == 0
    assert "╭" not in capsys.readouterr().out  # of no terminal, whatever the colours
    monkeypatch.setattr("sys.stdout", Terminal())
    assert main(["inspect", file]) == 0
    shown = re.sub(r"\x1b\[[0-9;]*m", "", sys.stdout.getvalue())
    drawing, _, tables = shown.partition("\nNetwork")
    boxes = [line.split()[1] for line in drawing.splitlines() if line.startswith("╭")]
    assert boxes == ["input", "LSTM", "RESHAPE", "DENSE", "sigmoid"]
    assert re.findall("▼ (.*)", drawing) == ["12 x 2", "12 x 5", "60", "1"]
    assert "12 steps of 2 inputs: a, b " in drawing
    assert "step 0 → 1 → 2 → 3 → … → 11 " in drawing
    assert "160 parameters" in drawing
    assert "score of Signal " in drawing
    assert {len(line) for line in drawing.splitlines() if line[:1] in ("╭", "│", "╰")} == {72}
    assert re.search(r"all +221", tables)


def test_long_networks_and_terminals_without_lines(trained: Model) -> None:
    layers = (*trained.layers[:2], *(Dense(60, 60) for _ in range(30)), trained.layers[2])
    drawing = NetworkDrawing(replace(trained, layers=layers, classes=("<\x1b[31m>", "b")), most=4)
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace")
    Console(file=file, force_terminal=True, color_system=None, width=40).print(drawing)
    file.seek(0)
    shown = file.read()
    assert shown.count("DENSE") == 2
    assert "29 more layers" in shown
    assert "> ... > 11" in shown
    assert shown.count("\\") == shown.count("\\ufffd") == 1
    assert "\x1b" not in shown
