"""Measures curves along the axes of a network's sizes."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.cases import CaseData, make_problem
from bench.contestants.ours import Ours
from bench.measure import Task, Timing, interleave
from bench.results import CaseResult
from bench.roofline import Peaks, measure_peaks, work_of
from bench.sweep.axes import Setting
from bench.sweep.floors import held_bytes, least_seconds
from bench.sweep.growth import Curve, Point

__all__ = ["Swept", "sweep_memory", "sweep_times"]

log = logging.getLogger("pytmva_rnn")

_CHILD = Path(__file__).with_name("memory_child.py")

_LEAST = 8 << 20
"""Bytes by which the memory of a process moves by itself."""


@dataclass(frozen=True)
class Swept:
    """A curve, and the timings that it is made of, if it is one of times."""

    curve: Curve
    comparisons: tuple[CaseResult, ...] = ()


def sweep_times(
    axis: str,
    settings: Sequence[Setting],
    layer: str,
    calls: Sequence[str],
    rounds: int,
    seconds: float,
    working_set: int,
) -> Iterator[Swept]:
    """Each kind of call, all points of the axis in turns, so that what disturbs the machine disturbs all of them.

    A point is the quickest of its rounds, as it is set beside a limit of the machine.
    """
    peaks: dict[int, Peaks] = {
        threads: measure_peaks(threads, working_set=working_set)
        for threads in sorted({setting.threads for setting in settings})
    }
    problems = [make_problem(setting.case, layer) for setting in settings]
    ours = [Ours(problem, setting.threads) for problem, setting in zip(problems, settings, strict=True)]
    for what in calls:
        log.info("%s, %s: %s", axis, layer, what)
        tasks = [Task(each.name, each.threads, each.timer(what), each.prepare) for each in ours]
        timings = interleave(tasks, rounds, seconds)
        points = tuple(
            Point(setting.value, timing.shortest, least_seconds(problem, what, peaks[setting.threads]))
            for setting, problem, timing in zip(settings, problems, timings, strict=True)
        )
        compared = tuple(_compared(problem, what, timing) for problem, timing in zip(problems, timings, strict=True))
        yield Swept(Curve(axis, layer, what, "seconds", points), compared)


def _compared(problem: CaseData, what: str, timing: Timing) -> CaseResult:
    return CaseResult(problem.case, problem.layer, what, [timing], work_of(problem, what))


def sweep_memory(axis: str, settings: Sequence[Setting], layer: str, calls: Sequence[str]) -> Iterator[Swept]:
    """The peak of the memory, each point in a process of its own; only on Linux, which tells it.

    Raises
    ------
    RuntimeError
        If such a process fails; says how.
    """
    log.info("%s, %s: memory", axis, layer)
    found = [_memory(setting, layer) for setting in settings]
    problems = [make_problem(setting.case, layer) for setting in settings]
    for what in (call for call in calls if call != "one"):
        points = tuple(
            Point(setting.value, max(1, measured[what]), held_bytes(problem, what, setting.threads))
            for setting, problem, measured in zip(settings, problems, found, strict=True)
        )
        yield Swept(Curve(axis, layer, what, "bytes", points, least=_LEAST))


def _memory(setting: Setting, layer: str) -> dict[str, int]:
    request = {"case": asdict(setting.case), "layer": layer, "threads": setting.threads}
    done = subprocess.run(
        [sys.executable, str(_CHILD), json.dumps(request)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the memory of {setting.case.name} {layer} could not be measured:\n{done.stderr}")
    return dict(json.loads(done.stdout))
