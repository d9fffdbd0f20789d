"""Inputs that change while they are read: an error, or the scores of what was there before or after, no mixture."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import uproot
from numpy.typing import NDArray

from faults.workbench import Command, Outcome, Said, Workbench, write_events

__all__ = ["replaced_files"]

_FILES = 12
_EVENTS = 3000


def _renamed(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(content)
    beside.replace(path)


def _overwritten(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()


def _copied(path: Path, content: bytes) -> None:
    """As `cp` does it: cut to nothing first, then written a piece at a time."""
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(content), 4096):
            file.write(content[start : start + 4096])


def _removed(path: Path, content: bytes) -> None:
    path.unlink()


def _cut(path: Path, content: bytes) -> None:
    os.truncate(path, len(content) // 2)


_WAYS: Mapping[str, Callable[[Path, bytes], None]] = {
    "renamed": _renamed,
    "overwritten": _overwritten,
    "copied": _copied,
    "removed": _removed,
    "cut": _cut,
}


def replaced_files(outcome: Outcome, bench: Workbench, count: int, seed: int = 1) -> None:
    """Score files, one of which is replaced meanwhile by one of fewer, as many or more events.

    Parameters
    ----------
    outcome : Outcome
        Of what was done so far, also when Ctrl-C ends it.
    bench : Workbench
    count : int
    seed : int
        Of files, moments and ways.
    """
    generator = random.Random(seed)
    bench.clear()
    names = [f"part{number:02}.root" for number in range(_FILES)]
    for number, name in enumerate(names):
        write_events(bench.folder / name, 10 + number, _EVENTS)
    others = {}
    for events in (_EVENTS // 2, _EVENTS, 2 * _EVENTS):
        write_events(bench.folder / "other.root", 100 + events, events)
        others[events] = (bench.folder / "other.root").read_bytes()
    command = Command(("-m", "pytmva_rnn", "evaluate", "given.xml", *names, "-o", "out.root"), ("out.root",))
    begun = time.monotonic()
    expected = _scores_by_file(bench, command, outcome)
    seconds = time.monotonic() - begun
    known = {events: _scores_of_one(bench, content) for events, content in others.items()}
    for _ in range(count):
        place, events, way = generator.randrange(_FILES), generator.choice(list(others)), generator.choice(list(_WAYS))
        path = bench.folder / names[place]
        kept = path.read_bytes()
        (bench.folder / "out.root").unlink(missing_ok=True)
        process = bench.start(command)
        time.sleep(generator.uniform(0.3, 0.95) * seconds)
        _WAYS[way](path, others[events])
        text, _ = process.communicate()
        said = Said(process.returncode, text)
        path.write_bytes(kept)
        outcome.counted[f"{way} {'refused' if said.code else 'scored'}"] += 1
        what = f"{way} by one of {events} events"
        if said.wrong or said.code not in (0, 1):
            outcome.fault(f"{what}: {said.wrong or said.code}: {text[-300:]}")
        elif said.code == 1:
            if path.name not in text or (bench.folder / "out.root").exists():
                outcome.fault(f"{what}: {text[-300:]}")
        else:
            found = _read_scores(bench.folder / "out.root")
            for number, scores in found.items():
                allowed = [expected[number], *([known[events]] if number == place else [])]
                if not any(np.array_equal(scores, each) for each in allowed):
                    outcome.fault(f"{what}: file {number} has other scores than before or after")


def _scores_by_file(bench: Workbench, command: Command, outcome: Outcome) -> dict[int, NDArray[np.float32]]:
    said = bench.run(command)
    if said.code:
        outcome.fault(f"evaluate fails by itself: {said.text}")
    return _read_scores(bench.folder / "out.root")


def _scores_of_one(bench: Workbench, content: bytes) -> NDArray[np.float32]:
    (bench.folder / "other.root").write_bytes(content)
    bench.run(Command(("-m", "pytmva_rnn", "evaluate", "given.xml", "other.root", "-o", "out.root"), ()))
    return _read_scores(bench.folder / "out.root")[0]


def _read_scores(path: Path) -> dict[int, NDArray[np.float32]]:
    with uproot.open(path) as file:
        arrays = file["scores"].arrays(["DL", "file"], library="np")
    return {int(number): arrays["DL"][arrays["file"] == number] for number in np.unique(arrays["file"])}
