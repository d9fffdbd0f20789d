"""Runs the benchmarks."""

from __future__ import annotations

import logging
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
    results = Results(describe_machine(), settings, *available(settings.contestants))
    for reason in results.left_out:
        log.info("left out: %s", reason)
    if settings.on_gpu:
        results.cards = [asdict(card) for card in cuda_devices()]
    taking_part = [each for each in settings.contestants if each.name in results.versions]
    measured = None
    for case in settings.cases:
        if measured != case.name:
            # again for each case, as a neighbour on the machine may slow down any of them
            log.info("measuring the peaks of the machine")
            _measure_peaks(results)
            measured = case.name
        for layer in settings.layers:
            problem = make_problem(case, layer)
            compare = compare_in_turn if settings.on_gpu else _compare
            for comparison in compare(problem, taking_part, results):
                results.comparisons.append(comparison)
                yield results
            if settings.on_gpu:
                continue
            if case.name == _EPOCH_CASE and "train" in settings.calls and settings.epoch_batches and _ours(settings):
                log.info("case %s %s: whole epochs", case.name, layer)
                found = measure_epochs(problem, settings.threads, settings.rounds, settings.epoch_batches)
                results.epochs.append(found)
                yield results
    yield results


def _ours(settings: Settings) -> bool:
    return settings.contestants[0] is Ours


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


def _compare(problem: CaseData, kinds: list[type[Contestant]], results: Results) -> Iterator[CaseResult]:
    """Each kind of call on one network; a contestant that fails is left out of what remains."""
    settings, title = results.settings, problem.title
    log.info("%s: checking that all compute the same", title)
    kinds = kinds.copy()
    contestants: list[Contestant] | None = None
    calls = list(settings.calls)
    while calls:
        try:
            if contestants is None:
                contestants = _agreeing(problem, kinds, settings)
            log.info("%s: %s", title, calls[0])
            yield _timed(problem, calls[0], contestants, settings)
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


def _agreeing(problem: CaseData, kinds: list[type[Contestant]], settings: Settings) -> list[Contestant]:
    contestants = []
    for kind in kinds:
        for threads in settings.threads:
            with blamed(kind.name):
                contestants.append(kind(problem, threads))
    check_agreement(contestants)
    return contestants


def _timed(problem: CaseData, what: str, contestants: list[Contestant], settings: Settings) -> CaseResult:
    tasks = []
    for each in contestants:
        again = what == "one" and not each.threads_for_one and each.threads != settings.threads[0]
        if what in each.does and not again:
            with blamed(each.name):
                tasks.append(Task(each.name, each.threads, each.timer(what), each.prepare))
    timings = interleave(tasks, settings.rounds, settings.seconds)
    return CaseResult(problem.case, problem.layer, what, timings, work_of(problem, what))
