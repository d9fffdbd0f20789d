"""Time scoring with transformations against scoring without, and measure the memory that scoring and training take.

Single events with each transformation, TMVA's Reader in a loop that fills its arrays against `predict_one`, two million
events with N and without, a hundred events of a Model against a network that is kept, and in processes of their own the
peaks of memory of scoring and of training. Both sides of a comparison take turns within each round; a ratio is the
median of the ratios within the rounds.

    python tools/bench_scoring.py [--quick] [--rounds N] [--events N] [--train-events N] [-o FILE.json]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from bench.machine import describe_machine
from numpy.typing import NDArray

from pytmva_rnn import Model, Recipe, train
from pytmva_rnn import tmva as TMVA
from pytmva_rnn.files import atomic_path
from pytmva_rnn.network import Network
from pytmva_rnn.network.scoring import predict

TRANSFORMATIONS = ("None", "N", "D", "P", "U", "G")
NETWORKS = {
    "README": "InputLayout=10|3:Layout=LSTM|8|3|10|0|1,RESHAPE|FLAT,DENSE|16|TANH,LINEAR",
    "tutorial": "InputLayout=10|30:Layout=LSTM|10|30|10|0|1,RESHAPE|FLAT,DENSE|64|TANH,LINEAR",
}
WIDTHS = {"README": 30, "tutorial": 300}
LIMITS = {"N": 1.5, "D": 3.0, "P": 3.0, "U": 6.0, "G": 6.0}
"""Of the time of a single event with the README's network, as a multiple of that without a transformation."""
SMALL = 2_000
SHORT = 20

Floats = NDArray[np.float32]


def sample(events: int, width: int) -> tuple[Floats, Floats]:
    """Normally distributed variables, correlated a little, and labels."""
    random = np.random.default_rng(1)
    X = random.standard_normal((events, width), np.float32)
    X[:, 1:] += np.float32(0.3) * X[:, :-1]
    return X, (X[:, 0] > 0).astype(np.float32)


def options(network: str, transformation: str) -> str:
    """A training of one epoch."""
    phase = "MaxEpochs=1,TestRepetitions=1,BatchSize=100"
    return f"{NETWORKS[network]}:VarTransform={transformation}:RandomSeed=1:TrainingStrategy={phase}"


def trained(network: str, transformation: str) -> Model:
    """A network as the comparisons need it, trained on few events."""
    return train(*sample(SMALL, WIDTHS[network]), options(network, transformation), progress=False).model


