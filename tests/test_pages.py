"""README, the pages of examples and the docstrings: every block of code that they show, run as their readers run it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from sybil.document import Document, PythonDocStringDocument
from sybil.evaluators.python import PythonEvaluator
from sybil.example import Example
from sybil.parsers.markdown import CodeBlockParser
from sybil.parsers.rest import DocTestParser

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
PAGES = {path.stem: path for path in (ROOT / "README.md", *sorted((ROOT / "examples").glob("*.md")))}
LANGUAGES = ("python", "bash", "toml", "text")
"""Of blocks. A text is what is printed, drawn or run elsewhere."""

OPTIONAL = ("h5py", "onnx", "onnxruntime", "sklearn", "torch")
LONG = ("at_scale", "exchange", "inside_root", "tutorial")
"""Pages whose Python takes more than some seconds."""

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
WEIGHTS = "dataset/weights/TMVAClassification_LSTM.weights.xml"


def blocks(language: str, path: Path, evaluator: Any = None) -> list[Example]:
    """The blocks of a page in a language, which share a namespace."""
    return list(Document.parse(str(path), CodeBlockParser(language, evaluator or PythonEvaluator())))


COMMANDS = {
    f"{stem}: {command}": command
    for stem, path in PAGES.items()
    for block in blocks("bash", path)
    for line in block.parsed.splitlines()
    for command in line.partition(" #")[0].strip().split(" && ")
}
TABLES = {f"{stem}:{block.line}": block.parsed for stem, path in PAGES.items() for block in blocks("toml", path)}


@pytest.mark.parametrize("page", PAGES)
def test_all_blocks_are_of_a_language_that_is_run(page: str) -> None:
    opened = re.findall(r"^```(.*)$", PAGES[page].read_text(encoding="utf-8"), re.MULTILINE)[::2]
    assert set(opened) <= set(LANGUAGES)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(stem, marks=pytest.mark.slow if stem in LONG else ())
        for stem, path in PAGES.items()
        if blocks("python", path)
    ],
)
def test_python_runs_as_printed(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Block after block, in a folder that has the files of which the page speaks."""
    text = PAGES[page].read_text(encoding="utf-8")
    for package in OPTIONAL:
        if re.search(rf"^(import|from) {package}\b", text, re.MULTILINE):
            pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    if page == "training":
        write_events("signal.root", "qcd.root", "top.root", "data.root")
    if page == "tutorial":
        shutil.copytree(ROOT / "examples", "examples", ignore=shutil.ignore_patterns("*.md", "pictures"))
        shorten(Path("examples/quark_gluon.toml"))
        assert main(["train", "examples/quark_gluon.toml"]) == 0
    # ROOT's compiler is not to meet that of other tests
    found = blocks("python", PAGES[page], run_elsewhere if "import ROOT" in text else None)
    for block in found:
        block.namespace["__name__"] = page
        block.evaluate()
    names = found[0].namespace
    if page == "README":
        assert (names["scores"].shape, names["scores"].dtype) == ((2000,), np.float32)
    elif page == "training":
        assert (names["scores"].shape, names["scores"].dtype) == ((2000,), np.float32)
        assert ak.fields(names["table"]) == ["file", "entry", "DL"]
        assert Path("lstm.weights.xml").is_file()
    elif page == "formulas":
        assert [float(value) for value in names["values"]] == [20, -1]


def write_events(*names: str) -> None:
    rng = np.random.default_rng(1)
    for number, name in enumerate(names):
        counts = rng.integers(1, 9, size=600)
        pt = ak.unflatten(rng.exponential(20 + 10 * (number == 0), size=counts.sum()).astype(np.float32), counts)
        with uproot.recreate(name) as file:
            file["events"] = {"track_pt": pt, "track_eta": ak.without_parameters(pt / 40)}


def shorten(configuration: Path) -> None:
    """A training of few epochs, for what does not ask how good it is."""
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(re.sub(r"MaxEpochs = \d+", "MaxEpochs = 1", text), encoding="utf-8")


