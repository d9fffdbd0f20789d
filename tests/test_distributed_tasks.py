"""Calls on executors: again where they fail, each ended once, and one process lost without the others."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pytmva_rnn.distributed.processes import LostProcessError, Processes
from pytmva_rnn.distributed.tasks import InTurn, run_tasks


def test_what_fails_is_called_again() -> None:
    made: Counter[int] = Counter()

    def call(number: int, attempt: int) -> int:
        made[number] += 1
        assert attempt == made[number]
        if number % 3 == 0 and attempt < 3:
            raise OSError("away")
        return -1 if number == 5 else number

    for executor in (InTurn(), ThreadPoolExecutor(3)):
        made.clear()
        with executor:
            ends = list(run_tasks(executor, call, [(k,) for k in range(9)], retries=1, again=lambda value: value < 0))
        by_number = {end.number: end for end in ends}
        assert len(ends) == len(by_number) == 9
        assert {number for number, end in by_number.items() if end.error is not None} == {0, 3, 6}
        assert [by_number[number].attempts for number in range(9)] == [2, 1, 1, 2, 1, 2, 2, 1, 1]


class Silent(Executor):
    """Whose futures are done without a word, as where the connection to a scheduler is lost."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.add_done_callback = lambda call: None  # type: ignore[method-assign]
        future.cancel()
        return future


class Broken(Executor):
    def __init__(self, good: int) -> None:
        self.good = good

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.good -= 1
        if self.good < 0:
            raise BrokenExecutor("a process ended")
        return InTurn().submit(fn, *args)


def test_executors_that_are_lost_end_every_task() -> None:
    ends = list(run_tasks(Silent(), pow, [(2,), (3,)], retries=0))
    assert [end.number for end in ends] == [0, 1]
    assert all(end.error is not None for end in ends)
    ends = list(run_tasks(Broken(2), pow, [(k,) for k in range(4)], retries=3))
    assert sorted((end.number, end.error is None) for end in ends) == [(0, True), (1, True), (2, False), (3, False)]


def end_once(folder: str, number: int, attempt: int) -> tuple[int, int]:
    """Ends its process in the middle of the first attempt of one of the calls."""
    if number == 1 and attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    Path(folder, f"{number}").touch(exist_ok=False)
    return number, os.getpid()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_a_process_that_is_lost_takes_one_call_with_it(tmp_path: Path) -> None:
    tasks = [(str(tmp_path), number) for number in range(5)]
    with Processes(1) as executor:
        ends = list(run_tasks(executor, end_once, tasks, retries=1))
    assert sorted(end.value[0] for end in ends) == list(range(5))
    assert [end.attempts for end in sorted(ends, key=lambda end: end.number)] == [1, 2, 1, 1, 1]
    assert len({end.value[1] for end in ends}) == 2  # processes: the first, and the one in its place
    with Processes(1) as executor, pytest.raises(LostProcessError, match=r"exit code 137 \(SIGKILL\)"):
        executor.submit(end_once, str(tmp_path), 1, 1).result()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_an_error_ends_the_processes_in_the_middle_of_a_call() -> None:
    began = time.monotonic()
    executor = Processes(1, fresh=True)
    with executor:
        assert executor.submit(pow, 2, 3).result() == 8
        future = executor.submit(time.sleep, 300)
        while not executor._running:
            time.sleep(0.01)
        executor.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert time.monotonic() - began < 200
    assert isinstance(future.exception(), LostProcessError)


def test_processes_that_cannot_be_started_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiprocessing.spawn._python_exe", sys.executable.encode())
    monkeypatch.setattr(
        "multiprocessing.spawn.get_command_line", lambda **_: [sys.executable, "-c", "raise SystemExit(1)"]
    )
    with Processes(1) as executor:
        ends = list(run_tasks(executor, pow, [(2,), (3,)], retries=5))
    assert len(ends) == 2
    assert all(isinstance(end.error, BrokenExecutor) for end in ends)
    assert "no process can be started" in str(ends[0].error)
