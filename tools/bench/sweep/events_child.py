"""Scores the events of files piece by piece, in a process of its own, for the sweep over their number."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:1] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[3])]

from bench_streaming import INPUTS, STEPS, Peaks

from bench.cases import Case, make_problem
from pytmva_rnn.data import Recipe, Source, Steps
from pytmva_rnn.data.scoring_inputs import iterate_inputs
from pytmva_rnn.network.network import Network

STREAMED = Case("events", 100, STEPS, len(INPUTS), 10, True, 64)
"""The network of `tools/bench_streaming.py`."""

TREES = ("sgn", "bkg")


def score_once(files: tuple[str, ...]) -> dict[str, Any]:
    """Seconds, the number of events, and the peak of memory in MiB without pages of files."""
    problem = make_problem(STREAMED, "LSTM")
    network = Network(problem.model)
    network.predict(problem.X)  # what is compiled does not count
    recipe = Recipe(Steps({name: name for name in INPUTS}, STEPS))
    peaks, events = Peaks(), 0
    started = time.perf_counter()
    for tree in TREES:
        for piece in iterate_inputs(recipe, Source(files, tree)):
            events += len(network.predict(piece.X))
    return {"seconds": time.perf_counter() - started, "events": events, "own": peaks.own}


if __name__ == "__main__":
    print(json.dumps(score_once(tuple(sys.argv[1:]))))