def run_elsewhere(block: Example) -> None:
    """A block for which ROOT is needed, in a process of its own."""
    try:
        extras.root()
    except MissingExtraError as error:
        pytest.skip(f"ROOT is not installed: {error}")
    done = subprocess.run(
        [sys.executable, "-c", block.parsed],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout.split()[-1]) < 1


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, marks=pytest.mark.slow if "report" in command else (), id=name)
        for name, command in COMMANDS.items()
    ],
)
def test_commands_are_there(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours are run on small files; where one names a file that is not among these, its end is that error."""
    while command.startswith(("compute-sanitizer ", "mpiexec ")):
        command = re.sub(r"^.*? (?=python |pytmva-rnn )", "", command)
    program, *arguments = shlex.split(command)
    if program in ("python", "python3"):
        assert arguments[0] == "-m" or (ROOT / arguments[0]).exists()
        return
    if program == "pip":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert set(re.findall(r"\w+", "".join(re.findall(r"\[(.*?)\]", command)))) <= {
            *project["optional-dependencies"]
        }
        return
    if program == ".":
        assert arguments == [".venv/bin/activate"]
        return
    assert program == "pytmva-rnn"
    prepare(tmp_path, monkeypatch)
    if "MODEL.onnx" in arguments:
        pytest.importorskip("onnxruntime")
        assert main(["convert", "WEIGHTS.xml", "MODEL.onnx"]) == 0
    if arguments[0] == "tune":
        pytest.importorskip("optuna")
        pytest.importorskip("tomlkit")
    if arguments[0] == "train" and "--resume" not in arguments:
        pytest.importorskip("matplotlib")
    inputs = [name for name in arguments if name.startswith("package:") or (name == arguments[1] and "." in name)]
    there = arguments[0] == "plugin" or all(Path(name).exists() for name in inputs)
    assert main(["data.root" if each == "FILES..." else each for each in arguments]) == (0 if there else 1)


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files under the names that pages give to the reader's own."""
    monkeypatch.chdir(folder)
    x, y = np.random.default_rng(1).normal(size=(2, 400)).astype(np.float32)
    with uproot.recreate("data.root") as file:
        file["t"] = {"x": x, "y": y}
    Path("CONFIG.toml").write_text(CONFIG)
    data = load(Recipe(Variables(("x", "y"))), "data.root", classes={"Signal": "x > 0", "Background": "x <= 0"})
    options = "Layout=DENSE|3|TANH,LINEAR:TrainingStrategy=MaxEpochs=1,BatchSize=20"
    model = train(data, options, backend="reference").model
    Path(WEIGHTS).parent.mkdir(parents=True)
    for path in ("WEIGHTS.xml", WEIGHTS):
        model.save(path)
    shutil.copy("data.root", "DATA.root")


@pytest.mark.parametrize("table", [pytest.param(text, id=place) for place, text in TABLES.items()])
def test_tables_are_right(table: str) -> None:
    """Parts of a configuration: of an example, or what the schema takes."""
    if table in (ROOT / "examples" / "quark_gluon.toml").read_text(encoding="utf-8"):
        return
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "schemas" / "pytmva-rnn.schema.json").read_text(encoding="utf-8"))
    read = tomllib.loads(table)
    jsonschema.Draft202012Validator({**schema, "required": []}).validate(read)
    if "tune" in read:
        assert set(tune_config(read["tune"], "classification").space) == set(read["tune"]["space"])


DOCSTRINGS = {
    path.relative_to(ROOT).as_posix(): path
    for path in sorted((ROOT / "pytmva_rnn").rglob("*.py"))
    if re.search(r"^ *>>> (?!.*# doctest: \+SKIP)", path.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize("path", DOCSTRINGS)
def test_docstrings_run_as_printed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "estimator" in path:
        pytest.importorskip("sklearn")
    monkeypatch.chdir(ROOT)
    module = import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    examples = [example for document in docstrings(module, DOCSTRINGS[path]) for example in document]
    assert examples
    for example in examples:
        for name, value in vars(module).items():
            if not name.startswith("__"):
                example.namespace.setdefault(name, value)
        example.evaluate()


def docstrings(module: ModuleType, path: Path) -> Iterator[Document]:
    """Those of a file, and of its classes those that are put together when it is imported."""
    parser = DocTestParser()
    written: Document = PythonDocStringDocument.parse(str(path), parser)
    yield written
    for each in vars(module).values():
        if isinstance(each, type) and each.__module__ == module.__name__ and (each.__doc__ or "") not in written.text:
            made = Document(each.__doc__ or "", str(path))
            for region in parser(made):
                made.add(region)
            yield made


def test_continuous_integration_runs_the_test_command() -> None:
    install, test = 'pip install ".[test]"', "python -m pytest"
    assert f"{install} && {test}" in PAGES["README"].read_text(encoding="utf-8")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^step pip install --quiet \"\.\[test\]\"$", script, re.MULTILINE)
    assert re.search(rf"^step {test}$", script, re.MULTILINE)


def test_the_layout_names_what_is_there() -> None:
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    layout = text.partition("## Layout of the repository")[2].partition("\n## ")[0]
    places = re.findall(r"^\| `([^`]+)` \|", layout, re.MULTILINE)
    assert places
    assert [place for place in places if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_lead_to_files(page: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", PAGES[page].read_text(encoding="utf-8"))
    assert [link for link in links if not (PAGES[page].parent / link).exists()] == []
