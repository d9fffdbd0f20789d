"""Time training in several processes of MPI against training in one: the sum of arrays over all, and whole steps.

The processes' sides and those of one process alone take turns within each round; the others sleep while one works.
A ratio is the median of the ratios within the rounds: how many times faster all are than one process with one thread.
The least of all rounds is what a machine would show that does nothing else; on a busy one the medians are those of the
other work, and short turns (--seconds 0.02 --rounds 8) find a moment in which all processes run.

    mpiexec -n 2 python tools/bench_mpi.py [--quick] [--rounds N] [--seconds S] [-o FILE.json]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from bench.cases import CASES, make_problem
from bench.machine import describe_machine

from pytmva_rnn import extras
from pytmva_rnn.files import atomic_path
from pytmva_rnn.kernels import Computation, engine_class
from pytmva_rnn.training.ranks import Ranks
from pytmva_rnn.training.shared_steps import SharedSteps
from pytmva_rnn.training.training_events import Events

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
"""Numbers of parameters."""
LOCAL_STEPS = 20
LAYER = "LSTM"
BATCHES = (("1", 1), ("1", 10), ("1", 100), ("2", 1), ("3", 1))
"""Cases, and how many times their batches."""


def nothing() -> None:
    """No signal has come."""


class Turns:
    """Sides that take turns: those of one process while the others sleep, and those of all."""

    def __init__(self, communicator: Any, seconds: float) -> None:
        self._communicator = communicator
        self._seconds = seconds
        self.ranks = Ranks(communicator)

    def wait(self) -> None:
        """Until all are here; without keeping a core busy."""
        request = self._communicator.Ibarrier()
        while not request.Test():
            time.sleep(0.0005)

    def time(self, run: Callable[[int], None], steps: int, *, alone: bool) -> float:
        """Seconds of a step; `run` makes a number of them."""
        self.wait()
        seconds = 0.0
        if not alone or self.ranks.number == 0:
            begun = time.perf_counter()
            run(steps)
            seconds = time.perf_counter() - begun
        self.wait()
        return float(self.ranks.of_first(seconds)) / steps

    def medians(
        self, sides: Mapping[str, tuple[Callable[[int], None], bool]], rounds: int
    ) -> dict[str, tuple[float, float, float]]:
        """Median and least seconds of each side's step, and median of the first side's over it."""
        steps = {}
        for name, (run, alone) in sides.items():
            first = max(self.time(run, 1, alone=alone) for _ in range(2))
            steps[name] = max(1, round(self._seconds / max(first, 1e-6)))
        found: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, (run, alone) in sides.items():
                found[name].append(self.time(run, steps[name], alone=alone))
        base = next(iter(found.values()))
        return {
            name: (median(values), min(values), median(one / own for one, own in zip(base, values, strict=True)))
            for name, values in found.items()
        }


def sums(turns: Turns, rounds: int) -> list[dict[str, Any]]:
    """Milliseconds to add up float32 arrays of all processes."""
    rows = []
    for size in SIZES:
        values = np.ones(size, np.float32)

        def run(steps: int, values: Any = values) -> None:
            for _ in range(steps):
                turns.ranks.add(values)

        seconds, least, _ = turns.medians({"sum": (run, False)}, rounds)["sum"]
        rows.append({"parameters": size, "ms": 1e3 * seconds, "least ms": 1e3 * least})
    return rows


def steps(turns: Turns, name: str, times: int, rounds: int) -> list[dict[str, Any]]:
    """Milliseconds of a step of a case, alone and together."""
    case, count = CASES[name], turns.ranks.count
    problem = make_problem(case, LAYER)
    size = case.batch * times // count * count
    events = np.tile(np.arange(case.batch), times)[:size]
    X, y = problem.X[events], problem.y[events]
    sample = Events(X, y, np.ones(size, np.float32))

    def engine(threads: int) -> Any:
        model = problem.model
        weights = [layer.weights for layer in model.layers]
        settings = problem.options.training_strategy[0]
        given = (model.layers, weights, *model.event_shape, model.loss)
        return engine_class("cpu")(Computation(*given, settings=settings, threads=threads))

    def alone(threads: int) -> Callable[[int], None]:
        own = engine(threads)

        def run(number: int) -> None:
            batches = np.broadcast_to(np.arange(size), (number, size))
            own.epoch(sample.X, sample.y, sample.w, batches, np.zeros(number, np.int64), nothing)

        return run

    def together(local_steps: int) -> Callable[[int], None]:
        shared = SharedSteps(engine(1), turns.ranks, local_steps)
        mine = np.arange(size).reshape(count, -1)[turns.ranks.number]

        def run(number: int) -> None:
            shared.steps(sample, np.broadcast_to(mine, (number, len(mine))), np.zeros(number, np.int64), nothing)
            shared.finished(0.0, nothing)

        return run

    sides = {
        "1 process, 1 thread": (alone(1), True),
        f"1 process, {count} threads": (alone(count), True),
        f"{count} processes": (together(1), False),
        f"{count} processes, LocalSteps={LOCAL_STEPS}": (together(LOCAL_STEPS), False),
    }
    parameters = sum(layer.parameter_count for layer in problem.model.layers)
    return [
        {
            "case": name,
            "parameters": parameters,
            "batch": size,
            "side": side,
            "ms": 1e3 * seconds,
            "least ms": 1e3 * least,
            "ratio": ratio,
        }
        for side, (seconds, least, ratio) in turns.medians(sides, rounds).items()
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """Rows in Markdown."""
    lines = ["| " + " | ".join(rows[0]) + " |", "| " + " | ".join("---" for _ in rows[0]) + " |"]
    for row in rows:
        cells = (f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values())
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.3, help="of each side in a round; default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="little of everything, to see that it runs")
    parser.add_argument("-o", "--output", type=Path, help="JSON file to write")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.seconds = 1, 0.01
    communicator = extras.mpi4py().MPI.COMM_WORLD
    turns = Turns(communicator, given.seconds)
    if turns.ranks.count < 2:
        parser.error("start it in several processes: mpiexec -n 2 python tools/bench_mpi.py")
    found: dict[str, Any] = {"machine": describe_machine(), "processes": turns.ranks.count}
    found["mpi"] = extras.mpi4py().MPI.Get_library_version().partition("\n")[0].strip("\0")
    found["sums"] = sums(turns, given.rounds)
    first = turns.ranks.number == 0
    if first:
        print(json.dumps({key: found[key] for key in ("machine", "mpi", "processes")}))
        print(f"{table(found['sums'])}\n", flush=True)
    found["steps"] = []
    for name, times in BATCHES[: 1 if given.quick else None]:
        rows = steps(turns, name, times, given.rounds)
        found["steps"] += rows
        if first:
            print(f"{table(rows)}\n", flush=True)
    if first and given.output:
        with atomic_path(given.output) as temporary:
            temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
