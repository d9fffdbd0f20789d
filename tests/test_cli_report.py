"""`pytmva-rnn report`, and the report of `pytmva-rnn train`."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from lxml import html

from pytmva_rnn import Dataset, load_config, train
from pytmva_rnn.cli import main
from tests.test_cli_train import CONFIG, TRAINED, write_events

pytest.importorskip("matplotlib")

REPORT = """
[report]
replicas = 10
repeats = 1
events = 60
against = ["length", "a[0] > 0"]
yields = { Signal = 20, Background = 100 }
"""
WEIGHTS = f"results/{TRAINED}"
QUICK = ["--replicas=10", "--repeats=1", "--backend=reference"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a training with a report has read and written."""
    folder = tmp_path_factory.mktemp("report")
    with uproot.recreate(folder / "events.root") as file:
        write_events(file, 120)
    outputs = '[output]\nnumbers = "numbers.json"\n'
    text = CONFIG.replace('[output]\nscores = "out/scores.root"\nplot = "picture.png"\n', outputs)
    (folder / "c.toml").write_text(text + REPORT)
    arguments = ["train", str(folder / "c.toml"), "--output", str(folder / "results"), "--backend=reference"]
    assert main(arguments) == 0
    return folder


@pytest.fixture
def folder(trained: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Its name is kept; what is written goes elsewhere."""
    for path in trained.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def with_a_page() -> str:
    """The configuration, with the page, which is not drawn for all tests."""
    return Path("c.toml").read_text().replace("[output]\n", '[output]\nreport = "report.html"\n')


def numbers(path: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text())
    return found


def flat(value: Any) -> list[float]:
    """All numbers in plain data."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for each in value for number in flat(each)]
    return [float(value)] if isinstance(value, int | float) else [] if isinstance(value, str) else [math.nan]


def test_after_a_training(trained: Path) -> None:
    results = trained / "results"
    found = numbers(results / "numbers.json")
    assert found["significance"][0]["yields"] == [20, 100]
    assert [each["variable"] for each in found["efficiencies"]] == ["length", "a[0] > 0"]
    assert [each["name"] for each in found["samples"]] == ["test", "training"]
    assert found["reproduction"]["seed"] == 3
    assert found["reproduction"]["command"].startswith("pytmva-rnn train ")
    files = {Path(each["path"]).name: each for each in found["reproduction"]["files"]}
    digest = hashlib.sha256((trained / "events.root").read_bytes()).hexdigest()
    assert files["events.root"]["sha256"] == digest
    assert files["events.root"]["uuid"]
    assert files["c.toml"]["size"] == (trained / "c.toml").stat().st_size


def test_the_same_from_the_configuration(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", WEIGHTS, "c.toml", "--json", "again.json", "--backend=reference"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "Report('T'): classification of Signal, Background" in shown.out
    first, again = numbers(folder / "results/numbers.json"), numbers("again.json")
    for name in ("performance", "roc", "significance", "calibration", "inputs", "importance", "phases"):
        # the weight file rounds its weights
        assert flat(again[name]) == pytest.approx(flat(first[name]), rel=1e-4, abs=1e-6, nan_ok=True), name
    assert again["reproduction"]["command"] == "pytmva-rnn report " + " ".join(
        [WEIGHTS, "c.toml", "--json", "again.json", "--backend=reference"]
    )
    assert not Path("report.html").exists()


def test_of_files_of_each_class(folder: Path) -> None:
    files = ["Signal=events.root:sgn", "Background=events.root:bkg"]
    assert main(["report", WEIGHTS, *files, "--json=n.json", "--weight=w", *QUICK]) == 0
    found = numbers("n.json")
    assert found["samples"][0]["events"] == {"Signal": 120, "Background": 120}
    assert "training" not in found["performance"]
    assert found["options"]["replicas"] == 10
    selected = ["--selection=x[0] > 0", "--no-checksums", "--yields", "Signal=1", "Background=2"]
    assert main(["report", WEIGHTS, *files, "--json=n.json", *selected, *QUICK]) == 0
    found = numbers("n.json")
    assert found["samples"][0]["events"]["Background"] < 60
    assert {each["sha256"] for each in found["reproduction"]["files"]} == {None}
    assert found["significance"][1]["yields"] == [1, 2]


@pytest.mark.slow
def test_of_files_with_a_formula_for_each_class(folder: Path) -> None:
    classes = ["--class", "Signal = z > 1.5", "Background = z <= 1.5"]
    arguments = [WEIGHTS, "events.root", "--tree=bkg", *classes, "--panels=p", "--formats", "pdf", "svg", *QUICK]
    assert main(["report", *arguments]) == 0
    names = sorted(path.name for path in Path("p").iterdir())
    assert {"roc.pdf", "roc.svg"} <= set(names)
    assert not Path("report.html").exists()


@pytest.mark.slow
def test_pictures_after_a_training(folder: Path) -> None:
    text = Path("c.toml").read_text().replace('numbers = "numbers.json"', 'panels = "figures"')
    Path("p.toml").write_text(text)
    assert main(["train", "p.toml", "--output=p", "--report=own.html", "--backend=reference"]) == 0
    names = {path.stem for path in Path("p/figures").iterdir()}
    assert {"scores", "roc", "network", "efficiency-length", "efficiency-a-0-0"} <= names
    page = html.document_fromstring(Path("p/own.html").read_text())
    assert page.xpath("string(//title)") == "T: Signal against Background"


@pytest.mark.slow
def test_importance_in_several_processes(folder: Path) -> None:
    arguments = ["report", WEIGHTS, "c.toml", "--json", "again.json", "--backend=reference", "--workers=2"]
    assert main(arguments) == 0
    assert numbers("again.json")["importance"] == numbers(folder / "results/numbers.json")["importance"]


def test_of_a_regression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x, y = np.random.default_rng(1).normal(size=(2, 300)).astype(np.float32)
    with uproot.recreate("data.root") as file:
        file["t"] = {"x": x, "y": y}
    X = np.stack([x, y], 1)
    data = Dataset.from_arrays(X, X.sum(1), targets=("x+y",), variables=("x", "y"), analysis="regression")
    options = "Layout=DENSE|3|TANH,LINEAR:ErrorStrategy=SUMOFSQUARES:TrainingStrategy=MaxEpochs=3,BatchSize=20"
    train(data, options, backend="reference").model.save("r.weights.xml")
    assert main(["report", "r.weights.xml", "data.root", "--json=n.json", *QUICK]) == 0
    found = numbers("n.json")
    assert found["targets"] == ["x+y"]
    assert found["residuals"][0]["rms"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["events.root"],
            "which events are of which class is not known: give files of each, Signal=... Background=...",
        ),
        (["Signal=events.root:sgn"], "files of Background are missing: give Background=..."),
        (["Signal=events.root:sgn", "Backgrounds=events.root:bkg"], "no class 'Backgrounds'; near names: Background"),
        (["Signal=events.root:sgn", "events.root:bkg"], "give all files with their class"),
        (["events.root", "--class", "Signal: x"], "--class 'Signal: x': needed is NAME=..."),
        (["c.toml", "--weight", "w"], "--weight is for ROOT files; c.toml says that itself"),
        (["c.toml", "events.root"], "c.toml says itself which files to read"),
        (["c.toml", "--yields", "Signal=many"], "--yields Signal=many: the expected events are a number"),
        (["c.toml", "--fold", "1"], "fold"),
        (
            ["c.toml", "--json", "c.json.txt"],
            "the numbers cannot be written to c.json.txt: its name must end with .json",
        ),
        (["c.toml", "--output", "c.toml"], "the report cannot be written to c.toml: its name must end with .html"),
        (["c.toml", "--against", "nothing"], "against: 'nothing' is neither spectator nor input"),
    ],
)
def test_wrong_arguments(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main(["report", WEIGHTS, *arguments, "--backend=reference"]) == 1
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1


def test_a_division_by_chance_is_not_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = Path("c.toml").read_text().replace("[split]\n", '[split]\nSplitMode = "Random"\nSplitSeed = 0\n')
    Path("anew.toml").write_text(text)
    assert main(["report", WEIGHTS, "anew.toml", "--backend=reference"]) == 1
    assert "test events may be those that the network was trained with" in capsys.readouterr().err


def test_the_configuration_is_checked_before_a_training(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = with_a_page()
    for old, new, message in (
        ("Signal = 20", "Signl = 20", "[report]: yields: there is no class 'Signl'"),
        ("replicas = 10", "replica = 10", "[report]: a report has no key 'replica'; near names: replicas"),
        ('"report.html"', '"report.pdf"', "[output] report = 'report.pdf': the name must end with .html"),
        ('"numbers.json"', '"events.root"', "[output] numbers = 'events.root': the name must end with .json"),
    ):
        Path("wrong.toml").write_text(text.replace(old, new))
        assert main(["train", "wrong.toml", "--backend=reference"]) == 1
        assert message in capsys.readouterr().err


def test_names_of_folds(folder: Path) -> None:
    text = with_a_page().replace("[split]\n", "[split]\nfolds = 3\n")
    Path("f.toml").write_text(text)
    config = load_config("f.toml").with_fold(1)
    assert (config.report, config.numbers) == ("report_fold1.html", "numbers_fold1.json")
    assert config.with_report("other.html").report == "other_fold1.html"
