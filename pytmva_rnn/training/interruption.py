"""Ctrl-C at a moment that suits the training."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from pytmva_rnn.compile import compiling, stop_message

__all__ = ["Interruption"]


class Interruption:
    """While entered, a first Ctrl-C is noted and `check` raises KeyboardInterrupt; a second raises it at once.

    Python would raise it anywhere, in the middle of a compilation or of a call into compiled code too, where it turns
    into other errors. Other threads than the main one, and programs with a handler of their own, are left alone.
    """

    def __init__(self) -> None:
        self._noted = False
        self._before: Any = None

    def __enter__(self) -> Interruption:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._noted:
            raise KeyboardInterrupt
        self._noted = True
        if compiling():
            stop_message()

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed."""
        if self._noted:
            raise KeyboardInterrupt
