"""A folder with events, and the commands that make files of them."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from pytmva_rnn import extras

__all__ = [
    "COMMANDS",
    "ROOT",
    "Command",
    "Outcome",
    "Said",
    "Workbench",
    "is_whole",
    "left_behind",
    "unmeasured",
    "write_events",
]

ROOT = Path(__file__).resolve().parents[2]

_CONFIG = r'''
[sequence]
inputs = { x = "x" }
steps = 4

[input]
files = "events.root"

[input.Signal]
selection = "y > 0"

[input.Background]
selection = "y <= 0"

[method]
options = """Layout=LSTM|4|1|4|0|0,LINEAR:InputLayout=4|1:RandomSeed=1:\
TrainingStrategy=LearningRate=1e-2,MaxEpochs=30,BatchSize=50,TestRepetitions=1"""

[output]
weights = "weights.xml"
scores = "scores.root"
'''

_FACTORY = """\
import sys
import uproot
from pytmva_rnn import tmva
from pytmva_rnn.cli.program import run_program

def work(logger):
    tree = uproot.open("flat.root:t")
    factory = tmva.Factory("Job", "output.root", "!V:Silent:AnalysisType=Classification")
    loader = tmva.DataLoader("dataset")
    loader.AddVariable("a")
    loader.AddSignalTree(tree)
    loader.AddBackgroundTree(tree)
    loader.PrepareTrainingAndTestTree("y > 0", "y <= 0", "SplitMode=Random:NormMode=NumEvents:!V")
    options = "Layout=LSTM|4|1|1|0|0,LINEAR:TrainingStrategy=MaxEpochs=2,BatchSize=20,TestRepetitions=1:RandomSeed=1"
    factory.BookMethod(loader, tmva.Types.kDL, "DL", options + ":InputLayout=1|1")
    factory.TrainAllMethods()
    factory.TestAllMethods()
    factory.EvaluateAllMethods()
    return 0

