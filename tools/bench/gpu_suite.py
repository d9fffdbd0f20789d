"""The comparison on a GPU: one contestant after another, each of which has the card and its memory to itself.

Its clock is steady, and what a captured graph holds would leave too little to the others.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from typing import Any

from bench.agreement import check_same, results_of
from bench.cases import CaseData
from bench.contestants import Contestant
from bench.contestants.pytorch_gpu import PyTorchOnGpu
from bench.failures import ContestantError, blamed
from bench.measure import Task, Timing, interleave
from bench.results import CaseResult, Results
from bench.roofline import work_of

__all__ = ["compare_in_turn"]

log = logging.getLogger("pytmva_rnn")


def compare_in_turn(problem: CaseData, kinds: list[type[Contestant]], results: Results) -> Iterator[CaseResult]:
    """Each kind of call on one network; a contestant that fails is left out."""
    calls: dict[str, list[Timing]] = {what: [] for what in results.settings.calls}
    wanted: dict[str, Any] = {}
    for kind in kinds:
        log.info("%s: %s", problem.title, kind.name)
        contestant: Contestant | None = None
        try:
            with blamed(kind.name):
                contestant = kind(problem, 0)
            if wanted:
                check_same(contestant, wanted, kinds[0].name)
            else:
                wanted = results_of(contestant)
            for what, timings in calls.items():
                if what in kind.does:
                    timings.extend(_timed(contestant, what, results))
        except ContestantError as error:
            cause = error.__cause__
            if kind is kinds[0]:
                if not isinstance(cause, MemoryError):
                    assert cause is not None
                    raise cause from None
                results.leave_out(f"{problem.title}: {cause}")
                return
            results.leave_out(f"{kind.name} in {problem.title}: {_short(cause)}")
        finally:
            del contestant
            _free()
    for what, timings in calls.items():
        yield CaseResult(problem.case, problem.layer, what, timings, work_of(problem, what))


def _timed(contestant: Contestant, what: str, results: Results) -> list[Timing]:
    with blamed(contestant.name):
        task = Task(contestant.name, 0, contestant.timer(what), contestant.prepare)
    return interleave([task], results.settings.rounds, results.settings.seconds)


def _free() -> None:
    """Give all memory back to the device."""
    from pytmva_rnn.kernels.cuda.machine.device import free_memory  # it wants numba-cuda

    gc.collect()
    free_memory()
    PyTorchOnGpu.free()


def _short(cause: BaseException | None) -> str:
    """What a program says at first, of what may be pages."""
    first = str(cause).strip().partition("\n")[0]
    return first if len(first) <= 300 else f"{first[:300]} ..."
