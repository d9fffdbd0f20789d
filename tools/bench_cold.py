"""Time what waits for compiled code: a first score and a first training, each a process from its start to its end.

    python tools/bench_cold.py [--rounds N] [--against CHECKOUT] [-o FILE.json]

Each process scores 200 events with an LSTM, or trains it for one epoch, on one thread. `empty` is a cache of compiled
code that is empty, `filled` one that the same command has filled. The sides take turns within each round; times are
medians of seconds, of the processors and of the clock, and a ratio is the median of the ratios within the rounds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from bench.child_times import timed
from bench.machine import describe_machine

from pytmva_rnn import train
from pytmva_rnn.files import atomic_path

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = (
    "InputLayout=10|5:RandomSeed=1:VarTransform=N:Layout=LSTM|10|5|10|0|1,RESHAPE|FLAT,DENSE|16|TANH,LINEAR:"
    "TrainingStrategy=LearningRate=1e-3,BatchSize=50,MaxEpochs=1,TestRepetitions=1"
)
_BEGIN = "import sys, numpy as np, pytmva_rnn; X = np.load('X.npy'); "
PROGRAMS = {
    "a first score": _BEGIN + "pytmva_rnn.read_weights('weights.xml').predict(X[:200], threads=1)",
    "a first training": _BEGIN + f"pytmva_rnn.train(X, (X[:, 0] > 0) * 1.0, {OPTIONS!r}, threads=1)",
}


def prepare(folder: Path) -> None:
    """Events, and a network that is trained on them."""
    X = np.random.default_rng(1).normal(size=(1000, 50)).astype(np.float32)
    np.save(folder / "X.npy", X)
    train(X, (X[:, 0] > 0) * 1.0, OPTIONS, threads=1, progress=False).model.save(folder / "weights.xml")


def measured(folder: Path, sides: dict[str, Path], rounds: int) -> list[dict[str, Any]]:
    """Rows of processors' and clock's seconds of each program, with an empty cache and a filled one."""
    rows = []
    for what, program in PROGRAMS.items():
        times: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for _ in range(rounds):
            for side, checkout in sides.items():
                with tempfile.TemporaryDirectory() as cache:
                    environment = {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(checkout)}
                    for state in ("empty", "filled"):
                        taken = timed([sys.executable, "-c", program], folder, **environment)
                        times.setdefault((state, side), []).append(taken)
        for (state, side), taken_all in times.items():
            processor, clock = (median(each) for each in zip(*taken_all, strict=True))
            others = times[state, next(reversed(sides))]
            ratio = median(other[0] / mine[0] for mine, other in zip(taken_all, others, strict=True))
            rows.append(
                {"what": what, "cache": state, "side": side, "processor": processor, "clock": clock, "ratio": ratio}
            )
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown."""
    lines = ["| | cache | side | processors, s | clock, s | ratio |", "| --- | --- | --- | ---: | ---: | ---: |"]
    for row in rows:
        numbers = f"{row['processor']:.2f} | {row['clock']:.2f} | {row['ratio']:.2f}"
        lines.append(f"| {row['what']} | {row['cache']} | {row['side']} | {numbers} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout, which takes turns")
    parser.add_argument("-o", "--output", type=Path, help="JSON file to write")
    given = parser.parse_args(argv)
    if given.rounds < 1:
        parser.error(f"--rounds is 1 or more, not {given.rounds}")
    sides = {"this checkout": ROOT}
    if given.against is not None:
        if not (given.against / "pytmva_rnn" / "__init__.py").is_file():
            parser.error(f"{given.against} is no checkout of pytmva_rnn")
        sides["the other"] = given.against.resolve()
    machine = describe_machine()
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        rows = measured(Path(folder), sides, given.rounds)
    print(table(rows))
    packages = ", ".join(f"{name} {found}" for name, found in machine["packages"].items())
    print(f"\n{machine['date']}, {machine['cpu']}, {machine['cores']} cores, load {machine['load']}; {packages}")
    if given.output is not None:
        with atomic_path(given.output) as path:
            path.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
