"""Train the LSTM of the quark and gluon jets with weaver too: processor time, ROC integral, and what is installed.

    python -m venv weaver && weaver/bin/pip install weaver-core==0.5.3 torch==2.13.0
    python tools/bench_weaver.py weaver/bin/python [--rounds N] [--epochs N] [--ours PYTHON] [-o FILE.json]

Both sides get the same jets to train, to validate and to test with, layers of the same sizes, batches of 100, ADAM, and
the same learning rate; each has its own way to the best weights: here the configuration's phases and convergence, there
weaver's schedule over `--epochs` epochs, 20 being its default. weaver reads six inputs of six tracks that are in its
file already, from memory after the first epoch, with one thread, which is quicker for so small a network than several;
here the configuration is run as it is, formulas of Lorentz vectors and all pictures included.

The sides take turns. Times are those of the processors, of all processes that a side starts, from the command to its
end; kernels are compiled before. ROC integrals are those of the test sample, computed in one way.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

import awkward as ak
import numpy as np
import uproot
from bench.child_times import timed
from bench.machine import describe_machine

from pytmva_rnn import Dataset, load_config, read_weights
from pytmva_rnn.files import atomic_path
from pytmva_rnn.report import roc_integral

CONFIG = Path(__file__).resolve().parents[1] / "examples" / "quark_gluon.toml"
WEIGHTS = Path("dataset/weights/TMVAClassification_LSTM.weights.xml")
BATCH = 100

DATA = """\
selection:
new_variables:
preprocess:
  method: manual
inputs:
  tracks:
    length: {steps}
    vars:
{inputs}
labels:
  type: simple
  value: [gluon, quark]
observers:
  - number
weights:
"""

NETWORK = """\
import torch


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM({inputs}, 32, batch_first=True)
        self.dense = torch.nn.Linear(32, 32)
        self.last = torch.nn.Linear(32, 2)

    def forward(self, tracks):
        states, _ = self.lstm(tracks.transpose(1, 2))
        return self.last(torch.relu(self.dense(states[:, -1])))


def get_model(data_config, **kwargs):
    names = list(data_config.input_names)
    shapes = {{name: (1, *shape[1:]) for name, shape in data_config.input_shapes.items()}}
    outputs = {{"output_names": ["softmax"], "dynamic_axes": {{}}}}
    return Network(), {{"input_names": names, "input_shapes": shapes, **outputs}}


def get_loss(data_config, **kwargs):
    return torch.nn.CrossEntropyLoss()
