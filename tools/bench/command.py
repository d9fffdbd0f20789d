"""`python tools/bench`: how fast the networks train and predict on this machine."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["add_command", "run"]

_CASES = ("1", "2", "3")
_LAYERS = ("LSTM", "GRU", "RNN")
_WHATS = ("train", "infer", "one")

_EPILOG = """\
examples:
  python tools/bench --quick
  python tools/bench -o results
  python tools/bench --cases 1 --layers LSTM --what train --rounds 21
  python tools/bench --device cuda --batches 100,65536

PyTorch, ONNX Runtime and C++ TMVA take part where they are installed: pip install "pytmva_rnn[torch,onnx]".
For numbers to publish, let the machine do nothing else. The speed on a GPU has not been measured yet.
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "bench",
        help=summary,
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
        "--batches",
        metavar="LIST",
        type=_counts,
        help="with --device cuda: batch sizes; 100,1024,8192,65536 by default",
    )
    parser.add_argument("--cases", metavar="LIST", type=_some_of(_CASES), help="out of 1,2,3; all by default")
    parser.add_argument("--layers", metavar="LIST", type=_some_of(_LAYERS), help="out of LSTM,GRU,RNN; all by default")
    parser.add_argument("--what", metavar="LIST", type=_some_of(_WHATS), help="out of train,infer,one; all by default")
    parser.add_argument("--rounds", metavar="N", type=_count, help="rounds of the comparison; 9 by default")
    parser.add_argument(
        "--threads", metavar="LIST", type=_counts, help="numbers of threads; 1 and all cores by default"
    )
    parser.add_argument("--quick", action="store_true", help="few and short rounds: under two minutes in all")
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", type=Path, default=Path("bench"), help="default: %(default)s"
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Measure, write the report, and print its tables."""
    if given.device == "cuda":
        return _run_on_gpu(given)
    from bench import CASES, Settings, run_suite, write_report
    from bench.report import as_markdown

    chosen = {
        "cases": given.cases and tuple(CASES[name] for name in given.cases),
        "layers": given.layers,
        "whats": given.what,
        "rounds": given.rounds,
        "threads": given.threads,
    }
    changes: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    results = run_suite(Settings.quick(**changes) if given.quick else Settings(**changes))
    files = write_report(results, given.output)
    print(as_markdown(results))
    for file in files:
        print(file)
    return 0


def _run_on_gpu(given: argparse.Namespace) -> int:
    from bench import CASES
    from bench.gpu import GpuSettings, as_markdown, run_gpu_suite, write_gpu_report

    chosen: dict[str, Any] = {
        "cases": given.cases and tuple(CASES[name] for name in given.cases),
        "layers": given.layers,
        "whats": given.what and tuple(what for what in given.what if what != "one"),
        "batches": given.batches,
        "rounds": given.rounds or (3 if given.quick else None),
        "calls": 10 if given.quick else None,
    }
    results = run_gpu_suite(GpuSettings(**{name: value for name, value in chosen.items() if value is not None}))
    files = write_gpu_report(results, given.output)
    print(as_markdown(results))
    for file in files:
        print(file)
    return 0


def _some_of(names: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """A parser of lists of these names, which gives them in their own order."""

    def parsed(text: str) -> tuple[str, ...]:
        given = [word.strip() for word in text.split(",")]
        known = {name.upper(): name for name in names}
        for word in given:
            if word.upper() not in known:
                raise argparse.ArgumentTypeError(f"{word!r} is none of {', '.join(names)}")
        return tuple(name for name in names if name.upper() in {word.upper() for word in given})

    return parsed


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def _counts(text: str) -> tuple[int, ...]:
    return tuple(sorted({_count(word.strip()) for word in text.split(",")}))
