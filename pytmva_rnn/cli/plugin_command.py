"""`pytmva-rnn plugin`: the header that makes pytmva_rnn a method of TMVA in C++."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytmva_rnn.files import atomic_path
from pytmva_rnn.outputs import HEADER, Output, check_outputs
from pytmva_rnn.pyroot.plugin import plugin_header

__all__ = ["add_command", "run"]

_EPILOG = """\
examples:
  pytmva-rnn plugin PyTMVARNN.hxx
  g++ -O2 program.cxx $(root-config --cflags --libs) -lTMVA -lXMLIO -o program

The program includes PyTMVARNN.hxx and calls pytmva_rnn::install(true): TMVA::Reader then reads the weight files of
MethodDL with pytmva_rnn, without Python and in a TMVA without DL. Python needs no header: pytmva_rnn.pyroot.install().

exit codes: 0 done, 1 wrong input (told in one line), 2 wrong usage
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "plugin",
        help=summary,
        description="Write the C++ header that makes pytmva_rnn a method of TMVA.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("output", metavar="OUT.hxx", type=Path, help="file to write: .hxx, .hpp, .hh or .h")
    parser.add_argument("--force", action="store_true", help="replace a file that is there and holds something else")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Write the header."""
    check_outputs([Output("header", given.output, HEADER)], force=given.force)
    with atomic_path(given.output) as temporary:
        temporary.write_text(plugin_header(), encoding="utf-8", newline="\n")
    print(f'{given.output}: #include "{given.output.name}", pytmva_rnn::install(true); C++17 and a ROOT with TMVA')
    return 0
