"""`pytmva-rnn selftest`: whether a machine computes what it should."""

from __future__ import annotations

import argparse
import platform
import time

import llvmlite
import numpy as np

from pytmva_rnn._version import __version__
from pytmva_rnn.kernels import BACKENDS
from pytmva_rnn.network.devices import backend_engine, hardware
from pytmva_rnn.selftest import run_trials

__all__ = ["add_command", "run"]

_EPILOG = """\
examples:
  pytmva-rnn selftest
  pytmva-rnn selftest --backend cuda

exit codes: 0 all trials came out right, 1 some did not, or the backend cannot be used here
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "selftest",
        help=summary,
        description="Run ports of TMVA's own tests of its recurrent layers on this machine: small networks learn "
        "(TestFullRNN), and their gradients are compared with numerical derivatives, or with those of the backend "
        "that is the definition (TestRecurrentBackpropagation). Nothing is read or written, but for compiled code.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--backend", choices=BACKENDS, default="cpu", help="what computes (default: %(default)s)")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print a line for each trial, and how many came out right."""
    backend_engine(given.backend)
    print(f"pytmva_rnn {__version__}, backend {given.backend} on {hardware(given.backend)}")
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, llvmlite {llvmlite.__version__}", flush=True)
    start, passed, failed = time.monotonic(), 0, 0
    for trial in run_trials(given.backend):
        print(trial, flush=True)
        passed, failed = passed + trial.passed, failed + (not trial.passed)
    print(f"{passed} trials came out right, {failed} did not, in {time.monotonic() - start:.0f} s")
    return 1 if failed else 0
