"""Ctrl-C, SIGTERM and SIGHUP at a moment that suits.

Python raises KeyboardInterrupt anywhere: in the middle of a compilation or of a call into compiled code, where it turns
into other errors, or in a callback, where it is lost; and SIGTERM and SIGHUP, which batch systems and closed terminals
send, end the process at once. Here they are noted first. Only in the main thread, where Python runs the handlers of
signals; and a handler that the program has set itself, or signals that it ignores, are left alone.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, NoReturn

__all__ = ["Held", "Interruption", "RaisedSignals", "Terminated", "raise_interruption", "signal_number"]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_SIGNALS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))  # Windows has no SIGHUP

_SAME = 1.0
"""Seconds within which a second signal is the first once more: launchers pass on what the terminal has sent as well."""


class Terminated(KeyboardInterrupt):
    """What SIGTERM and SIGHUP raise, as Ctrl-C raises KeyboardInterrupt.

    Parameters
    ----------
    number : int
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def signal_number(error: KeyboardInterrupt) -> int:
    """The signal that raised an error."""
    return error.number if isinstance(error, Terminated) else int(signal.SIGINT)


class _State:
    """What is noted in the main thread."""

    def __init__(self) -> None:
        self.depth = 0  # of the blocks that hold signals
        self.before: dict[int, Any] = {}  # the handlers that these have replaced
        self.number = 0
        self.at = 0.0
        self.words: list[Callable[[], object]] = []  # what to say when a signal is noted


_state = _State()


def raise_interruption(number: int) -> NoReturn:
    """Raise what a signal raises: KeyboardInterrupt, or `Terminated`."""
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)


def _note(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if _state.number:
        if number == signal.SIGINT and now - _state.at > _SAME:
            _state.number = 0
            raise KeyboardInterrupt
        return
    _state.number, _state.at = number, now
    if _state.words:
        _state.words[-1]()


def _replaceable(number: int) -> bool:
    """Whether nobody else has set a handler."""
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    return signal.getsignal(number) in (usual, *_raised)


def _set(handler: Callable[[int, FrameType | None], object], before: dict[int, Any]) -> None:
    for number in _SIGNALS:
        if _replaceable(number):
            before[number] = signal.getsignal(number)
            signal.signal(number, handler)


def _restore(before: dict[int, Any]) -> None:
    try:
        for number in list(before):
            signal.signal(number, before[number])
            del before[number]
    finally:
        if before:  # a signal has come in between
            _restore(before)


class Held:
    """While entered, signals are noted; at the end they take effect as they would have without.

    Parameters
    ----------
    words : callable, optional
        Called when a signal is noted, to say what it waits for.

    Examples
    --------
    >>> from pytmva_rnn.interruption import Held
    >>> with Held():
    ...     pass  # what must not be left half done
    """

    def __init__(self, words: Callable[[], object] | None = None) -> None:
        self._words = words
        self._entered = False

    def __enter__(self) -> Held:
        if threading.current_thread() is threading.main_thread():
            words = len(_state.words)
            self._entered = True
            _state.depth += 1
            try:
                if self._words is not None:
                    _state.words.append(self._words)
                if _state.depth == 1:
                    _set(_note, _state.before)
            except BaseException:  # a signal has come in between: the next to enter is the outermost again
                del _state.words[words:]
                self._entered = False
                _state.depth -= 1
                if not _state.depth:
                    _restore(_state.before)
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        number = self._leave()
        if number and not isinstance(error, KeyboardInterrupt):
            signal.raise_signal(number)

    def _leave(self) -> int:
        """Put back the handlers; the signal that was noted, if this is the outermost."""
        if not self._entered:
            return 0
        self._entered = False
        if self._words is not None:
            _state.words.pop()
        _state.depth -= 1
        if _state.depth:
            return 0
        try:
            _restore(_state.before)
        finally:
            number, _state.number = _state.number, 0
        return number


class Interruption(Held):
    """While entered, a first signal is noted and `check` raises KeyboardInterrupt; a second Ctrl-C raises it at once.

    What is not checked for is raised at the end, also in a program where SIGTERM or SIGHUP would end the process.
    """

    def __enter__(self) -> Interruption:
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        number = self._leave()
        if number and error is None:
            raise_interruption(number)

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal was noted."""
        if self._entered and _state.number:
            number, _state.number = _state.number, 0
            raise_interruption(number)


class RaisedSignals:
    """While entered, SIGTERM and SIGHUP raise `Terminated`, so that a program can put things in order.

    Attributes
    ----------
    number : int
        The first signal that was raised, 0 if there was none; Ctrl-C as well, even where the error has been lost.
    """

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> RaisedSignals:
        if threading.current_thread() is threading.main_thread():
            _raised.append(self._raised)
            try:
                _set(self._raised, self._before)
            except BaseException:  # a signal has come in between
                self._leave()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._raised in _raised:
            self._leave()

    def _leave(self) -> None:
        try:
            _restore(self._before)
        finally:
            _raised.remove(self._raised)

    def _raised(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
        raise_interruption(number)


_raised: list[Callable[[int, FrameType | None], None]] = []
"""The handlers of the programs that run."""
