"""Time the training on files within a limit of memory against the training in memory.

Events of ten steps with three inputs, half of them signal, are written into ROOT files in a temporary folder, or read
from one that is named. Then both ways take turns, each in a process of its own, so that the peak of its memory is its
own: in memory; and within a limit, where the first round reads the files into an empty cache on disk and the others
find them there.

    python tools/bench_streaming.py [--events N] [--memory SIZE] [--epochs N] [--rounds N] [--folder DIR] [-o FILE.json]

The files are read once before the clock starts. Peaks are of all memory of the process, pages of mapped files among it,
and of what is its own alone; they are looked at ten times a second.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from bench.machine import describe_machine

import pytmva_rnn
from pytmva_rnn.files import atomic_path

STEPS, INPUTS = 10, ("pt", "eta", "phi")
FILES = 4
WAYS = ("in memory", "within the limit")
PACKAGE = str(Path(pytmva_rnn.__file__).parents[1])
"""Where the package lies that is measured, which processes of their own are to measure too."""


def make_files(folder: Path, events: int) -> None:
    """Files with a tree for each class, of lists of 4 to 16 elements."""
    import awkward as ak
    import uproot

    random = np.random.default_rng(1)
    for number in range(FILES):
        with uproot.recreate(folder / f"events{number}.root", compression=uproot.ZLIB(1)) as file:
            for tree, mean in (("sgn", 0.3), ("bkg", -0.3)):
                file.mktree(tree, dict.fromkeys(INPUTS, "var * float32"), counter_name=lambda name: f"n{name}")
                for first in range(0, share := events // (2 * FILES), 100_000):
                    lengths = random.integers(4, 17, min(100_000, share - first))
                    total = int(lengths.sum())
                    columns = {"pt": random.exponential(20, total), "eta": random.normal(mean, 1.5, total)}
                    columns["phi"] = random.uniform(-np.pi, np.pi, total)
                    flat = {name: values.astype(np.float32) for name, values in columns.items()}
                    file[tree].extend({name: ak.unflatten(values, lengths) for name, values in flat.items()})


class Peaks:
    """The largest memory of this process, in MiB: all of it, and what is its own, without pages of files."""

    def __init__(self) -> None:
        self.whole = self.own = 0.0
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
            told = dict(line.split(":") for line in lines)
            self.whole = max(self.whole, int(told["VmRSS"].split()[0]) / 2**10)
            self.own = max(self.own, int(told["RssAnon"].split()[0]) / 2**10)
            time.sleep(0.1)  # more often, it would hold up the training on a busy machine


class Rates(logging.Handler):
    """Events per second of each epoch, as the table of epochs has them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[float] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg.startswith("%6d |") and isinstance(record.args, tuple):
            self.found.append(float(str(record.args[5])))


def train_once(folder: Path, epochs: int, memory: str | None) -> dict[str, Any]:
    """What a measuring process does."""
    from pytmva_rnn import Recipe, Source, Steps, load, train

    recipe = Recipe(Steps({name: name for name in INPUTS}, STEPS))
    files = tuple(str(path) for path in sorted(folder.glob("events*.root")))
    options = (
        "Layout=LSTM|10|3|10|0|1,RESHAPE|FLAT,DENSE|64|TANH,LINEAR:VarTransform=N:RandomSeed=3:"
        f"TrainingStrategy=LearningRate=1e-3,MaxEpochs={epochs},BatchSize=100,TestRepetitions=1,ConvergenceSteps=100"
    )
    rates, peaks = Rates(), Peaks()
    logger = logging.getLogger("pytmva_rnn")
    logger.setLevel(logging.INFO)
    logger.addHandler(rates)
    started = time.perf_counter()
    data = load(recipe, {"Signal": Source(files, "sgn"), "Background": Source(files, "bkg")}, memory=memory)
    loaded = time.perf_counter()
    training = data.divide().training
    events = len(data)
    del data
    divided = time.perf_counter()
    result = train(training, options, progress=False)
    trained = time.perf_counter()
    return {
        "events": events,
        "load": loaded - started,
        "divide": divided - loaded,
        "train": trained - divided,
        "rates": rates.found,
        "error": result.history[-1].validation_error,
        "peak": peaks.whole,
        "own": peaks.own,
    }


