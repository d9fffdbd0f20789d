"""Many processes at once that find no compiled code, one of which is killed: all come to the same scores."""

from __future__ import annotations

import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import uproot

from faults.workbench import Command, Outcome, Said, Workbench

__all__ = ["cold_cache"]


def cold_cache(outcome: Outcome, bench: Workbench, rounds: int, processes: int = 8, seed: int = 1) -> None:
    """Start processes that score on an empty cache, and one more, which is killed.

    Parameters
    ----------
    outcome : Outcome
        Of what was done so far, also when Ctrl-C ends it.
    bench : Workbench
    rounds : int
    processes : int
        Beside the one that is killed.
    seed : int
        Of its moments.
    """
    generator = random.Random(seed)
    outputs = [f"out{number}.root" for number in range(processes)]
    commands = [
        Command(("-m", "pytmva_rnn", "evaluate", "given.xml", "events.root", "-o", output), (output,))
        for output in [*outputs, "killed.root"]
    ]
    expected: list[float] | None = None
    for _ in range(rounds):
        bench.clear()
        with tempfile.TemporaryDirectory() as cache:
            started = [bench.start(command, variables={"NUMBA_CACHE_DIR": cache}) for command in commands]
            *others, killed = started
            _end_at_random(killed, generator)
            for number, process in enumerate(others):
                text, _ = process.communicate()
                said = Said(process.returncode, text)
                outcome.counted["processes"] += 1
                if said.code or said.wrong:
                    outcome.fault(f"process {number}: exit code {said.code}: {text[-600:]}")
                    continue
                scores = _scores(bench.folder / outputs[number])
                expected = expected or scores
                if scores != expected:
                    outcome.fault(f"process {number} has other scores")
            outcome.counted["kills"] += 1
            # what the killed one has left must not be taken for compiled code
            said = bench.run(commands[0], variables={"NUMBA_CACHE_DIR": cache})
            if said.code or said.wrong or _scores(bench.folder / outputs[0]) != expected:
                outcome.fault(f"after the kill: exit code {said.code}: {said.text[-600:]}")


def _end_at_random(process: subprocess.Popen[str], generator: random.Random) -> None:
    """Kill a process within the time that compiling takes."""
    try:
        process.communicate(timeout=generator.uniform(1.0, 40.0))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _scores(path: Path) -> list[float]:
    with uproot.open(path) as file:
        return list(np.asarray(file["scores"]["DL"].array(library="np")).tolist())
