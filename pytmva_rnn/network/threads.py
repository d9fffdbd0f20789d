"""How many threads a user asks for, and whose turn it is where threads share what only one may use."""

from __future__ import annotations

import os
import threading

from pytmva_rnn.errors import OptionError

__all__ = ["VARIABLE", "Turn", "asked_threads", "forks"]

VARIABLE = "PYTMVA_RNN_THREADS"

MOST = 4096
"""Threads: each takes memory of its own, and no machine has more cores."""

_DIGITS = 10


def asked_threads(threads: int | None) -> int | None:
    """The argument `threads`, else the environment variable PYTMVA_RNN_THREADS, else None: what pays.

    Raises
    ------
    ValueError
        For an argument below 1 or above `MOST`.
    OptionError
        If the variable is not a number from 1 on.
    """
    if threads is not None:
        if threads < 1:
            raise ValueError(f"threads must be 1 or more, not {threads}")
        if threads > MOST:
            raise ValueError(f"threads must be at most {MOST}, not {threads}")
        return threads
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    if not (text.isdecimal() and len(text) < _DIGITS and 0 < int(text) <= MOST):
        raise OptionError(
            f"the environment variable {VARIABLE} is {text!r}; set it to a number of threads, from 1 to {MOST}"
        )
    return int(text)


class _Forks:
    count = 0


def forks() -> int:
    """How often this process, and those that it was forked from, have been forked: equal numbers are one process."""
    return _Forks.count


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: setattr(_Forks, "count", _Forks.count + 1))


class Turn:
    """A lock that is free in a forked process, where a thread that held it does not exist."""

    def __init__(self) -> None:
        self._locks: dict[int, threading.Lock] = {}

    @property
    def lock(self) -> threading.Lock:
        """The lock of this process, to be entered itself.

        Ctrl-C never comes between its being acquired and the block. With methods of a class around it that would
        happen, and nobody would release it any more.
        """
        lock = self._locks.get(_Forks.count)
        if lock is None:
            # one dictionary operation, so that threads agree on a lock
            lock = self._locks.setdefault(_Forks.count, threading.Lock())
        return lock
