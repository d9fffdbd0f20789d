"""What users wait for: says that something is compiled, measures it, and has Ctrl-C wait for it."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any

from pytmva_rnn.interruption import Held

__all__ = ["compilation", "compiling", "making_ready", "nothing_kept", "saved", "seconds", "watched"]

log = logging.getLogger("pytmva_rnn")

_NUMBA = "pytmva_rnn.compile.by_numba"


class _Thread(threading.local):
    """What a thread compiles."""

    use = ""
    depth = 0  # of functions that are compiled because others call them
    since = 0.0
    seconds = 0.0  # that it has spent so far
    timer: threading.Timer | None = None
    held: Held | None = None


_thread = _Thread()
_told: set[str] = set()
_spent: dict[str, float] = {}


class compilation:
    """Around the use of compiled code: what a compilation in it is for, in the message to the user.

    The outermost counts. A class, since it is entered in every step of a training, and a generator would take longer.
    """

    __slots__ = ("_outer", "_use")

    def __init__(self, use: str) -> None:
        self._use = use

    def __enter__(self) -> None:
        self._outer = _thread.use
        _thread.use = self._outer or self._use

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _thread.use = self._outer


def seconds() -> float:
    """How long this thread has waited for compiled code so far, whether it was compiled or read."""
    return _thread.seconds


def compiling() -> bool:
    """Whether this thread is compiling."""
    return _thread.timer is not None


def watched(compile: Callable[..., Any]) -> Callable[..., Any]:
    """The method `compile` of one of Numba's compilers, so that users learn of it and Ctrl-C waits for it.

    Python would raise KeyboardInterrupt anywhere in Numba, where it turns into other errors. `saved` ends what begins
    here: what was compiled is kept.
    """

    def observed(*arguments: Any) -> Any:
        if _thread.depth == 0:
            _begin()
        _thread.depth += 1
        try:
            return compile(*arguments)
        except BaseException:
            if _thread.depth == 1:
                _end()
            raise
        finally:
            _thread.depth -= 1

    return observed


def saved() -> None:
    """A function has been compiled and kept; raises KeyboardInterrupt if Ctrl-C was pressed meanwhile."""
    if _thread.depth == 0 and compiling():
        _end()


@contextmanager
def making_ready() -> Iterator[None]:
    """Count the time of the block; within a compilation that is counted already."""
    start = time.perf_counter()
    try:
        yield
    finally:
        if _thread.depth == 0:
            _thread.seconds += time.perf_counter() - start


def _begin() -> None:
    use = _thread.use
    held = Held(_stop_message)
    held.__enter__()
    _thread.held = held
    _thread.since = time.perf_counter()
    # a use compiles several functions, and only together they may take long
    _thread.timer = threading.Timer(max(0.0, 1 - _spent.get(use, 0.0)), _announce, [use])
    _thread.timer.daemon = True
    with suppress(RuntimeError):  # the system has no more threads, or Python is about to end: nothing is said then
        _thread.timer.start()


def _end() -> None:
    """The outermost compilation is over; a signal that came since `_begin` takes effect."""
    if _thread.timer is not None:
        _thread.timer.cancel()
        _thread.timer = None
    spent = time.perf_counter() - _thread.since
    _thread.seconds += spent
    _spent[_thread.use] = _spent.get(_thread.use, 0.0) + spent
    held, _thread.held = _thread.held, None
    if held is not None:
        held.__exit__(None, None, None)


def _stop_message() -> None:
    log.warning("stopping as soon as the compilation is done; Ctrl-C once more stops at once")


def _expected() -> str:
    """How long it takes; longer where there is something for Numba to compile."""
    return "5 s to a minute" if _NUMBA in sys.modules else "2 to 20 s"


def _announce(use: str) -> None:
    if use not in _told:
        _told.add(use)
        # who has not set up logging sees warnings only
        level = logging.INFO if log.isEnabledFor(logging.INFO) else logging.WARNING
        log.log(
            level,
            "compiling the code for %s; that takes %s, as busy as the machine is, %s",
            use or "this",
            _expected(),
            "and every time" if "nothing kept" in _told else "but only this once",
        )


def nothing_kept(reason: str) -> None:
    """Warn, once, that every process will compile anew."""
    if "nothing kept" not in _told:
        _told.add("nothing kept")
        log.warning(
            "compiled code cannot be kept (%s): every process will compile anew, for a training %s each time; "
            "set NUMBA_CACHE_DIR to a folder that can be written",
            reason,
            _expected(),
        )