sys.exit(run_program("factory", work))
"""


@dataclass(frozen=True)
class Command:
    """A program that writes files.

    Attributes
    ----------
    arguments : tuple of str
        Of `python`.
    outputs : tuple of str
    """

    arguments: tuple[str, ...]
    outputs: tuple[str, ...]


def _of(*arguments: str) -> tuple[str, ...]:
    return ("-m", "pytmva_rnn", *arguments)


_FORMATS = {".hxx": "", ".onnx": "onnx", ".keras": "h5py", ".safetensors": "safetensors"}
COMMANDS: Mapping[str, Command] = {
    "train": Command(_of("train", "config.toml"), ("weights.xml", "scores.root")),
    "evaluate": Command(_of("evaluate", "given.xml", "events.root", "-o", "out.root"), ("out.root",)),
    "factory": Command(("factory.py",), ("output.root", "dataset/weights/Job_DL.weights.xml")),
} | {
    f"convert to {suffix}": Command(_of("convert", "given.xml", f"out{suffix}"), (f"out{suffix}",))
    for suffix, package in _FORMATS.items()
    if not package or find_spec(package) is not None
}
"""By name; those whose packages are installed."""


@dataclass
class Outcome:
    """What was done, and what was wrong then.

    Attributes
    ----------
    name : str
    counted : Counter
        What was done, or how it ended.
    faults : list of str
    """

    name: str
    counted: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def fault(self, text: str) -> None:
        """Note what is wrong, and show it at once."""
        self.faults.append(text)
        print(f"{self.name}: {text}", flush=True)

    def __str__(self) -> str:
        listed = ", ".join(f"{name} {count}" for name, count in sorted(self.counted.items()))
        return f"{self.name}: {sum(self.counted.values())} ({listed}): {len(self.faults)} faults"


@dataclass(frozen=True)
class Said:
    """How a program ended."""

    code: int
    text: str

    @property
    def wrong(self) -> str:
        """What no program says or does: a traceback, a signal."""
        if "Traceback" in self.text or "Exception ignored" in self.text or "Fatal Python error" in self.text:
            return f"a traceback: {self.text[-600:]}"
        return f"ended by signal {-self.code}: {self.text[-300:]}" if self.code < 0 else ""


class Workbench:
    """A folder in which the commands find what they need.

    Parameters
    ----------
    folder : path
        Empty.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_events(folder / "events.root", 1, 600)
        generator = np.random.default_rng(2)
        with uproot.recreate(folder / "flat.root") as file:
            file["t"] = {"a": generator.normal(size=400), "y": generator.normal(size=400)}
        (folder / "config.toml").write_text(_CONFIG, encoding="utf-8")
        (folder / "factory.py").write_text(_FACTORY, encoding="utf-8")
        said = self.run(COMMANDS["train"])
        if said.code:
            raise RuntimeError(f"train fails by itself: {said.text}")
        (folder / "given.xml").write_bytes((folder / "weights.xml").read_bytes())
        self.inputs = {"events.root", "flat.root", "config.toml", "factory.py", "given.xml"}

    def start(
        self,
        command: Command,
        *,
        before: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> subprocess.Popen[str]:
        """Start a command in a process of its own.

        Parameters
        ----------
        command : Command
        before : sequence of str
            A program and its arguments that starts it.
        variables : mapping
            Of its environment.
        prepare : callable
            Called in the process before the program.
        """
        return subprocess.Popen(
            [*before, sys.executable, *command.arguments],
            cwd=self.folder,
            env={**unmeasured(), **(variables or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=prepare,  # noqa: PLW1509  (this process has no other threads)
        )

    def run(
        self,
        command: Command,
        *,
        before: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> Said:
        """Run a command to its end; see `start`."""
        process = self.start(command, before=before, variables=variables, prepare=prepare)
        text, _ = process.communicate()
        return Said(process.returncode, text)

    def files(self) -> dict[str, bytes]:
        """All files, by their names in the folder."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def clear(self) -> None:
        """Remove what the commands have made."""
        for name in self.files():
            if name not in self.inputs:
                (self.folder / name).unlink()


def unmeasured() -> dict[str, str]:
    """The environment, with this checkout for Python, of a process whose coverage nobody measures.

    coverage writes a file of its own, on a full disk too, and a forked process may wait for its lock for good.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")}
    return variables | {"PYTHONPATH": str(ROOT)}


def write_events(path: Path, seed: int, count: int) -> None:
    """A tree `t` of lists x, whose signs are mostly that of the number y."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 6, count)
    y = generator.normal(size=count).astype(np.float32)
    x = (generator.normal(size=int(lengths.sum())) + np.repeat(np.sign(y), lengths)).astype(np.float32)
    with uproot.recreate(path) as file:
        file["t"] = {"x": ak.unflatten(ak.Array(x), lengths), "y": y}


def left_behind(
    before: Mapping[str, bytes], after: Mapping[str, bytes], outputs: Sequence[str], folder: Path
) -> list[str]:
    """What is wrong with the files of a command that came to no good end: each output has to be as it was, or whole.

    Temporary files, which begin with a point, of one that was killed before may be gone: the next one removes them.
    """
    wrong = [f"{name} is gone" for name in before if name not in after and not Path(name).name.startswith(".")]
    for name, content in after.items():
        if name in outputs:
            if content != before.get(name) and not is_whole(folder / name):
                wrong.append(f"{name} is not whole")
        elif name not in before:
            wrong.append(f"{name} is left")
        elif content != before[name]:
            wrong.append(f"{name} has changed")
    return wrong


def is_whole(path: Path) -> bool:
    """Whether an output is a complete file of its kind."""
    match path.suffix:
        case ".root":
            with uproot.open(path) as file:
                trees = file.keys(cycle=False, filter_classname="TTree")
                return bool(trees) and all(int(file[name].num_entries) > 0 for name in trees)
        case ".keras":
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is None
        case ".safetensors":
            content = path.read_bytes()
            return b'"_extra_state"' in content[: 8 + int.from_bytes(content[:8], "little")]
        case ".onnx":
            onnx = extras.onnx()
            onnx.checker.check_model(onnx.load(path))
            return True
    text = path.read_text(encoding="utf-8")
    return text.rstrip().endswith("</MethodSetup>" if path.suffix == ".xml" else "#endif")
