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

exit codes: 0 all files are valid, if with warnings where C++ TMVA scores otherwise; 1 something is wrong with one
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
    code = 0
    for file in given.files:
        lines, valid = _findings(file)
        for line in [*lines, *([f"{file}: valid"] if valid else [])]:
            print(line)
        code = code if valid else 1
    return code


def _findings(file: Path) -> tuple[list[str], bool]:
    """What is to be said of a file, and whether it is valid."""
    try:
        found = validate(file)
    except OSError as error:
        return [f"{file}: {error.strerror}"], False
    lines = [f"{file}:{'' if finding.line is None else f'{finding.line}:'} {finding}" for finding in found]
    return lines, all(finding.warning for finding in found)
