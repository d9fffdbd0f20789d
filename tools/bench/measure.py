"""Timing of several contestants in one process, in turns, so that what disturbs the machine disturbs all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.failures import blamed

__all__ = ["Task", "Timing", "best", "interleave", "ratio", "repeated"]

_PAUSE = 0.03
"""Seconds of rest before each measurement: threads that spin after their work must not disturb the next contestant."""


@dataclass(frozen=True)
class Task:
    """Something to time.

    Attributes
    ----------
    contestant : str
    threads : int
        0 on a GPU.
    timer : callable
        Seconds that a number of calls take.
    prepare : callable
        Called before each measurement, untimed.
    """

    contestant: str
    threads: int
    timer: Callable[[int], float]
    prepare: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True)
class Timing:
    """Seconds that one call took, in each round."""

    contestant: str
    threads: int
    rounds: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """The median round."""
        return median(self.rounds)

    @property
    def shortest(self) -> float:
        """The quickest round: the one to set beside a limit of the machine, on a machine that is shared."""
        return min(self.rounds)


def repeated(call: Callable[[], object]) -> Callable[[int], float]:
    """A timer of a plain function."""

    def timer(count: int) -> float:
        started = time.perf_counter()
        for _ in range(count):
            call()
        return time.perf_counter() - started

    return timer


def interleave(tasks: Sequence[Task], rounds: int, seconds: float) -> list[Timing]:
    """Time the tasks in turns.

    Parameters
    ----------
    tasks : sequence of Task
    rounds : int
        How often each has its turn.
    seconds : float
        About how long a turn is; a task that takes longer is called once.

    Returns
    -------
    list of Timing
        In the order of the tasks; round k of one and round k of another were close in time.

    Raises
    ------
    ContestantError
        If one of them fails.
    """
    counts = [_calls(task, seconds) for task in tasks]
    results: list[list[float]] = [[] for _ in tasks]
    collects = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for task, count, found in zip(tasks, counts, results, strict=True):
                time.sleep(_PAUSE)
                with blamed(task.contestant):
                    task.prepare()
                    if count > 1:
                        # what a first call after a rest loses, such as waking threads, is nothing beside a long call
                        task.timer(1)
                    found.append(task.timer(count) / count)
            gc.collect()
    finally:
        if collects:
            gc.enable()
    return [Timing(t.contestant, t.threads, tuple(r)) for t, r in zip(tasks, results, strict=True)]


def _calls(task: Task, seconds: float) -> int:
    """Calls that fill a turn; the first call of all, which may compile, does not count."""
    with blamed(task.contestant):
        task.prepare()
        task.timer(1)
        count, spent = 1, task.timer(1)
        while spent < seconds / 4:
            count *= 2
            spent = task.timer(count)
    return max(1, round(count * seconds / spent))


def best(timings: Sequence[Timing], contestant: str) -> Timing:
    """The timing of a contestant that took part, at its better number of threads."""
    return min((t for t in timings if t.contestant == contestant), key=lambda timing: timing.seconds)


def ratio(other: Timing, ours: Timing) -> float:
    """How many times longer `other` took: the median over the rounds of the ratio within a round."""
    return median(a / b for a, b in zip(other.rounds, ours.rounds, strict=True))
