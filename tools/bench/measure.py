"""Timing of several contestants in one process, in turns, so that what disturbs the machine disturbs all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.failures import blamed
from bench.patience import Overdue, Patience

__all__ = ["Task", "Timing", "best", "interleave", "ratio", "repeated"]

_PAUSE = 0.03
"""Seconds of rest before each measurement: threads that spin after their work must not disturb the next contestant."""

_PARTS = 16
"""Of the calls of a turn, between which one that takes too long is noticed, and of which the quickest is kept."""


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
    divisible : bool
        Whether many calls may be timed in parts.
    """

    contestant: str
    threads: int
    timer: Callable[[int], float]
    prepare: Callable[[], None] = field(default=lambda: None)
    divisible: bool = True


@dataclass(frozen=True)
class Timing:
    """Seconds that one call took, in each round, and in the quickest part of any round."""

    contestant: str
    threads: int
    rounds: tuple[float, ...]
    quickest: float | None = None

    @property
    def seconds(self) -> float:
        """The median round."""
        return median(self.rounds)

    @property
    def shortest(self) -> float:
        """The one to set beside a limit of the machine: a machine that is shared is itself for moments only."""
        return min(self.rounds if self.quickest is None else (*self.rounds, self.quickest))


def repeated(call: Callable[[], object]) -> Callable[[int], float]:
    """A timer of a plain function."""

    def timer(count: int) -> float:
        started = time.perf_counter()
        for _ in range(count):
            call()
        return time.perf_counter() - started

    return timer


def interleave(tasks: Sequence[Task], rounds: int, seconds: float, patience: Patience | None = None) -> list[Timing]:
    """Time the tasks in turns.

    Parameters
    ----------
    tasks : sequence of Task
    rounds : int
        How often each has its turn.
    seconds : float
        About how long a turn is; a task that takes longer is called once.
    patience : Patience, optional
        How long to wait; a task that it stops, which the first never is, has the rounds that it had until then.

    Returns
    -------
    list of Timing
        In the order of the tasks, without those that have no round; round k of one and round k of another were close in
        time.

    Raises
    ------
    ContestantError
        If one of them fails.
    """
    patience = patience or Patience()
    turns: list[_Turns] = []
    for task in tasks:
        share = rounds * max(seconds, turns[0].length if turns else 0.0)
        turns.append(_Turns(task, seconds, share, patience, first=not turns))
    collects = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            if patience.is_up:
                break
            for each in turns:
                each.take()
            gc.collect()
    finally:
        if collects:
            gc.enable()
    patience.overdue += [each.overdue for each in turns if each.is_overdue]
    return [Timing(t.task.contestant, t.task.threads, tuple(t.found), t.quickest) for t in turns if t.found]


class _Turns:
    """The turns of one task.

    Parameters
    ----------
    task : Task
    seconds : float
        About how long a turn is.
    share : float
        Seconds that all turns together should take, with all that is done to find out how many calls fill a turn.
    patience : Patience
    first : bool
        Whether it is the one that sets the shares of the others.

    Attributes
    ----------
    found : list of float
        Seconds of a call, in each round.
    quickest : float
        The same in the quickest part of all.
    length : float
        Seconds that a turn is going to take.
    is_overdue : bool
    """

    def __init__(self, task: Task, seconds: float, share: float, patience: Patience, first: bool) -> None:
        self.task, self.found = task, list[float]()
        self.length, self.quickest = 0.0, float("inf")
        self.is_overdue = False
        self._patience, self._share, self._spent = patience, share, 0.0
        self._most = None if first else patience.most(share)
        self._count, spent = 1, 0.0
        with blamed(task.contestant):
            task.prepare()
            self._timed(1)  # it may compile, and does not count
            spent, _ = self._timed(1)
            while spent < seconds / 4 and not self._is_stopped:
                self._count *= 2
                spent, _ = self._timed(self._count)
        if spent:
            self._count = max(1, round(self._count * seconds / spent))
            self.length = max(seconds, spent)

    @property
    def overdue(self) -> Overdue:
        """What to tell of it once it is."""
        return Overdue(self.task.contestant, self.task.threads, self._spent, self._share, len(self.found))

    @property
    def _is_stopped(self) -> bool:
        return self.is_overdue or self._patience.is_up

    def take(self) -> None:
        """A turn, unless the time is over; it does not count if it takes too long."""
        if self._is_stopped:
            return
        time.sleep(_PAUSE)
        with blamed(self.task.contestant):
            self.task.prepare()
            if self._count > 1:
                # what a first call after a rest loses, such as waking threads, is nothing beside a long call
                self._timed(1)
            spent, parts = self._timed(self._count)
        if not self.is_overdue and parts:
            self.found.append(spent / self._count)
            self.quickest = min(self.quickest, *parts)

    def _timed(self, count: int) -> tuple[float, list[float]]:
        """Seconds of so many calls, and of a call in each part of them; 0 and none if they were stopped."""
        seconds, each, done = 0.0, list[float](), 0
        part = max(1, count // _PARTS) if self.task.divisible else count
        while done < count:
            if self._is_stopped:
                return 0.0, []
            part = min(part, count - done)
            started = time.perf_counter()
            spent = self.task.timer(part)
            self._spent += time.perf_counter() - started
            self.is_overdue = self._most is not None and self._spent > self._most
            seconds, done = seconds + spent, done + part
            each.append(spent / part)
        return seconds, each


def best(timings: Sequence[Timing], contestant: str) -> Timing:
    """The timing of a contestant that took part, at its better number of threads."""
    return min((t for t in timings if t.contestant == contestant), key=lambda timing: timing.seconds)


def ratio(other: Timing, ours: Timing) -> float:
    """How many times longer `other` took: the median of the ratio within a round, over the rounds that both have."""
    return median(a / b for a, b in zip(other.rounds, ours.rounds, strict=False))
