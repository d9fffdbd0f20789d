"""The command: processes that read inputs, one after the other, until time or number is up."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fuzz.demands import run_demands
from fuzz.targets import TARGETS
from fuzz.watching import ENGINES, Tally, available_engine, run_batch
from pytmva_rnn.interruption import RaisedSignals

__all__ = ["main"]

_EPILOG = """\
examples:
  python tools/fuzz --seconds 300
  python tools/fuzz --targets formula,options --executions 1000000 --engine own
  python tools/fuzz --targets weights --seconds 60 --save
  python tools/fuzz --demands

An input of the engine "own" is a function of its target and seed: the same seeds find the same again.

exit codes: 0 nothing found, 1 something found, 2 wrong usage
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Read random inputs; Ctrl-C, SIGTERM and SIGHUP end it with what was found so far.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; those of the process by default.

    Returns
    -------
    int
        Exit code: 0 nothing found, 1 something found (argparse exits with 2 by itself for wrong usage).
    """
    given = _parser().parse_args(argv)
    if given.demands:
        return 1 if run_demands(given.targets) else 0
    tally, begun = Tally(), time.monotonic()
    with RaisedSignals(), _folder(given.corpus) as corpus:
        try:
            print(f"reading {', '.join(given.targets)}, engine {given.engine}", flush=True)
            _run(given, tally, begun, corpus)
        except KeyboardInterrupt:
            print("interrupted")
    counts = ", ".join(f"{name} {count:,}" for name, count in tally.executions.items())
    total, seconds = sum(tally.executions.values()), time.monotonic() - begun
    for (target, kind), alike in tally.finds.items():
        if len(alike) > 1:
            print(f"{target}: {len(alike)} times {kind}")
    print(f"{total:,} executions in {seconds:.0f} s, {given.engine} ({counts}): {len(tally.finds)} kinds of finds")
    return 1 if tally.finds else 0


def _run(given: argparse.Namespace, tally: Tally, begun: float, corpus: Path) -> None:
    part = given.part or max(1.0, min(60.0, given.seconds / len(given.targets)))
    while True:
        for target in given.targets:
            left = given.seconds - (time.monotonic() - begun)
            more = sum(tally.executions.values())
            if left <= 0 if given.executions is None else more >= given.executions:
                return
            new = run_batch(
                tally,
                target,
                given.seed + tally.executions[target],
                2**40 if given.executions is None else given.executions - more,
                seconds=part if given.executions is not None else min(part, left),
                engine=given.engine,
                corpus=corpus / target,
            )
            for find in new:
                kept = f", kept as {find.save()}" if given.save else ""
                print(f"{find.target} {find.name}{kept}: {find.what}\n  {find.data[:200]!r}", flush=True)


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """The folder of the corpora, which is gone afterwards unless somebody wants to go on with it."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in TARGETS]:
        raise argparse.ArgumentTypeError(f"no target {unknown[0]!r}; there are {', '.join(TARGETS)}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "tools/fuzz", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--targets", type=_names, default=tuple(TARGETS), metavar="NAME,...", help="what is read (all)")
    parser.add_argument("--seconds", type=float, default=300, help="how long (300)")
    parser.add_argument("--executions", type=int, help="how many inputs, in place of how long")
    parser.add_argument("--part", type=float, help="seconds of each process (60, or less to have all targets in time)")
    parser.add_argument("--seed", type=int, default=0, help="the first input of each target (0)")
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default=available_engine(),
        help="atheris looks for inputs that take new branches, own goes by seeds (atheris where it is installed)",
    )
    parser.add_argument("--corpus", type=Path, metavar="FOLDER", help="where atheris keeps inputs from run to run")
    parser.add_argument("--demands", action="store_true", help="read a list of inputs that ask for much, and no others")
    parser.add_argument("--save", action="store_true", help="keep what is found in tests/data/fuzz")
    return parser