def child(folder: Path, epochs: int, memory: str | None, cache: Path) -> dict[str, Any]:
    """Run this script again to measure one training."""
    command = [sys.executable, __file__, "--folder", str(folder), "--epochs", str(epochs), "--once"]
    if memory is not None:
        command += ["--memory", memory]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTMVA_RNN_CACHE": str(cache), "PYTHONPATH": PACKAGE},
    )
    if done.returncode:
        raise RuntimeError(f"a training {memory or 'in memory'} failed:\n{done.stderr}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare(folder: Path, epochs: int, memory: str, rounds: int, cache: Path) -> dict[str, list[dict[str, Any]]]:
    """Measurements of both ways, in turns."""
    for path in folder.glob("events*.root"):
        path.read_bytes()
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, limit in zip(WAYS, (None, memory), strict=True):
            runs[way].append(child(folder, epochs, limit, cache))
            print(f"{way}: {json.dumps(runs[way][-1])}", file=sys.stderr)
    return runs


def table(runs: dict[str, list[dict[str, Any]]]) -> str:
    """Medians, in Markdown."""
    lines = [
        "| | in memory | within the limit | ratio |",
        "| --- | ---: | ---: | ---: |",
    ]

    def row(what: str, values: list[float], digits: str, ratio: str = "") -> None:
        lines.append(f"| {what} | {values[0]:{digits}} | {values[1]:{digits}} | {ratio} |")

    mine, limited = runs[WAYS[0]], runs[WAYS[1]]
    row("reading the files, s (within the limit: into the cache)", [mine[0]["load"], limited[0]["load"]], ".1f")
    if len(limited) > 1:
        again = [median(run["load"] for run in some[1:]) for some in (mine, limited)]
        row("again, s (within the limit: from the cache)", again, ".1f")
    row("dividing into samples, s", [median(run["divide"] for run in some) for some in (mine, limited)], ".1f")
    medians = [[median(run["rates"]) for run in some] for some in (mine, limited)]
    ratios = [b / a for a, b in zip(*medians, strict=True)]
    row("epochs, events/s", [median(some) for some in medians], ",.0f", f"{median(ratios):.2f}")
    row("peak of memory, MiB", [max(run["peak"] for run in some) for some in (mine, limited)], ",.0f")
    row("of it without mapped files, MiB", [max(run["own"] for run in some) for some in (mine, limited)], ",.0f")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--events", type=int, default=10_000_000, help="default: %(default)s")
    parser.add_argument("--memory", help="limit to keep; default: 2 GB")
    parser.add_argument("--epochs", type=int, default=4, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--folder", type=Path, help="where the files are, or will be and stay")
    parser.add_argument("-o", "--output", type=Path, help="JSON file to write")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        print(json.dumps(train_once(given.folder, given.epochs, given.memory)))
        return 0
    memory = given.memory or "2 GB"
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        if not list(folder.glob("events*.root")):
            make_files(folder, given.events)
        machine = describe_machine()
        runs = compare(folder, given.epochs, memory, given.rounds, Path(name) / "cache")
    print(f"{runs[WAYS[0]][0]['events']:,} events of {STEPS} x {len(INPUTS)}, limit {memory}, {given.rounds} rounds\n")
    print(table(runs))
    packages = ", ".join(f"{package} {found}" for package, found in machine["packages"].items())
    print(f"\n{machine['date']}, {machine['cpu']}, {machine['cores']} cores, load {machine['load']}; {packages}")
    if given.output:
        with atomic_path(given.output) as temporary:
            content = {"machine": machine, "memory": memory, "runs": runs}
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
