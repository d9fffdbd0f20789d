"""`python tools/bench`: how fast the networks train and predict on this machine."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.list_arguments import count, counts, some_of
from pytmva_rnn.cli.program import run_program

__all__ = ["main"]

_CASES = ("1", "2", "3", "4")
_LAYERS = ("LSTM", "GRU", "RNN")
_WHATS = ("train", "infer", "one")
_BATCHES = (100, 1024, 8192, 65536)

_EPILOG = """\
examples:
  python tools/bench --quick
  python tools/bench -o results
  python tools/bench --cases 1 --layers LSTM --what train --rounds 21
  python tools/bench --against ../pytmva_rnn-before
  python tools/bench --against ../pytmva_rnn-before --threads 1,2 --busy 2
  python tools/bench --device cuda --batches 100,65536
  python tools/bench --device cuda --cases 4 --layers LSTM --batches 1024
  python tools/bench compare before/bench.json after/bench.json
  python tools/bench profile --cases 3
  python tools/bench sweep --axes state,batch

PyTorch, ONNX Runtime and C++ TMVA take part where they are installed: pip install "pytmva_rnn[torch,onnx]".
For numbers to publish, let the machine do nothing else.
Each comparison is printed and written as soon as it is there, so that a run that is stopped keeps what it has.
A contestant that takes more than ten times its share of the time is stopped, and the report says so.

exit codes: 0 done, 1 not comparable (told in one line), 2 wrong usage, 130 interrupted, 143 terminated
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks, or compare two runs, or take calls apart, or sweep.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; those of the process by default.

    Returns
    -------
    int
        Exit code: 0 done, 1 programs that cannot be compared, 130 interrupted, 143 terminated (argparse exits with 2 by
        itself for wrong usage).
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments[:1] == ["compare"]:
        from bench.comparing import main as compare

        return compare(arguments[1:])
    if arguments[:1] == ["profile"]:
        from bench.profile_command import main as profile

        return profile(arguments[1:])
    if arguments[:1] == ["sweep"]:
        from bench.sweep.sweep_command import main as sweep

        return sweep(arguments[1:])
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.against is not None and given.device == "cuda":
        parser.error("--against compares on the CPU; leave out --device cuda")

    def run(logger: logging.Logger) -> int:
        logger.setLevel(logging.INFO)
        return _run(given)

    return run_program("bench", run)


def _run(given: argparse.Namespace) -> int:
    """Measure; print and write each comparison, and in the end, however it comes, the whole report."""
    from bench.busy import busy_cores
    from bench.report import as_markdown, write_picture, write_report
    from bench.suite import run_suite

    results, files, shown = None, [], 0
    try:
        with busy_cores(given.busy):
            for results in run_suite(_settings(given)):
                for comparison in results.comparisons[shown:]:
                    print(comparison.line(), flush=True)
                shown = len(results.comparisons)
                files = write_report(results, given.output)
    finally:
        if results is not None:
            if results.settings.limit is None:
                files += write_picture(results, given.output)
            print(as_markdown(results))
            for file in files:
                print(file)
    return 0


def _settings(given: argparse.Namespace) -> Any:
    from bench.cases import CASES, USUAL
    from bench.contestants import CONTESTANTS, GPU_CONTESTANTS
    from bench.results import Settings

    cases = tuple(CASES[name] for name in given.cases or (_CASES if given.device == "cuda" else USUAL))
    calls, threads, contestants = given.what, given.threads, CONTESTANTS
    if given.device == "cuda":
        cases = tuple(replace(case, batch=batch) for case in cases for batch in given.batches or _BATCHES)
        calls = tuple(what for what in calls or _WHATS if what != "one")
        threads, contestants = (0,), GPU_CONTESTANTS
    elif given.against is not None:
        from bench.contestants.checkout import checkout

        here = Path(__file__).resolve().parents[2]
        contestants = (checkout(here, "pytmva_rnn"), checkout(given.against.resolve(), str(given.against)))
    chosen = {
        "cases": cases,
        "layers": given.layers,
        "calls": calls,
        "rounds": given.rounds,
        "threads": threads,
        "contestants": contestants,
        "patience": given.patience,
        "busy": given.busy,
    }
    changes: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    return Settings.quick(**changes) if given.quick else Settings(**changes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tools/bench",
        description="Time training steps, scores of batches and of one event, in turns with other programs that "
        "compute the same, which is checked first.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="cuda: train and infer on an NVIDIA GPU, beside PyTorch with cuDNN (default: %(default)s)",
    )
    parser.add_argument(
        "--against",
        metavar="FOLDER",
        type=Path,
        help="compare with the pytmva_rnn of another checkout, in a process of its own, instead of other programs",
    )
    parser.add_argument(
        "--batches",
        metavar="LIST",
        type=counts,
        help="with --device cuda: batch sizes; 100,1024,8192,65536 by default",
    )
    parser.add_argument(
        "--cases",
        metavar="LIST",
        type=some_of(_CASES),
        help="out of 1,2,3,4, of which 4 has 256 states; 1,2,3 by default, and all with --device cuda",
    )
    parser.add_argument("--layers", metavar="LIST", type=some_of(_LAYERS), help="out of LSTM,GRU,RNN; all by default")
    parser.add_argument("--what", metavar="LIST", type=some_of(_WHATS), help="out of train,infer,one; all by default")
    parser.add_argument("--rounds", metavar="N", type=count, help="rounds of the comparison; 9 by default")
    parser.add_argument("--threads", metavar="LIST", type=counts, help="numbers of threads; 1 and all cores by default")
    parser.add_argument(
        "--busy", metavar="N", type=count, default=0, help="take cores with so many processes that do nothing else"
    )
    parser.add_argument(
        "--patience",
        metavar="N",
        type=count,
        help="stop contestants that take more than N times their share of the time; 10 by default",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few and short rounds, no epochs, no picture: under two minutes in all; what finds no place in them is "
        "left out",
    )
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", type=Path, default=Path("bench"), help="default: %(default)s"
    )
    return parser
