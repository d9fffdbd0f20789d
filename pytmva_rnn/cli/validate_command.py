"""`pytmva-rnn validate`: what is wrong with weight files."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytmva_rnn.weightfile.validation import validate

__all__ = ["add_command", "run"]

_EPILOG = """\
examples:
  pytmva-rnn validate dataset/weights/TMVAClassification_LSTM.weights.xml
  pytmva-rnn validate dataset/weights/*.xml

exit codes: 0 all files are valid, 1 something is wrong with one of them
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "validate",
        help=summary,
        description="Check weight files of TMVA's MethodDL against the schema, and whether their parts fit each other.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", metavar="FILE", type=Path, nargs="+", help="weight file")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print a line for each problem, or that the file is valid; a file that cannot be opened does not stop the rest."""
    lines = [(file, _problems(file)) for file in given.files]
    for file, problems in lines:
        for problem in problems or [f"{file}: valid"]:
            print(problem)
    return 1 if any(problems for _, problems in lines) else 0


def _problems(file: Path) -> list[str]:
    try:
        return [f"{file}:{'' if p.line is None else f'{p.line}:'} {p}" for p in validate(file)]
    except OSError as error:
        return [f"{file}: {error.strerror}"]