"""


class Run(NamedTuple):
    """Seconds of the processors and of the clock, and the ROC integral of the test sample."""

    processor: float
    clock: float
    roc: float


def write_jets(path: Path, jets: Dataset, names: list[str]) -> None:
    """The finished inputs as lists, with a label for each class."""
    quark = jets.class_index == 0
    columns = {name: ak.from_regular(ak.Array(jets.X[:, :, place])) for place, name in enumerate(names)}
    columns |= {"quark": quark.astype(np.int32), "gluon": (~quark).astype(np.int32), "number": np.arange(len(quark))}
    with uproot.recreate(path) as file:
        # weaver reads trees only, no RNTuples
        kinds = dict.fromkeys(names, "var * float32") | {"quark": "int32", "gluon": "int32", "number": "int64"}
        file.mktree("tree", kinds)
        file["tree"].extend(columns)


def installed(python: str) -> tuple[float, dict[str, str]]:
    """Megabytes of an environment's packages, and the versions of those that count."""
    program = (
        "import importlib.metadata as m, json, pathlib, sysconfig\n"
        "places = {sysconfig.get_path('purelib'), sysconfig.get_path('platlib')}\n"
        "size = sum(f.stat().st_size for p in places for f in pathlib.Path(p).rglob('*') if f.is_file())\n"
        "names = {d.metadata['Name'].lower(): d.version for d in m.distributions()}\n"
        "told = ('weaver-core', 'torch', 'numba', 'numpy')\n"
        "print(json.dumps([size / 1e6, {name: names[name] for name in told if name in names}]))"
    )
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    size, versions = json.loads(done.stdout)
    return size, versions


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("weaver", metavar="PYTHON", help="of an environment in which weaver is installed")
    parser.add_argument("--ours", metavar="PYTHON", default=sys.executable, help="with pytmva_rnn; this one by default")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=20, help="of weaver; default: %(default)s")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.json", help="write all numbers")
    given = parser.parse_args()
    try:
        sizes = [installed(python) for python in (given.ours, given.weaver)]
    except (OSError, subprocess.CalledProcessError) as error:
        parser.error(f"that is no Python: {error}")
    if "weaver-core" not in sizes[1][1]:
        parser.error(f"{given.weaver} has no weaver: pip install weaver-core==0.5.3 torch==2.13.0")
    config = load_config(CONFIG)
    parts = config.divide()
    names = list(config.recipe.to_dict()["sequence"]["inputs"])
    training, test = parts.training, parts.test
    first = len(training) - int(0.2 * len(training))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        rows = np.arange(len(training))
        write_jets(folder / "train.root", training.take(rows[:first]), names)
        write_jets(folder / "validation.root", training.take(rows[first:]), names)
        write_jets(folder / "test.root", test, names)
        inputs = "\n".join(f"      - [{name}, null, 1, -10, 10]" for name in names)
        (folder / "data.yaml").write_text(DATA.format(steps=test.X.shape[1], inputs=inputs))
        (folder / "network.py").write_text(NETWORK.format(inputs=len(names)))
        steps = [str(count // BATCH) for count in (first, len(training) - first)]
        weaver = [
            *(given.weaver, "-m", "weaver.train", "--data-config", "data.yaml", "--network-config", "network.py"),
            *("--data-train", "train.root", "--data-val", "validation.root", "--data-test", "test.root"),
            *("--model-prefix", "model/net", "--predict-output", "scores.root", "--gpus", "", "--num-workers", "1"),
            *("--batch-size", str(BATCH), "--start-lr", "3e-3", "--optimizer", "adam", "--in-memory"),
            *("--fetch-step", "1", "--steps-per-epoch", steps[0], "--steps-per-epoch-val", steps[1]),
            *("--num-epochs", str(given.epochs)),
        ]
        ours = [given.ours, "-m", "pytmva_rnn", "train", str(CONFIG), "-o", "ours"]
        timed(ours, folder)  # compiles
        own: list[Run] = []
        theirs: list[Run] = []
        for _ in range(given.rounds):
            times = timed(ours, folder)
            scores = read_weights(folder / "ours" / WEIGHTS).predict(test)
            own.append(Run(*times, roc_integral(test.class_index == 0, scores)))
            times = timed(weaver, folder, OMP_NUM_THREADS="1")
            (scored,) = folder.rglob("scores*.root")
            table = uproot.concatenate(f"{scored}:Events", library="np")
            theirs.append(Run(*times, roc_integral(table["quark"] == 1, table["score_quark"])))
    print(describe_machine())
    print(f"{'':12} {'processor, s':>12} {'clock, s':>9} {'ROC integral':>13} {'installed, MB':>14}  versions")
    for side, runs, (size, versions) in zip(("pytmva_rnn", "weaver"), (own, theirs), sizes, strict=True):
        processor, clock, roc = (median(column) for column in zip(*runs, strict=True))
        print(f"{side:12} {processor:12.1f} {clock:9.1f} {roc:13.4f} {size:14.0f}  {versions}")
    ratio = median(b.processor / a.processor for a, b in zip(own, theirs, strict=True))
    print(f"processor time, weaver to pytmva_rnn: {ratio:.1f}")
    if given.output is not None:
        numbers = {side: [run._asdict() for run in runs] for side, runs in (("pytmva_rnn", own), ("weaver", theirs))}
        with atomic_path(given.output) as temporary:
            Path(temporary).write_text(json.dumps(numbers, indent=1))


if __name__ == "__main__":
    main()
