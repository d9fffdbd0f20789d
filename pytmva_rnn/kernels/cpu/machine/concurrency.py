"""Whether a call of compiled code may use threads of its own now; without them it makes the same sums one by one."""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import filled, most_threads
from pytmva_rnn.kernels.cpu.machine.crew import CREW, LINE, MOST_PARTS, share, work

__all__ = ["available_threads", "running"]


def available_threads() -> int:
    """Cores that this process may use, at most Numba's number of threads."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, most_threads(cores)))


_MOST_HELPERS = 2
"""Of a core, in a process: callers that come at once beyond that do without."""


_FAREWELL = 2.0
"""Seconds to wait for a helper's end."""

# of our own: what a program sets of the functions in `ctypes.pythonapi` is for all that use them
_ALLOCATE = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThread_allocate_lock", ctypes.pythonapi))
_ACQUIRE = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)(("PyThread_acquire_lock", ctypes.pythonapi))
_THREAD = ctypes.PYFUNCTYPE(ctypes.c_ulong)(("PyThread_get_thread_ident", ctypes.pythonapi))


def _lines(count: int) -> NDArray[np.int64]:
    """Zeros, a cache line each, shape (count, 8)."""
    memory = np.zeros((count + 1) * LINE, np.int8)
    first = -memory.ctypes.data % LINE
    return memory[first : first + count * LINE].view(np.int64).reshape(count, -1)


class Crew:
    """Threads that help one caller at a time; see `crew.py`.

    Parameters
    ----------
    helpers : int
        The most that it may have; they are hired when they are asked for first.

    Attributes
    ----------
    address : int
        Of its record.
    process : _Shared
    """

    def __init__(self, helpers: int) -> None:
        self._most = helpers
        self._threads: list[threading.Thread] = []
        self.process = _process
        self._forks, self._is_dismissed = _process.forks, False
        self._words, self._offers = _lines(2), _lines(MOST_PARTS)
        self._sleepers, self._locks = _lines(helpers + 1), _lines(helpers + 1)
        api = ctypes.pythonapi
        self._record = filled(
            np.zeros(1, CREW),
            share=share,
            round=self._words[0].ctypes.data,
            left=self._words[1].ctypes.data,
            offers=self._offers.ctypes.data,
            sleepers=self._sleepers.ctypes.data,
            locks=self._locks.ctypes.data,
            acquire=_address(api.PyThread_acquire_lock),
            release=_address(api.PyThread_release_lock),
        )
        self.address: int = self._record.ctypes.data
        self._locks[0, 0] = _held_lock()
        work.address  # noqa: B018 - compiled by this thread, which may tell of it

    @property
    def serves(self) -> bool:
        """Whether it can be called again: it was not let go, and its threads are of this process."""
        return self._forks == self.process.forks and not self._is_dismissed

    def hire(self, helpers: int) -> bool:
        """Have so many helpers, or as many as there is room for; returns whether there are any."""
        if len(self._threads) < min(helpers, self._most):
            try:
                self._hire(helpers)
            except BaseException:  # Ctrl-C: nobody knows whether a thread was started that is not counted
                self.dismiss()
                raise
        return bool(self._threads)

    def _hire(self, helpers: int) -> None:
        for number in range(len(self._threads) + 1, min(helpers, self._most) + 1):
            if len(_process.helpers) >= _MOST_HELPERS * (self._most + 1):
                break
            if not self._locks[number, 0]:
                self._locks[number, 0] = _held_lock()
            arguments = (self, number, _THREAD())
            thread = threading.Thread(target=_help, args=arguments, name="pytmva_rnn", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system has no more, or Python is about to end: it goes without
                break
            self._threads.append(thread)
            _process.helpers.add(thread)
            self._record["helpers"] = number

    def dismiss(self) -> None:
        """Let the helpers go, one that is only beginning too."""
        self._is_dismissed = True
        self._record["helpers"] = self._most
        share(self.address, 0, 0, 0)
        _process.helpers.difference_update(self._threads)

    def end(self) -> None:
        """Let the helpers go, and wait until they have gone, but not long for one that a fork may have left behind."""
        self.dismiss()
        for thread in self._threads:
            thread.join(_FAREWELL)
            if thread.is_alive():
                return


def _help(crew: Crew, number: int, caller: int) -> None:
    """Be a helper; the crew stays in memory meanwhile, also where Ctrl-C took it from who had it."""
    # gevent and eventlet let what they have in place of threads run on the caller's: it would never get it back
    if _THREAD() != caller:
        work(crew.address, number)


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _held_lock() -> int:
    """Address of a new lock of Python's, acquired: the next one to acquire it waits until it is released."""
    lock: int | None = _ALLOCATE()
    if lock is None:
        raise MemoryError("there is no memory for another lock")
    _ACQUIRE(lock, 1)
    return lock


@dataclass
class _Shared:
    """What all threads of this process share; an object, since a class remembers what is being replaced in it."""

    idle: list[_Kept] = field(default_factory=list)
    helpers: set[threading.Thread] = field(default_factory=set)  # of all crews
    forks: int = 0


_process = _Shared()


class _Kept:
    """What a crew's holder has it by: where Ctrl-C takes it from them, at any moment, the crew is idle again."""

    __slots__ = ("crew",)

    def __init__(self, crew: Crew) -> None:
        self.crew = crew

    def __del__(self) -> None:
        crew = getattr(self, "crew", None)  # which it may not have come to have
        if crew is not None and crew.serves:
            crew.process.idle.append(type(self)(crew))  # by no global name: those go when Python ends


def _after_fork() -> None:
    # threads do not survive a fork, and the new process hires its own
    _process.forks += 1
    _process.idle.clear()
    _process.helpers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _end_all() -> None:
    # those that there are now: daemon threads may go on to hire
    with suppress(IndexError):
        for _ in range(len(_process.idle)):
            kept = _process.idle.pop()
            kept.crew.end()


# Python's threads end wherever they are when it does, and what they run is taken away then
atexit.register(_end_all)


class running:
    """Around a call of compiled code on some threads; gives the address of a crew, or 0: it has to do without.

    A class, since it is entered in every step of a training, and a generator would take longer.
    """

    __slots__ = ("_kept", "_threads")

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._kept: _Kept | None = None

    def __enter__(self) -> int:
        if self._threads < 2:
            return 0
        try:
            self._kept = _process.idle.pop()
        except IndexError:
            self._kept = _Kept(Crew(available_threads() - 1))
        crew = self._kept.crew
        return crew.address if crew.hire(self._threads - 1) else 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept is not None and self._kept.crew.serves:
            _process.idle.append(self._kept)
