"""Whether a call of compiled code may use threads of its own now; without them it makes the same sums one by one."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from types import TracebackType

from numba import prange, threading_layer  # type: ignore[attr-defined]

from pytmva_rnn.compile import parallel_operation
from pytmva_rnn.kernels.cpu.machine.intrinsics import call

__all__ = ["on_threads", "running"]


class _Process:
    """What all threads of this process share."""

    forked = False  # Numba's threads do not survive a fork, and GNU OpenMP ends a process that asks for them then
    several: bool | None = None  # whether several threads may ask for Numba's at once; None: not known yet
    turn = threading.Lock()


def _after_fork() -> None:
    _Process.forked = True
    # one that another thread held will not be released
    _Process.turn = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _several_may() -> bool | None:
    if _Process.several is None:
        with suppress(ValueError):  # no thread has been started yet
            # two callers at once end the process
            _Process.several = threading_layer() != "workqueue"
    return _Process.several


@parallel_operation
def on_threads(function, job, threads):
    """Call the operation `function` with a job and the number of each thread, on threads."""
    for thread in prange(threads):
        call(function, (job, thread))


class running:
    """Around a call of compiled code on some threads; gives the address of `on_threads`, or 0: it has to do without.

    A class, since it is entered in every step of a training, and a generator would take longer.
    """

    __slots__ = ("_serial", "_turn")

    def __init__(self, threads: int) -> None:
        self._serial = threads == 1
        self._turn: threading.Lock | None = None

    def __enter__(self) -> int:
        if self._serial or _Process.forked:
            return 0
        several = _several_may()
        if several:
            return on_threads.address
        # the first call finds out what the others may do
        if _Process.turn.acquire(blocking=several is None):
            self._turn = _Process.turn
            return on_threads.address
        return 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._turn is not None:
            self._turn.release()
