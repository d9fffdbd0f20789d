"""How many threads a user asks for, and whose turn it is where threads share what only one may use."""

from __future__ import annotations

import os
import threading
import weakref

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
    try:
        text = os.environ[VARIABLE].strip()
    except KeyError:  # a call less than `get`, in every call of `predict`
        return None
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


class Turn:
    """A lock that is free in a forked process, where a thread that held it does not exist.

    Attributes
    ----------
    lock : Lock
        Of this process, to be entered itself: Ctrl-C never comes between its being acquired and the block. With methods
        of a class around it that would happen, and nobody would release it any more.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        _turns.add(self)


_turns: weakref.WeakSet[Turn] = weakref.WeakSet()


def _after_fork() -> None:
    _Forks.count += 1
    for turn in _turns:
        turn.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
