"""The command: what is done, how often, and one summary of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from faults.cold_cache import cold_cache
from faults.disks import full_disks, read_only
from faults.kills import kills
from faults.replaced import replaced_files
from faults.together import forks, threads
from faults.workbench import Outcome, Workbench
from pytmva_rnn.interruption import RaisedSignals

__all__ = ["MODES", "main"]

_EPILOG = """\
examples:
  python tools/faults
  python tools/faults kills --number 1000 --seed 7
  python tools/faults disks readonly

exit codes: 0 no fault, 1 faults, 2 wrong usage
"""


@contextmanager
def _bench() -> Iterator[Workbench]:
    with tempfile.TemporaryDirectory() as folder:
        yield Workbench(Path(folder))


def _kills(outcome: Outcome, number: int, seed: int) -> None:
    with _bench() as bench:
        kills(outcome, bench, number, seed)


def _disks(outcome: Outcome, number: int, seed: int) -> None:
    with _bench() as bench:
        full_disks(outcome, bench, number)


def _readonly(outcome: Outcome, number: int, seed: int) -> None:
    with _bench() as bench:
        read_only(outcome, bench)


def _cold(outcome: Outcome, number: int, seed: int) -> None:
    with _bench() as bench:
        cold_cache(outcome, bench, number, seed=seed)


def _replaced(outcome: Outcome, number: int, seed: int) -> None:
    with _bench() as bench:
        replaced_files(outcome, bench, number, seed)


def _threads(outcome: Outcome, number: int, seed: int) -> None:
    threads(outcome, number)


def _forks(outcome: Outcome, number: int, seed: int) -> None:
    forks(outcome, number)


MODES: dict[str, tuple[Callable[[Outcome, int, int], None], int, str]] = {
    "kills": (_kills, 200, "commands killed at random moments"),
    "disks": (_disks, 8, "full disks, of so many sizes, for each command"),
    "readonly": (_readonly, 1, "nothing can be written"),
    "cold": (_cold, 10, "rounds of eight processes that find no compiled code, and one that is killed"),
    "replaced": (_replaced, 60, "files replaced while they are scored"),
    "threads": (_threads, 50, "trainings of two threads, beside eight that score"),
    "forks": (_forks, 40, "processes forked while threads score and train"),
}
"""What is done, how often if nobody says, and what the number counts."""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what is asked for, and count the faults; Ctrl-C, SIGTERM and SIGHUP end it with what there was so far.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; those of the process by default.

    Returns
    -------
    int
        Exit code: 0 no fault, 1 faults (argparse exits with 2 by itself for wrong usage).
    """
    given = _parser().parse_args(argv)
    outcomes: list[Outcome] = []
    with RaisedSignals():
        try:
            for mode in given.modes or MODES:
                call, number, _ = MODES[mode]
                outcomes.append(Outcome(mode))
                try:
                    call(outcomes[-1], given.number or number, given.seed)
                finally:
                    print(outcomes[-1], flush=True)
        except KeyboardInterrupt:
            print("interrupted")
    faults = sum(len(outcome.faults) for outcome in outcomes)
    print(
        f"{sum(sum(outcome.counted.values()) for outcome in outcomes)} events of {len(outcomes)} kinds: {faults} faults"
    )
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:9} {what} ({number})" for name, (_, number, what) in MODES.items())
    parser = argparse.ArgumentParser(
        "tools/faults",
        description=sys.modules["faults"].__doc__,
        epilog=f"modes, and how often:\n{listed}\n\n{_EPILOG}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("modes", nargs="*", metavar="MODE", choices=[[], *MODES], help="what is done (everything)")
    parser.add_argument("--number", type=int, help="how often, in place of each mode's own number")
    parser.add_argument("--seed", type=int, default=1, help="of what is left to chance (1)")
    return parser
