"""`python tools/bench sweep`: how cost grows with each size, and where it does not as it should."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.cases import CALLS, LAYERS
from bench.contestants.ours import Ours
from bench.list_arguments import count, counts, some_of
from bench.machine import describe_machine
from bench.roofline import measure_peaks
from bench.sweep.axes import AXES, EVENTS, settings_of
from bench.sweep.growth import Curve
from bench.sweep.streamed_events import sweep_events
from bench.sweep.sweep_report import Sweep, curve_table, write_sweep
from bench.sweep.sweeping import sweep_memory, sweep_times
from pytmva_rnn.cli.program import run_program

__all__ = ["main"]

_EPILOG = """\
examples:
  python tools/bench sweep --quick
  python tools/bench sweep --axes state,steps --layers LSTM -o results
  python tools/bench sweep --axes batch --values 1,2,3,5,8,13 --what infer
  python tools/bench sweep --axes events --values 10000,1000000 --memory "1 GB" --folder /scratch

A cliff is a value that costs more than 1.5 times what its neighbours let expect. Each curve is printed and written as
soon as it is there. With all of its axes a sweep takes an hour and, for 100,000,000 events, some 35 GB of disk.

exit codes: 0 done, 1 something is not as needed (told in one line), 2 wrong usage, 130 interrupted, 143 terminated
"""

_QUICK = {
    "state": (4, 16, 64, 128),
    "steps": (1, 10, 50),
    "inputs": (1, 8, 64),
    "batch": (1, 16, 256, 4096),
    EVENTS: (10_000, 100_000),
}


def main(argv: Sequence[str]) -> int:
    """Sweep; the exit codes are those of `python tools/bench`."""
    parser = _parser()
    given = parser.parse_args(argv)
    if given.values and len(given.axes or AXES) != 1:
        parser.error("--values are those of one axis; name it with --axes")

    def run(logger: logging.Logger) -> int:
        logger.setLevel(logging.INFO)
        sweep = Sweep(describe_machine(), {Ours.name: Ours.version()})
        files: list[Path] = []
        for curve in _curves(given, sweep):
            sweep.curves.append(curve)
            print("\n".join(curve_table(curve)), end="\n\n", flush=True)
            files = write_sweep(sweep, given.output)
        for reason in sweep.left_out:
            print(f"left out: {reason}")
        for file in files:
            print(file)
        return 0

    return run_program("bench", run)


def _curves(given: argparse.Namespace, sweep: Sweep) -> Iterator[Curve]:
    """All that are asked for; the timings go into `sweep`."""
    rounds, seconds, working_set = (3, 0.01, 3 << 25) if given.quick else (7, 0.05, 3 << 27)
    for axis in given.axes or AXES:
        values = given.values or (_QUICK.get(axis) if given.quick else None)
        if axis == EVENTS:
            peaks = measure_peaks(1, working_set=working_set)
            for found in sweep_events(values or AXES[EVENTS], given.memory, peaks, given.folder):
                if isinstance(found, str):
                    sweep.left_out.append(found)
                else:
                    yield found
            continue
        settings = settings_of(axis, values)
        # a single event is scored by one thread, whatever the batch
        calls = [what for what in given.what or CALLS if what != "one" or axis not in ("batch", "threads")]
        for layer in given.layers or (LAYERS[:1] if given.quick else LAYERS):
            for swept in sweep_times(axis, settings, layer, calls, given.rounds or rounds, seconds, working_set):
                sweep.comparisons += swept.comparisons
                yield swept.curve
            # each point in a process of its own, which would be most of a quick look
            looks = given.memory_too and (not given.quick or axis == "batch" or given.axes)
            if looks and Path("/proc/self/clear_refs").exists():
                for swept in sweep_memory(axis, settings, layer, calls):
                    yield swept.curve


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tools/bench sweep",
        description="Vary one size of a network at a time, time it and measure its memory, fit both against what the "
        "machine needs at least, and look for cliffs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    axes = ",".join(AXES)
    parser.add_argument("--axes", metavar="LIST", type=some_of(tuple(AXES)), help=f"out of {axes}; all by default")
    parser.add_argument("--layers", metavar="LIST", type=some_of(LAYERS), help="out of LSTM,GRU,RNN; all by default")
    parser.add_argument("--what", metavar="LIST", type=some_of(CALLS), help="out of train,infer,one; all by default")
    parser.add_argument("--values", metavar="LIST", type=counts, help="of the one axis that is named")
    parser.add_argument("--rounds", metavar="N", type=count, help="7 by default")
    parser.add_argument(
        "--no-memory", dest="memory_too", action="store_false", help="time only, and no process for each point"
    )
    parser.add_argument(
        "--memory", metavar="SIZE", default="1 GB", help="what a training on streamed events may take; %(default)s"
    )
    parser.add_argument(
        "--folder", metavar="FOLDER", type=Path, help="where files with events are made, and removed again"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few values, short rounds, LSTM only, and unless axes are named memory of batches only: for a look",
    )
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", type=Path, default=Path("bench"), help="default: %(default)s"
    )
    return parser
