"""`python tools/bench/launching.py`: the host's part of calls on a GPU, measured without one.

A driver that does nothing stands in for NVIDIA's, so that what the driver itself takes is not in these times: some
microseconds for a graph, two or three for a launch of its own.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

if __name__ == "__main__":
    sys.path[:1] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from bench import stub_driver
from bench.cases import CASES, LAYERS, make_problem
from bench.machine import describe_machine

_ROUNDS = 7
_STEPS = 1000


def measure(case: str, layer: str, batch: int, calls: Counter[str]) -> list[tuple[str, float, str]]:
    """What is called, microseconds that it takes, and what it asks of the driver; graphs and launches in turns."""
    from bench.contestants.ours_gpu import OursLaunchByLaunch, OursOnGpu

    problem = make_problem(replace(CASES[case], batch=batch), layer)
    arrays = problem.X, problem.y, np.ones(batch, np.float32)
    tasks: list[tuple[str, Callable[[], Any], int]] = []
    for kind in (OursOnGpu, OursLaunchByLaunch):
        engine = kind(problem).engine
        steps = _STEPS if engine.graphs.wanted else _STEPS // 10
        order, keys = np.tile(np.arange(batch), (steps, 1)), np.zeros(steps, np.int64)
        epoch = partial(engine.epoch, *arrays, order, keys, _nothing)
        tasks += [
            (f"{kind.name}: a step of {steps} in an epoch", epoch, steps),
            (f"{kind.name}: loss of a sample", partial(engine.loss, *arrays), 1),
            (f"{kind.name}: scores of a batch", partial(engine.outputs, problem.X), 1),
        ]
    for _, call, _ in tasks:
        for _ in range(3):
            call()
    times: list[list[float]] = [[] for _ in tasks]
    asked = [""] * len(tasks)
    for _ in range(_ROUNDS):
        for k, (_, call, count) in enumerate(tasks):
            calls.clear()
            started = time.perf_counter()
            call()
            times[k].append((time.perf_counter() - started) / count * 1e6)
            asked[k] = ", ".join(f"{number / count:g} {name}" for name, number in sorted(calls.items()))
    return [(name, median(found), what) for (name, _, _), found, what in zip(tasks, times, asked, strict=True)]


def _nothing() -> None: ...


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=CASES, default="1", help="default: %(default)s")
    parser.add_argument("--layer", choices=LAYERS, default="LSTM", help="default: %(default)s")
    parser.add_argument("--batch", metavar="N", type=int, default=1024, help="default: %(default)s")
    given = parser.parse_args()
    calls = stub_driver.install()
    rows = measure(given.case, given.layer, given.batch, calls)
    machine = describe_machine()
    print(f"case {given.case} {given.layer}, batch {given.batch:,}; {machine['cpu']}, load {machine['load']:.1f}")
    print(f"Python {machine['python']}, " + ", ".join(f"{name} {it}" for name, it in machine["packages"].items()))
    print(f"medians of {_ROUNDS} rounds in turns, without what the driver takes")
    for name, microseconds, what in rows:
        print(f"{name:45} {microseconds:8.1f} us   {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
