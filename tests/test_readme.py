from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn import extras, train
from pytmva_rnn.cli import main
from pytmva_rnn.config.tune_table import tune_config
from pytmva_rnn.data import Recipe, Variables, load
from pytmva_rnn.errors import MissingExtraError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
PYTHON_BLOCKS = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [
    line.partition(" #")[0].strip().removeprefix('pip install ".[examples]" && ')
    for language, text in BLOCKS
    if language == "bash"
    for line in text.splitlines()
]
PLACES = re.findall(r"^\| `([^`]+)` \|", README.partition("## Layout of the repository")[2], re.MULTILINE)

CONFIG = """
variables = ["x", "y"]
[input]
files = "data.root"
[input.classes]
Signal = "x > 0"
Background = "x <= 0"
[method]
options = "Layout=DENSE|3|TANH,LINEAR:TrainingStrategy=MaxEpochs=1,BatchSize=20"
[tune]
trials = 1
space = { LearningRate = [1e-3] }
"""


def test_readme_has_code() -> None:
    assert {language for language, _ in BLOCKS} == {"bash", "python", "toml"}
    assert PYTHON_BLOCKS
    assert COMMANDS
    assert PLACES


@pytest.mark.parametrize(
    "block",
    [pytest.param(block, marks=pytest.mark.slow if "import ROOT" in block else ()) for block in PYTHON_BLOCKS],
    ids=lambda block: block.strip().splitlines()[0],
)
def test_code_runs_as_printed(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "import ROOT" in block:
        run_with_root(block, tmp_path)
        return
    if "sklearn" in block:
        pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    if "signal.root" in block:
        write_events("signal.root", "qcd.root", "top.root", "data.root")
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(block, "README.md", "exec"), names)
    if "values" in names:  # those of a formula
        assert [float(value) for value in names["values"]] == [20, -1]  # type: ignore[attr-defined]
    elif "network" in names:
        assert Path("lstm.weights.xml").is_file()
    elif "table" in names:
        assert ak.fields(names["table"]) == ["file", "entry", "DL"]
    elif "scores" in names:
        scores = names["scores"]
        assert getattr(scores, "shape", None) == (2000,)
        assert getattr(scores, "dtype", None) == "float32"
    else:
        assert set(names) - {"__builtins__", "__name__"} == {"TMVA"}


def write_events(*names: str) -> None:
    rng = np.random.default_rng(1)
    for number, name in enumerate(names):
        counts = rng.integers(1, 9, size=600)
        pt = ak.unflatten(rng.exponential(20 + 10 * (number == 0), size=counts.sum()).astype(np.float32), counts)
        with uproot.recreate(name) as file:
            file["events"] = {"track_pt": pt, "track_eta": ak.without_parameters(pt / 40)}


def run_with_root(block: str, folder: Path) -> None:
    """In a process of its own: ROOT's compiler is not to meet that of other tests."""
    try:
        extras.root()
    except MissingExtraError as error:
        pytest.skip(f"ROOT is not installed: {error}")
    done = subprocess.run(
        [sys.executable, "-c", block],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout.split()[-1]) < 1


@pytest.mark.parametrize(
    "command",
    [pytest.param(each, marks=pytest.mark.slow if each.startswith("pytmva-rnn report") else ()) for each in COMMANDS],
)
def test_commands_are_there(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of ours are run, but for what takes minutes or needs other programs."""
    program, *arguments = shlex.split(command)
    if program == "pip" and "convert" in command:  # tests of the command line do that
        return
    if program == "pip" or "pytest" in command:
        assert re.match(r'pip install "\.\[test\]" && python -m pytest$|.*python -m pytest -m gpu$', command)
        return
    if program == "python":
        assert (ROOT / arguments[0]).exists()
        return
    assert program == "pytmva-rnn"
    if (ROOT / arguments[1]).exists():  # an example, which other tests run
        return
    x, y = np.random.default_rng(1).normal(size=(2, 400)).astype(np.float32)
    weights = "dataset/weights/TMVAClassification_LSTM.weights.xml"
    monkeypatch.chdir(tmp_path)
    with uproot.recreate("data.root") as file:
        file["t"] = {"x": x, "y": y}
    Path("CONFIG.toml").write_text(CONFIG)
    data = load(Recipe(Variables(("x", "y"))), "data.root", classes={"Signal": "x > 0", "Background": "x <= 0"})
    options = "Layout=DENSE|3|TANH,LINEAR:TrainingStrategy=MaxEpochs=1,BatchSize=20"
    model = train(data, options, backend="reference").model
    Path(weights).parent.mkdir(parents=True)
    for path in ("WEIGHTS.xml", weights):
        model.save(path)
    shutil.copy("data.root", "DATA.root")
    if "MODEL.onnx" in arguments:
        pytest.importorskip("onnxruntime")
        assert main(["convert", "WEIGHTS.xml", "MODEL.onnx"]) == 0
    if arguments[0] == "tune":
        pytest.importorskip("optuna")
        pytest.importorskip("tomlkit")
    assert main(["data.root" if argument == "FILES..." else argument for argument in arguments]) == 0


@pytest.mark.parametrize("text", [text for language, text in BLOCKS if language == "toml"])
def test_tables_are_read(text: str) -> None:
    table = tomllib.loads(text)["tune"]
    assert set(tune_config(table, "classification").space) == set(table["space"])


@pytest.mark.parametrize("place", PLACES)
def test_layout_names_what_is_there(place: str) -> None:
    assert (ROOT / place).exists()


def test_continuous_integration_runs_the_test_command() -> None:
    install, test = 'pip install ".[test]"', "python -m pytest"
    assert f"{install} && {test}" in README
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^step pip install --quiet \"\.\[test\]\"$", script, re.MULTILINE)
    assert re.search(rf"^step {test}$", script, re.MULTILINE)
