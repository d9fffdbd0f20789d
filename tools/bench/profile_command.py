"""`python tools/bench profile`: where the time goes."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.cases import CASES, LAYERS, make_problem
from bench.list_arguments import count, some_of
from bench.machine import describe_machine
from bench.roofline import highest, measure_peaks
from bench.step_profile import profile_scores, profile_step
from bench.tables import TITLES, table
from pytmva_rnn.cli.program import run_program
from pytmva_rnn.files import atomic_path

__all__ = ["main"]

_PROFILES = {"train": profile_step, "infer": profile_scores}

_EPILOG = """\
examples:
  python tools/bench profile
  python tools/bench profile --cases 3 --layers LSTM --what train --rounds 31 -o results

Parts are measured by leaving them out; as a processor does several at once, a part may cost less than it takes alone,
and differences of times on a busy machine are only as good as its quietest moments.

exit codes: 0 done, 2 wrong usage, 130 interrupted, 143 terminated
"""


def main(argv: Sequence[str]) -> int:
    """Print the tables; the exit codes are those of `python tools/bench`."""
    given = _parser().parse_args(argv)

    def run(logger: logging.Logger) -> int:
        logger.setLevel(logging.INFO)
        machine, measured = describe_machine(), []
        text = (
            f"{machine['date']}, {machine['cpu']}, vectors of {machine['vector_width']} float32, one thread, "
            f"load {machine['load']}; the quickest of {given.rounds} interleaved rounds\n"
        )
        print(text, end="")
        for what in given.what:
            peaks, profiles = [], []
            for name in given.cases:
                for layer in given.layers:
                    logger.info("case %s %s: %s", name, layer, what)
                    peaks.append(measure_peaks(1, working_set=3 << 20, seconds=0.002))
                    profiles.append(_PROFILES[what](make_problem(CASES[name], layer), given.rounds, given.seconds))
            peak = highest(peaks)
            columns = ["case", "ms", "all operations", *profiles[0].parts]
            columns += ["of all, saving states"] if profiles[0].saved is not None else []
            section = (
                f"\n## {TITLES[what]}\n\nShares of the time; where all operations and products say so, of "
                f"{peak.flops / 1e9:.0f} GFLOP/s, and in brackets what the project aims at.\n\n"
            )
            section += "\n".join(table(columns, [each.cells(peak) for each in profiles])) + "\n"
            print(section, end="", flush=True)
            text += section
            measured.append({"what": what, "peak": asdict(peak), "profiles": [asdict(each) for each in profiles]})
            if given.output is not None:
                content = json.dumps({"machine": machine, "rounds": given.rounds, "measured": measured}, indent=1)
                for name, each in (("profile.json", f"{content}\n"), ("profile.md", text)):
                    with atomic_path(given.output / name) as temporary:
                        temporary.write_text(each, encoding="utf-8")
        return 0

    return run_program("bench", run)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tools/bench profile",
        description="Take training steps and scores of batches apart, on one thread.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cases, workloads = ("1", "2", "3"), tuple(_PROFILES)
    parser.add_argument(
        "--cases", metavar="LIST", type=some_of(cases), default=("2", "3"), help="out of 1,2,3; 2,3 by default"
    )
    parser.add_argument(
        "--layers", metavar="LIST", type=some_of(LAYERS), default=LAYERS, help="out of LSTM,GRU,RNN; all by default"
    )
    parser.add_argument(
        "--what", metavar="LIST", type=some_of(workloads), default=workloads, help="out of train,infer; both by default"
    )
    parser.add_argument("--rounds", metavar="N", type=count, default=15, help="default: %(default)s")
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", type=Path, help="write profile.json and profile.md into it too"
    )
    parser.set_defaults(seconds=0.02)
    return parser
