"""What every program of the project has in common: plain lines of messages, errors in one line, exit codes."""

from __future__ import annotations

import io
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from pytmva_rnn.errors import TMVAError, shown_text
from pytmva_rnn.interruption import RaisedSignals, signal_number

__all__ = ["INTERRUPTED", "USER_ERROR", "exit_code", "explained", "run_program"]

USER_ERROR = 1
INTERRUPTED = 130


def exit_code(number: int) -> int:
    """What a program returns that a signal has ended, as a shell reports it."""
    return 128 + number


def run_program(name: str, call: Callable[[logging.Logger], int]) -> int:
    """Run a program's work with log messages as plain lines, and its errors told in one.

    Ctrl-C, SIGTERM and SIGHUP end it in order: what it has begun to write is taken away.

    Parameters
    ----------
    name : str
        Stands before errors and warnings.
    call : callable
        Gets the package's logger, which is put back afterwards; returns the exit code.

    Returns
    -------
    int
        Exit code: that of `call`, 1 wrong input, 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP.
    """
    with RaisedSignals() as signals, _printable():
        try:
            code = _run(name, call)
        except KeyboardInterrupt as error:
            code = exit_code(signals.number or signal_number(error))
        except BaseException as error:
            # Numba's form of a Ctrl-C that arrives while it takes a function's arguments, and others like it
            if not signals.number and not isinstance(error.__cause__, KeyboardInterrupt):
                raise
            code = exit_code(signals.number or INTERRUPTED - 128)
        else:
            # where Python cannot raise an error, in a callback, it passes over the signal
            if not signals.number or code > 128:
                return code
            code = exit_code(signals.number)
        print(f"{name}: interrupted", file=sys.stderr)
        return code


def _run(name: str, call: Callable[[logging.Logger], int]) -> int:
    logger = logging.getLogger("pytmva_rnn")
    handler = _Lines(name)
    before = (logger.level, logger.propagate)
    logger.addHandler(handler)
    logger.propagate = False

    def show_warning(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        """Without the place in the program, which tells users nothing."""
        print(f"{name}: warning: {message}", file=sys.stderr)

    try:
        with warnings.catch_warnings():
            warnings.showwarning = show_warning
            code = call(logger)
            sys.stdout.flush()
            return code
    except BrokenPipeError:
        # The reader of a pipe, such as `head`, has left; Python must not try to flush once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USER_ERROR
    except (TMVAError, OSError) as error:
        print(f"{name}: error: {explained(error)}", file=sys.stderr)
        return USER_ERROR
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


@contextmanager
def _printable() -> Iterator[None]:
    """Show what the terminal's encoding lacks, such as names of files that are not UTF-8, with a backslash."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, io.TextIOWrapper)]
    before = [stream.errors for stream in streams]
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in zip(streams, before, strict=True):
            stream.reconfigure(errors=errors)


class _Lines(logging.Handler):
    """Log messages as plain lines of the standard output, warnings on the standard error."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._program = name
        # On a terminal a progress bar puts itself in place of sys.stdout for a while, to keep lines and bar apart.
        self.stream: TextIO | None = None if sys.stdout.isatty() else sys.stdout

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            print(f"{self._program}: warning: {self.format(record)}", file=sys.stderr)
        else:
            print(self.format(record), file=self.stream)


def explained(error: Exception) -> str:
    """What an error says, in the words of a program."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        # Of a renaming, the file that was to be, not the temporary one.
        return shown_text(f"{error.filename2 or error.filename}: {error.strerror}")
    return str(error) or type(error).__name__
