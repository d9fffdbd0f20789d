"""The command `pytmva-rnn`."""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
from collections.abc import Sequence
from importlib import import_module

from pytmva_rnn._version import __version__
from pytmva_rnn.cli.program import run_program
from pytmva_rnn.errors import TMVAError

__all__ = ["main"]

COMMANDS = {
    "train": "train a network on ROOT files and write its weight file",
    "evaluate": "score the events of ROOT files with a weight file",
    "report": "show how well a network does: a page with pictures, numbers, and how it was made",
    "inspect": "show what a weight file holds",
    "validate": "say what is wrong with weight files",
    "convert": "write a network in another format: TMVA, C++, ONNX, PyTorch, Keras",
    "plugin": "write the header that makes pytmva_rnn a method of ROOT's TMVA in C++",
    "cache": "show or remove the events that trainings within a limit of memory keep on disk",
    "tune": "search the best options of a configuration, and write it",
    "compare": "score events with two files of a network, and show how far apart they are",
    "selftest": "run TMVA's own tests on this machine, before trusting it",
}
"""The commands, each a module of this package, and what they do."""

_EPILOG = """\
examples:
  pytmva-rnn train examples/quark_gluon.toml
  pytmva-rnn evaluate dataset/weights/TMVAClassification_LSTM.weights.xml 'data/*.root' -o scores.root
  pytmva-rnn report dataset/weights/TMVAClassification_LSTM.weights.xml examples/quark_gluon.toml
  pytmva-rnn inspect dataset/weights/TMVAClassification_LSTM.weights.xml
  pytmva-rnn validate dataset/weights/*.xml
  pytmva-rnn convert dataset/weights/TMVAClassification_LSTM.weights.xml QuarkGluon.hxx
  pytmva-rnn cache --clear
  pytmva-rnn compare dataset/weights/TMVAClassification_LSTM.weights.xml net.onnx data.root
  pytmva-rnn selftest

exit codes: 0 done, 1 wrong input (told in one line), 2 wrong usage, 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP
"""


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """Only the module of the command that is asked for is imported: what they need takes up to a second."""
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
        Exit code: 0 done, 1 wrong input, 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP (argparse exits with 2 by itself for wrong
        usage).
    """
    given_argv = sys.argv[1:] if argv is None else argv

    def run(logger: logging.Logger) -> int:
        for argument in given_argv:
            if "\0" in argument:
                raise TMVAError(f"{argument!r}: a name has no NUL character")
        given = _parser(given_argv).parse_args(given_argv)
        given.command_line = shlex.join(["pytmva-rnn", *given_argv])
        logger.setLevel(logging.DEBUG if getattr(given, "verbose", False) else logging.INFO)
        code: int = given.run(given)
        return code

    return run_program("pytmva-rnn", run)
