"""`python tools/bench compare OLD NEW`: what became slower or faster between two runs, of two commits perhaps."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from statistics import mean, median
from typing import Any

from pytmva_rnn.cli.program import run_program
from pytmva_rnn.errors import DataError

__all__ = ["Run", "as_table", "compare_runs", "main", "read_run"]

_FILES = ("bench.json", "gpu.json", "sweep.json")

_NAMED = ("cpu", "cores", "vector_width", "python")
"""What should be the same on both sides, of the machine."""


@dataclass(frozen=True)
class Run:
    """Times of one run of a benchmark.

    Attributes
    ----------
    place : str
        The file.
    machine : mapping
        What `describe_machine` told.
    times : mapping of (what, contestant) -> tuple of float
        Seconds in each round. Those of the program itself are what is compared; those of others tell of the machine.
    own : str
        The program itself.
    versions : mapping of str -> str
        By contestant.
    """

    place: str
    machine: Mapping[str, Any]
    times: Mapping[tuple[str, str], tuple[float, ...]]
    own: str
    versions: Mapping[str, str]


def read_run(path: Path) -> Run:
    """What a run has written.

    Parameters
    ----------
    path : Path
        Its JSON file, or a folder with one.

    Raises
    ------
    DataError
        If it is none.
    """
    file = path
    if path.is_dir():
        found = [path / name for name in _FILES if (path / name).is_file()]
        if len(found) != 1:
            names = ", ".join(each.name for each in found) or "none"
            raise DataError(f"{path} should hold one of {', '.join(_FILES)}, and holds {names}; name a file")
        (file,) = found
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read as results of a benchmark: {error}") from error
    try:
        times = {
            (f"{_what(each)}, {timing['threads']} thread(s)", timing["contestant"]): tuple(map(float, timing["rounds"]))
            for each in values["comparisons"]
            for timing in each["timings"]
        }
        versions = dict(values["versions"])
        return Run(str(file), dict(values["machine"]), times, next(iter(versions)), versions)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise DataError(f"{file} holds no results of `python tools/bench`: {error!r}") from error


def _what(values: Mapping[str, Any]) -> str:
    return f"case {values['case']} {values['layer']} {values['what']}, batch {values['batch']}"


def compare_runs(old: Run, new: Run, factor: float = 1.1) -> tuple[list[str], list[tuple[str, float, float, str]]]:
    """What is to be known of both, and each time of the program itself that both have.

    Returns
    -------
    notes : list of str
        Commits, what differs between the machines, and how the other programs' times differ, which are the machine's.
    rows : list of (what, old seconds, new seconds, verdict)
        Medians; the verdict is "slower" or "faster" where these differ by more than `factor` and hardly a round of the
        one is within the rounds of the other, else empty.

    Raises
    ------
    DataError
        If they have nothing in common.
    """
    rows = []
    for (what, contestant), before in old.times.items():
        after = new.times.get((what, new.own if contestant == old.own else ""))
        if contestant == old.own and before and after:
            rows.append((what, median(before), median(after), _verdict(before, after, factor)))
    if not rows:
        raise DataError(f"{old.place} and {new.place} have no comparison in common: nothing was measured in both")
    notes = [f"old: {_run(old)}", f"new: {_run(new)}"]
    for name in _NAMED:
        if old.machine.get(name) != new.machine.get(name):
            notes.append(f"not the same machine: {name} {old.machine.get(name)} and {new.machine.get(name)}")
    packages = [dict(run.machine.get("packages") or {}) for run in (old, new)]
    for name in sorted(packages[0].keys() | packages[1].keys()):
        before_after = [found.get(name, "none") for found in packages]
        if before_after[0] != before_after[1]:
            notes.append(f"not the same packages: {name} {before_after[0]} and {before_after[1]}")
    return notes + _drift(old, new), rows


def _run(run: Run) -> str:
    commit = str(run.machine.get("commit") or "unknown commit")
    return f"{run.place}, {commit}, {run.machine.get('date')}, load {run.machine.get('load')}"


def _verdict(old: Sequence[float], new: Sequence[float], factor: float) -> str:
    ratio = median(new) / median(old)
    if max(ratio, 1 / ratio) <= factor:
        return ""
    slow, quick = (new, old) if ratio > 1 else (old, new)
    # of many rounds some are disturbed: a quarter may be on the other's side
    clear = sorted(slow)[len(slow) // 4] > sorted(quick)[-1 - len(quick) // 4]
    return ("slower" if ratio > 1 else "faster") if clear else ""


def _drift(old: Run, new: Run) -> list[str]:
    """Of other programs that are the same on both sides, how much longer they take: what the machine contributes."""
    notes = []
    for name, version in old.versions.items():
        if name == old.own or new.versions.get(name) != version:
            continue
        both = [what for what in old.times if what[1] == name and old.times[what] and new.times.get(what)]
        if both:
            ratio = exp(mean(log(median(new.times[what]) / median(old.times[what])) for what in both))
            notes.append(
                f"{name} {version} takes {ratio:.2f} times as long in the new run, which is the machine's doing"
            )
    return notes


def as_table(rows: Sequence[tuple[str, float, float, str]]) -> list[str]:
    """The rows in Markdown."""
    lines = ["| | old, µs | new, µs | new / old | |", "| --- | ---: | ---: | ---: | --- |"]
    for what, before, after, verdict in rows:
        lines.append(f"| {what} | {before * 1e6:,.1f} | {after * 1e6:,.1f} | {after / before:.2f} | {verdict} |")
    ratio = exp(mean(log(after / before) for _, before, after, _ in rows))
    return [*lines, "", f"new / old, geometric mean of all: {ratio:.3f}"]


def main(argv: Sequence[str]) -> int:
    """Compare two runs; the exit codes are those of `python tools/bench`."""
    parser = argparse.ArgumentParser(
        prog="python tools/bench compare",
        description="Set the times of two runs side by side, and those of other programs, which tell of the machine.",
    )
    parser.add_argument("old", metavar="OLD", type=Path, help="JSON file of a run, or the folder that it is in")
    parser.add_argument("new", metavar="NEW", type=Path, help="the same of the run to compare with it")
    parser.add_argument(
        "--factor",
        metavar="F",
        type=_factor,
        default=1.1,
        help="tell what became slower or faster by more than this; default: %(default)s",
    )
    given = parser.parse_args(argv)

    def run(_: logging.Logger) -> int:
        notes, rows = compare_runs(read_run(given.old), read_run(given.new), given.factor)
        print("\n".join([*(f"- {note}" for note in notes), "", *as_table(rows)]))
        return 0

    return run_program("bench", run)


def _factor(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return value
