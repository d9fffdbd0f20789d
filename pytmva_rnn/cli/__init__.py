"""The command `pytmva-rnn`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import TextIO

from pytmva_rnn._version import __version__
from pytmva_rnn.errors import TMVAError

__all__ = ["main"]

COMMANDS = {
    "train": "train a network on ROOT files and write its weight file",
    "evaluate": "score the events of ROOT files with a weight file",
    "inspect": "show what a weight file holds",
    "validate": "say what is wrong with weight files",
    "convert": "write a weight file's network as a C++ header",
}
"""The commands, each a module of this package, and what they do."""

USER_ERROR = 1
INTERRUPTED = 130

_EPILOG = """\
examples:
  pytmva-rnn train examples/quark_gluon.toml
  pytmva-rnn evaluate dataset/weights/TMVAClassification_LSTM.weights.xml 'data/*.root' -o scores.root
  pytmva-rnn inspect dataset/weights/TMVAClassification_LSTM.weights.xml
  pytmva-rnn validate dataset/weights/*.xml
  pytmva-rnn convert dataset/weights/TMVAClassification_LSTM.weights.xml QuarkGluon.hxx

exit codes: 0 done, 1 wrong input (told in one line), 2 wrong usage, 130 interrupted
"""


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """Only the module of the command that is asked for is imported: Numba and uproot take most of a second."""
    parser = argparse.ArgumentParser(
        prog="pytmva-rnn",
        description="Train and apply the recurrent networks of ROOT's TMVA, without ROOT.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    asked = next((argument for argument in argv if not argument.startswith("-")), None)
    for name, summary in COMMANDS.items():
        if name == asked:
            import_module(f"{__name__}.{name}_command").add_command(commands, summary)
        else:
            commands.add_parser(name, help=summary)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; those of the process by default.

    Returns
    -------
    int
        Exit code: 0 done, 1 wrong input, 130 interrupted (argparse exits with 2 by itself for wrong usage).
    """
    logger = logging.getLogger("pytmva_rnn")
    handler = _Lines()
    before = (logger.level, logger.propagate)
    logger.addHandler(handler)
    logger.propagate = False
    try:
        argv = sys.argv[1:] if argv is None else argv
        given = _parser(argv).parse_args(argv)
        logger.setLevel(logging.DEBUG if getattr(given, "verbose", False) else logging.INFO)
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code: int = given.run(given)
            sys.stdout.flush()
            return code
    except KeyboardInterrupt:
        print("pytmva-rnn: interrupted", file=sys.stderr)
        return INTERRUPTED
    except SystemError as error:
        # Numba's form of a Ctrl-C that arrives while it takes a function's arguments.
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        print("pytmva-rnn: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe, such as `head`, has left; Python must not try to flush once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USER_ERROR
    except (TMVAError, OSError) as error:
        print(f"pytmva-rnn: error: {_explained(error)}", file=sys.stderr)
        return USER_ERROR
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


class _Lines(logging.Handler):
    """Log messages as plain lines of the standard output, warnings on the standard error."""

    def __init__(self) -> None:
        super().__init__()
        # On a terminal a progress bar puts itself in place of sys.stdout for a while, to keep lines and bar apart.
        self.stream: TextIO | None = None if sys.stdout.isatty() else sys.stdout

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            print(f"pytmva-rnn: warning: {self.format(record)}", file=sys.stderr)
        else:
            print(self.format(record), file=self.stream)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Without the place in the program, which tells users nothing."""
    print(f"pytmva-rnn: warning: {message}", file=sys.stderr)


def _explained(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        # Of a renaming, the file that was to be, not the temporary one.
        return f"{error.filename2 or error.filename}: {error.strerror}"
    return str(error) or type(error).__name__
