"""Runs the benchmarks."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict

from bench.agreement import check_agreement
from bench.cases import CaseData, make_problem
from bench.contestants import Contestant, Ours, available
from bench.epoch import measure_epochs
from bench.failures import ContestantError, blamed
from bench.gpu_suite import compare_in_turn
from bench.machine import describe_machine
from bench.measure import Task, interleave
from bench.patience import Patience
from bench.results import CaseResult, Results, Settings
from bench.roofline import Peaks, highest, measure_peaks, work_of
from pytmva_rnn.network.devices import cuda_devices

__all__ = ["run_suite"]

log = logging.getLogger("pytmva_rnn")

_EPOCH_CASE = "1"


def run_suite(settings: Settings) -> Iterator[Results]:
    """Case by case, measure the peaks of the machine, and then layer by layer all contestants in turns.

    Yields
    ------
    Results
        The same object with each comparison that is added to it, and at the end. What fails, or does not fit into
        memory, is left out, and `left_out` says so.

    Raises
    ------
    BenchmarkError
        If two contestants do not compute the same.
    MissingExtraError, BackendError
        If the first contestant cannot be used.
    """
    clock = _Clock(settings.limit)
    results = Results(describe_machine(), settings, *available(settings.contestants))
    for reason in results.left_out:
        log.info("left out: %s", reason)
    if settings.on_gpu:
        results.cards = [asdict(card) for card in cuda_devices()]
    taking_part = [each for each in settings.contestants if each.name in results.versions]
    measured = None
    for case in settings.cases:
        for layer in settings.layers:
            problem = make_problem(case, layer)
            if not clock.begin(layer):
                results.leave_out(f"{problem.title}: of {settings.limit:g} s, {max(0.0, clock.left):.0f} s are left")
                continue
            if measured != case.name:
                # again for each case, as a neighbour on the machine may slow down any of them
                log.info("measuring the peaks of the machine")
                _measure_peaks(results)
                measured = case.name
            if settings.on_gpu:
                compared = compare_in_turn(problem, taking_part, results)
            else:
                compared = _compare(problem, taking_part, results, clock.until)
            for comparison in compared:
                results.comparisons.append(comparison)
                yield results
            if case.name == _EPOCH_CASE and _with_epochs(settings) and not clock.is_up:
                log.info("case %s %s: whole epochs", case.name, layer)
                patience = Patience(settings.patience, clock.until)
                found = measure_epochs(problem, settings.threads, settings.rounds, settings.epoch_batches, patience)
                _tell(patience, f"case {case.name} {layer}, whole epochs", results)
                if found is not None:
                    results.epochs.append(found)
                    yield results
            clock.end(layer)
    yield results


class _Clock:
    """How much of the time is left.

    Parameters
    ----------
    limit : float, optional
        Seconds from now on.
    """

    def __init__(self, limit: float | None) -> None:
        self.until = None if limit is None else time.perf_counter() + limit
        self._began = 0.0
        self._longest: dict[bool, float] = {}
        self._seen: set[str] = set()

    @property
    def left(self) -> float:
        return float("inf") if self.until is None else self.until - time.perf_counter()

    @property
    def is_up(self) -> bool:
        return self.left <= 0

    def begin(self, layer: str) -> bool:
        """Whether there is time for a network with a layer, by those before; the first of its kind may compile."""
        self._began = time.perf_counter()
        return not self.is_up and self._longest.get(layer in self._seen, 0.0) <= self.left

    def end(self, layer: str) -> None:
        """It is done."""
        spent = time.perf_counter() - self._began
        again = layer in self._seen
        self._longest[again] = max(spent, self._longest.get(again, 0.0))
        self._seen.add(layer)


def _with_epochs(settings: Settings) -> bool:
    return settings.contestants[0] is Ours and "train" in settings.calls and settings.epoch_batches > 0


def _measure_peaks(results: Results) -> None:
    settings = results.settings
    for threads in settings.threads:
        found = _peaks(threads, settings)
        results.peaks[threads] = highest([found, results.peaks.get(threads, found)])


def _peaks(threads: int, settings: Settings) -> Peaks:
    if settings.on_gpu:
        from bench.gpu_peaks import measure_gpu_peaks  # the GPU's kernels want numba-cuda

        return measure_gpu_peaks()
    return measure_peaks(threads, working_set=settings.working_set)


def _compare(
    problem: CaseData, kinds: list[type[Contestant]], results: Results, until: float | None
) -> Iterator[CaseResult]:
    """Each kind of call on one network; a contestant that fails, or takes too long, is left out of what remains."""
    settings, title = results.settings, problem.title
    log.info("%s: checking that all compute the same", title)
    kinds = kinds.copy()
    contestants: list[Contestant] | None = None
    calls = list(settings.calls)
    while calls:
        patience = Patience(settings.patience, until)
        if contestants is not None and patience.is_up:
            results.leave_out(f"{title}, {' and '.join(calls)}: the {settings.limit:g} s are over")
            return
        try:
            if contestants is None:
                contestants = _agreeing(problem, kinds, settings, patience)
                _tell(patience, f"{title}, beginning", results)
                continue
            log.info("%s: %s", title, calls[0])
            compared = _timed(problem, calls[0], contestants, settings, patience)
            _tell(patience, f"{title}, {calls[0]}", results)
            if compared is not None:
                yield compared
                calls.pop(0)
        except ContestantError as error:
            cause = error.__cause__
            if error.contestant != kinds[0].name:
                results.leave_out(f"{error.contestant} in {title}: {cause}")
                kinds = [kind for kind in kinds if kind.name != error.contestant]
                contestants = None
            elif isinstance(cause, MemoryError):
                results.leave_out(f"{title}: {cause}")
                return
            else:
                assert cause is not None
                raise cause from None


def _agreeing(
    problem: CaseData, kinds: list[type[Contestant]], settings: Settings, patience: Patience
) -> list[Contestant]:
    """Those that compute the same as the first, and do not take too long for it."""

    def made() -> Iterator[Contestant]:
        for kind in kinds:
            for threads in settings.threads:
                with blamed(kind.name):
                    contestant = kind(problem, threads)
                yield contestant

    # a first call loads and prepares what later ones find
    return check_agreement(made(), patience, max(1.0, settings.rounds * settings.seconds))


def _tell(patience: Patience, where: str, results: Results) -> None:
    for each in patience.overdue:
        results.leave_out(f"{where}: {each}")
        log.info("%s", each)
    patience.overdue.clear()


def _timed(
    problem: CaseData, what: str, contestants: list[Contestant], settings: Settings, patience: Patience
) -> CaseResult | None:
    """None where the time is over before the first of them has had a turn."""
    tasks = []
    for each in contestants:
        again = what == "one" and not each.threads_for_one and each.threads != settings.threads[0]
        if what in each.does and not again:
            with blamed(each.name):
                tasks.append(Task(each.name, each.threads, each.timer(what), each.prepare, each.divisible(what)))
    timings = interleave(tasks, settings.rounds, settings.seconds, patience)
    if not timings or timings[0].contestant != contestants[0].name:
        return None
    return CaseResult(problem.case, problem.layer, what, timings, work_of(problem, what))
