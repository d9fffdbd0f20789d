"""Runs the benchmarks."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from bench.agreement import check_agreement
from bench.cases import CASES, LAYERS, WHATS, Case, CaseData, make_problem
from bench.contestants import Contestant, Ours, available
from bench.epoch import Epochs, measure_epochs
from bench.machine import describe_machine
from bench.measure import Task, Timing, best, interleave, ratio
from bench.roofline import Peaks, Work, highest, measure_peaks, work_of
from pytmva_rnn.kernels.cpu.engine import available_threads

__all__ = ["CaseResult", "Results", "Settings", "run_suite"]

log = logging.getLogger("pytmva_rnn")

_EPOCH_CASE = "1"


@dataclass(frozen=True)
class Settings:
    """What to run.

    Attributes
    ----------
    cases : tuple of Case
    layers : tuple of str
        Out of `LAYERS`.
    whats : tuple of str
        Out of `WHATS`.
    threads : tuple of int
        Each contestant runs with each of these; one event is scored by pytmva_rnn on one thread in any case.
    rounds : int
    seconds : float
        About how long a contestant's turn in a round is.
    working_set : int
        Bytes that the bandwidth of the memory is measured on.
    epoch_batches : int
        Batches of an epoch in the comparison of `train` with the kernels, which case 1 brings; 0 for none.
    """

    cases: tuple[Case, ...] = tuple(CASES.values())
    layers: tuple[str, ...] = LAYERS
    whats: tuple[str, ...] = WHATS
    threads: tuple[int, ...] = field(default_factory=lambda: tuple(sorted({1, available_threads()})))
    rounds: int = 9
    seconds: float = 0.15
    working_set: int = 3 << 27
    epoch_batches: int = 400

    @classmethod
    def quick(cls, **changes: Any) -> Settings:
        """Few and short rounds: for a look, not for publication."""
        return cls(**{"rounds": 3, "seconds": 0.03, "working_set": 3 << 25, "epoch_batches": 40, **changes})


@dataclass(frozen=True)
class CaseResult:
    """One kind of call on one network.

    Attributes
    ----------
    timings : list of Timing
        Of each contestant at each number of threads.
    ratios : dict of str -> float
        By contestant, how many times longer it takes than pytmva_rnn: the median of the ratios within a round, each
        side at its better number of threads.
    """

    case: Case
    layer: str
    what: str
    timings: list[Timing]
    ratios: dict[str, float]
    work: Work


@dataclass(frozen=True)
class Results:
    """Everything that was measured, and on what.

    Attributes
    ----------
    versions : dict of str -> str
        By contestant.
    missing : dict of str -> str
        Contestants that were left out, and why.
    peaks : list of Peaks
        For each number of threads, the highest that were found.
    """

    machine: dict[str, Any]
    settings: Settings
    versions: dict[str, str]
    missing: dict[str, str]
    peaks: list[Peaks]
    comparisons: list[CaseResult]
    epochs: list[Epochs]


def run_suite(settings: Settings) -> Results:
    """Case by case, measure the peaks of the machine, and then layer by layer all contestants in turns.

    Raises
    ------
    BenchmarkError
        If two contestants do not compute the same.
    """
    machine = describe_machine()
    versions, missing = available()
    for reason in missing.values():
        log.info("left out: %s", reason)
    peaks: list[list[Peaks]] = []
    comparisons: list[CaseResult] = []
    epochs: list[Epochs] = []
    for case in settings.cases:
        # again for each case, as a neighbour on the machine may slow down any of them
        log.info("measuring the peaks of the machine")
        peaks.append([measure_peaks(count, working_set=settings.working_set) for count in settings.threads])
        for layer in settings.layers:
            problem = make_problem(case, layer)
            comparisons += _compare(problem, settings, list(versions))
            if settings.epoch_batches and case.name == _EPOCH_CASE and "train" in settings.whats:
                log.info("case %s, %s: whole epochs", case.name, layer)
                found = measure_epochs(problem, settings.threads, settings.rounds, settings.epoch_batches)
                epochs.append(found)
    names = {contestant.name: version for contestant, version in versions.items()}
    limits = [highest(found) for found in zip(*peaks, strict=True)]
    return Results(machine, settings, names, missing, limits, comparisons, epochs)


def _compare(problem: CaseData, settings: Settings, contestants: list[type[Contestant]]) -> list[CaseResult]:
    taking_part = [make(problem, threads) for make in contestants for threads in settings.threads]
    check_agreement(taking_part)
    found = []
    for what in settings.whats:
        log.info("case %s, %s: %s", problem.case.name, problem.layer, what)
        # a single event is never worth a second thread here, so that there is nothing to choose from
        tasks = [
            Task(each.name, each.threads, each.timer(what), each.prepare)
            for each in taking_part
            if what in each.does and not (what == "one" and isinstance(each, Ours) and each is not taking_part[0])
        ]
        timings = interleave(tasks, settings.rounds, settings.seconds)
        work = work_of(problem, what)
        found.append(CaseResult(problem.case, problem.layer, what, timings, _ratios(timings), work))
    return found


def _ratios(timings: list[Timing]) -> dict[str, float]:
    ours = best(timings, Ours.name)
    others = dict.fromkeys(timing.contestant for timing in timings if timing.contestant != Ours.name)
    return {name: ratio(best(timings, name), ours) for name in others}