def interleaved(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each side in each round, the sides taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for function in sides.values():
        function()
    for _ in range(rounds):
        for name, function in sides.items():
            started = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def ratio(seconds: Mapping[str, list[float]], name: str, base: str) -> float:
    """Median of the ratios within the rounds."""
    return median(a / b for a, b in zip(seconds[name], seconds[base], strict=True))


def single_events(network: str, rounds: int, calls: int) -> list[dict[str, Any]]:
    """One event with each transformation, in rounds so short that few of them are disturbed."""
    rounds, calls = rounds * SHORT, calls // SHORT
    events = list(sample(calls, WIDTHS[network])[0])

    def loop(model: Model) -> Callable[[], None]:
        def run() -> None:
            for event in events:
                model.predict_one(event)

        return run

    seconds = interleaved({name: loop(trained(network, name)) for name in TRANSFORMATIONS}, rounds)
    return [
        {
            "what": f"one event, {network}'s network, {name}",
            "value": median(seconds[name]) / calls * 1e6,
            "unit": "us",
            "ratio": ratio(seconds, name, "None"),
            "limit": LIMITS.get(name) if network == "README" else None,
        }
        for name in TRANSFORMATIONS
    ]


def reader_loop(kind: str, rounds: int, calls: int) -> list[dict[str, Any]]:
    """`x[0] = ...; reader.EvaluateMVA(tag)`, with an array for each of 30 variables or for each of ten steps.

    Filling arrays is Python's part, and longer than all the rest; so EvaluateMVA is measured without it too, and that
    alone has a limit.
    """
    rounds, calls = rounds * SHORT, max(1, calls // SHORT)
    width = {"30 arrays of one": 1, "10 arrays of three": 3}[kind]
    names = [f"x{i}" if width == 1 else f"x{i}[{width}]" for i in range(WIDTHS["README"] // width)]
    X, y = sample(SMALL, WIDTHS["README"])
    table = Recipe.from_dict({"variables": names}).variable_table(X)
    model = train(X, y, options("README", "None"), variables=table, progress=False).model
    reader = TMVA.Reader("Silent")
    links = [array("f", [0.0] * width) for _ in names]
    for name, link in zip(names, links, strict=True):
        reader.AddVariable(name.partition("[")[0], link)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "DL.weights.xml")
        model.save(path)
        reader.BookMVA("DL", path)
    events = list(X[:calls])
    values = [[event[i : i + width].tolist() for i in range(0, len(event), width)] for event in events]
    numbers = [[value[0] for value in row] for row in values]
    blocks = [[array("f", value) for value in row] for row in values]

    def alone() -> None:
        for event in events:
            model.predict_one(event)

    def own() -> None:
        for _ in events:
            reader.EvaluateMVA("DL")

    def filling_one_by_one() -> None:
        for row in numbers:
            for link, number in zip(links, row, strict=True):
                link[0] = number

    def filling_by_blocks() -> None:
        for row in blocks:
            for link, block in zip(links, row, strict=True):
                link[:] = block

    def one_by_one() -> None:
        for row in numbers:
            for link, number in zip(links, row, strict=True):
                link[0] = number
            reader.EvaluateMVA("DL")

    def by_blocks() -> None:
        for row in blocks:
            for link, block in zip(links, row, strict=True):
                link[:] = block
            reader.EvaluateMVA("DL")

    filling, loop = (filling_one_by_one, one_by_one) if width == 1 else (filling_by_blocks, by_blocks)
    sides = {"predict_one": alone, "EvaluateMVA": own, "filling arrays": filling, "a loop of both": loop}
    seconds = interleaved(sides, rounds)
    return [
        {
            "what": f"one event, {name}, {kind}",
            "value": median(seconds[name]) / calls * 1e6,
            "unit": "us",
            "ratio": ratio(seconds, name, "predict_one"),
            "limit": {"EvaluateMVA": 1.6}.get(name),
        }
        for name in seconds
    ]


def many_events(rounds: int, events: int) -> list[dict[str, Any]]:
    """Scores of many events with N and without."""
    X, _ = sample(events, WIDTHS["README"])
    models = {name: trained("README", name) for name in ("None", "N")}
    seconds = interleaved({name: partial(model.predict, X) for name, model in models.items()}, rounds)
    return [
        {
            "what": f"scores of {events:,} events, {name}",
            "value": events / median(seconds[name]) / 1e6,
            "unit": "million events/s",
            "ratio": ratio(seconds, "None", name),
            "limit": {"N": 0.8}.get(name),
        }
        for name in models
    ]


def few_events(rounds: int, calls: int) -> list[dict[str, Any]]:
    """A hundred events of a Model, which keeps its network, and of a network that the caller keeps."""
    rounds, calls = rounds * SHORT, max(1, calls // SHORT)
    X, _ = sample(100, WIDTHS["README"])
    model = trained("README", "N")
    network = Network(model)
    sides: dict[str, Callable[[], object]] = {
        "a kept Network": lambda: [predict(network, X) for _ in range(calls)],
        "a Model": lambda: [model.predict(X) for _ in range(calls)],
    }
    seconds = interleaved(sides, rounds)
    return [
        {
            "what": f"scores of 100 events, {name}",
            "value": median(seconds[name]) / calls * 1e6,
            "unit": "us",
            "ratio": ratio(seconds, name, "a kept Network"),
            "limit": {"a Model": 1.2}.get(name),
        }
        for name in sides
    ]


def resident(which: str) -> float:
    """Memory of this process in MiB, now (`VmRSS`) or at its peak (`VmHWM`)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(which):
            return int(line.split()[1]) / 2**10
    raise RuntimeError(f"/proc/self/status does not tell {which}")


def peak_of(function: Callable[[], object]) -> float:
    """The largest memory of this process, in MiB, while the function runs."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # forget the peak so far
    function()
    return resident("VmHWM")


def memory_once(what: str, transformation: str, events: int) -> dict[str, float]:
    """What a process that measures memory does, in MiB; all code has been compiled and run before."""
    model = trained("README", transformation)
    model.predict(sample(SMALL, WIDTHS["README"])[0])
    empty = resident("VmRSS")
    X, y = sample(events, WIDTHS["README"])
    inputs, scores = X.nbytes / 2**20, len(X) * 4 / 2**20
    if what == "predict":
        before = resident("VmRSS")
        return {"extra": peak_of(lambda: model.predict(X)) - before - scores}
    text = options("README", transformation)
    w = np.ones_like(y)
    peak = peak_of(lambda: train(X, y, text, sample_weight=w, progress=False))
    return {"inputs": inputs + (y.nbytes + w.nbytes) / 2**20, "peak": peak - empty}


def child(*arguments: str) -> dict[str, float]:
    """Measure in a process of its own; returns what it prints as JSON."""
    done = subprocess.run(
        [sys.executable, __file__, "--memory", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return dict(json.loads(done.stdout))


def memory(events: int, train_events: int, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Peaks of memory, of scoring beyond events and scores, of training as a multiple of its inputs."""
    rows = []
    for name in names:
        extra = child("predict", name, str(events))["extra"]
        what = f"memory beside {events:,} events and scores, {name}"
        rows.append({"what": what, "value": extra, "unit": "MiB", "ratio": None, "limit": 80})
    for name in names:
        found = child("train", name, str(train_events))
        what = f"memory of a training on {train_events:,} events, {name}"
        times = found["peak"] / found["inputs"]
        rows.append({"what": what, "value": found["peak"], "unit": "MiB", "ratio": times, "limit": 2.0})
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The measurements in Markdown; a limit is one of the ratio, or of the value where there is none."""
    lines = ["| what | | unit | ratio | limit |", "| --- | ---: | --- | ---: | ---: |"]
    for row in rows:
        times = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        limit = "" if row["limit"] is None else f"{row['limit']:g}"
        lines.append(f"| {row['what']} | {row['value']:.4g} | {row['unit']} | {times} | {limit} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="default: %(default)s")
    parser.add_argument("--calls", type=int, default=2_000, help="single events a round; default: %(default)s")
    parser.add_argument("--events", type=int, default=2_000_000, help="that are scored; default: %(default)s")
    parser.add_argument("--train-events", type=int, default=1_000_000, help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="few events and rounds, to see that everything runs")
    parser.add_argument("-o", "--output", type=Path, help="JSON file to write")
    parser.add_argument("--memory", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory:
        what, transformation, events = given.memory
        print(json.dumps(memory_once(what, transformation, int(events))))
        return 0
    if given.quick:
        given.rounds, given.calls, given.events, given.train_events = 1, 100, 5_000, 5_000
    machine = describe_machine()
    print(json.dumps(machine))
    networks = list(NETWORKS)[: 1 if given.quick else None]
    rows = [row for network in networks for row in single_events(network, given.rounds, given.calls)]
    for kind in ("30 arrays of one", "10 arrays of three"):
        rows += reader_loop(kind, given.rounds, given.calls)
    rows += many_events(given.rounds, given.events)
    rows += few_events(given.rounds, max(1, given.calls // 20))
    if Path("/proc/self/clear_refs").exists():
        rows += memory(given.events, given.train_events, ("N",) if given.quick else ("None", "N"))
    print(table(rows))
    if given.output:
        with atomic_path(given.output) as temporary:
            temporary.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
