"""Calls on any executor, and again those that fail: the one loop behind what runs on several processes and machines."""

from __future__ import annotations

import asyncio
import itertools
import queue
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["InTurn", "Submits", "TaskEnd", "run_tasks"]

_TOGETHER = 2_000
"""Calls that an executor has at a time: enough for as many cores, few enough to be cancelled at once."""

_LOOK = 1.0
"""Seconds after which futures that have not called are looked at: an executor that is lost may never call."""


class Submits(Protocol):
    """An executor: of concurrent.futures, dask.distributed's Client, mpi4py.futures' MPIPoolExecutor, and others."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Any:
        """A future, with `result`, `done`, `cancel` and `add_done_callback`."""


class InTurn(Executor):
    """The executor that has no others: each call is made where it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function; its future is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass(frozen=True)
class TaskEnd:
    """How a task ended.

    Attributes
    ----------
    number : int
        Of the task.
    value : any
        What the last call gave.
    error : Exception, optional
        What it raised in place of that.
    attempts : int
        Calls that were made.
    """

    number: int
    value: Any
    error: Exception | None
    attempts: int


def run_tasks(
    executor: Submits,
    function: Callable[..., Any],
    tasks: Sequence[tuple[Any, ...]],
    *,
    retries: int = 0,
    again: Callable[[Any], bool] = lambda value: False,
    check: Callable[[], object] = lambda: None,
) -> Iterator[TaskEnd]:
    """Call a function for each of some tasks, in no order, and once more where that fails.

    Parameters
    ----------
    executor : anything with `submit`
    function : callable
        Of a module, called with what a task holds, and the number of the attempt, from 1 on: dask takes calls with the
        same arguments for the same call, which it makes once.
    tasks : sequence of tuple
        Arguments, which should be small: they are sent to where the call is made.
    retries : int
        How often a task that fails is tried again, after the others.
    again : callable
        Whether what was given asks for another attempt, as an error does.
    check : callable
        Called at least once a second; what it raises ends all.

    Yields
    ------
    TaskEnd
        One for each task. Where the executor itself breaks, all that is not done ends with its error.
    """
    waiting = deque((number, 1) for number in range(len(tasks)))
    running: dict[int, _Call] = {}
    calls = itertools.count()
    called: queue.SimpleQueue[int] = queue.SimpleQueue()
    broken: Exception | None = None
    try:
        while waiting or running:
            while waiting and len(running) < _TOGETHER and called.empty() and broken is None:
                number, attempt = waiting[0]
                try:
                    future = executor.submit(function, *tasks[number], attempt)
                except RuntimeError as error:  # it is broken, or was shut down
                    broken = error
                    break
                waiting.popleft()
                call = next(calls)
                running[call] = _Call(number, attempt, future)
                future.add_done_callback(lambda _, call=call: called.put(call))
            for call in _done(called, running):
                end = running.pop(call).end()
                if isinstance(end.error, BrokenExecutor):
                    broken = end.error
                elif end.attempts <= retries and (end.error is not None or again(end.value)):
                    waiting.append((end.number, end.attempts + 1))
                    continue
                yield end
            check()
            if broken is not None:
                yield from (TaskEnd(number, None, broken, attempt - 1) for number, attempt in waiting)
                waiting.clear()
    except BaseException:
        for each in running.values():
            each.future.cancel()
        raise


@dataclass(frozen=True)
class _Call:
    """A call that an executor has."""

    number: int
    attempt: int
    future: Any

    def end(self) -> TaskEnd:
        try:
            return TaskEnd(self.number, self.future.result(), None, self.attempt)
        except (
            Exception,
            asyncio.CancelledError,
        ) as error:  # dask has futures cancelled where a worker's result is lost
            told = error if isinstance(error, Exception) else RuntimeError("the call was cancelled")
            return TaskEnd(self.number, None, told, self.attempt)


def _done(called: queue.SimpleQueue[int], running: dict[int, _Call]) -> list[int]:
    """Calls that are done, after waiting for one."""
    if not running:
        return []
    try:
        found = [called.get(timeout=_LOOK)]
    except queue.Empty:
        found = [call for call, each in running.items() if each.future.done()]
    return [call for call in found if call in running]
