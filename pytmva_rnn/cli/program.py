"""What every program of the project has in common: plain lines of messages, errors in one line, exit codes."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable
from typing import TextIO

from pytmva_rnn.errors import TMVAError

__all__ = ["INTERRUPTED", "USER_ERROR", "run_program"]

USER_ERROR = 1
INTERRUPTED = 130


def run_program(name: str, call: Callable[[logging.Logger], int]) -> int:
    """Run a program's work with log messages as plain lines, and its errors told in one.

    Parameters
    ----------
    name : str
        Stands before errors and warnings.
    call : callable
        Gets the package's logger, which is put back afterwards; returns the exit code.

    Returns
    -------
    int
        Exit code: that of `call`, 1 wrong input, 130 interrupted.
    """
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
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except SystemError as error:
        # Numba's form of a Ctrl-C that arrives while it takes a function's arguments.
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        print(f"{name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe, such as `head`, has left; Python must not try to flush once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USER_ERROR
    except (TMVAError, OSError) as error:
        print(f"{name}: error: {_explained(error)}", file=sys.stderr)
        return USER_ERROR
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


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


def _explained(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        # Of a renaming, the file that was to be, not the temporary one.
        return f"{error.filename2 or error.filename}: {error.strerror}"
    return str(error) or type(error).__name__
