"""Measures how scoring, reading and training grow with the number of events, which are streamed from files."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bench_streaming

from bench.cases import make_problem
from bench.decompression import decompressed
from bench.roofline import Peaks, work_of
from bench.sweep.events_child import STREAMED, TREES
from bench.sweep.growth import Curve, Point
from pytmva_rnn.data.memory_limit import BASE, MemoryLimit
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.tree_reading import STEP

__all__ = ["sweep_events"]

log = logging.getLogger("pytmva_rnn")

_CHILD = Path(__file__).with_name("events_child.py")

_ON_DISK = 350
"""Bytes of an event in the files and in the cache of a training, at most."""

_FEWEST = 2_000

_LEAST = 64 << 20
"""Bytes by which the memory of a process moves by itself."""


def sweep_events(values: Sequence[int], memory: str, peaks: Peaks, folder: Path | None) -> Iterator[Curve | str]:
    """Curves of scoring, of reading into the cache and of an epoch of training, of time and memory, at the end.

    Before them, in words, the values that the disk has no room for.

    Parameters
    ----------
    values : sequence of int
        Numbers of events.
    memory : str
        What a training may take, as `load` has it.
    peaks : Peaks
        Of one thread.
    folder : Path, optional
        Where files are written to and removed again; the system's place for such by default.

    Raises
    ------
    DataError
        For fewer events than a training with batches of 100 needs.
    """
    if min(values) < _FEWEST:
        raise DataError(f"{min(values):,} events are too few to train with; the fewest are {_FEWEST:,}")
    points: dict[tuple[str, str], list[Point]] = {}
    problem = make_problem(STREAMED, "LSTM")
    computed = {what: work_of(problem, what).flops / STREAMED.batch / peaks.flops for what in ("infer", "train")}
    row = 4 * STREAMED.steps * STREAMED.inputs
    for events in values:
        with tempfile.TemporaryDirectory(dir=folder) as name:
            free = shutil.disk_usage(name).free
            if free < events * _ON_DISK:
                yield (
                    f"{events:,} events are left out: they may take {events * _ON_DISK / 1e9:.0f} GB of disk, and "
                    f"{free / 1e9:.0f} GB are free"
                )
                continue
            log.info("%s events: writing files", f"{events:,}")
            files = Path(name) / "files"
            files.mkdir()
            bench_streaming.make_files(files, events)
            log.info("%s events: scoring and training", f"{events:,}")
            paths = sorted(map(str, files.glob("*.root")))
            inflating = sum(
                decompressed(path, tree, bench_streaming.INPUTS).seconds for path in paths for tree in TREES
            )
            scored = _scored(paths)
            trained = bench_streaming.child(files, 1, memory, Path(name) / "cache")
        n, rate = int(scored["events"]), trained["rates"][0]
        used = n // 2  # half of them train
        costs = {
            "score": (scored["seconds"], max(inflating, n * computed["infer"])),
            "read": (trained["load"], inflating),
            "epoch": (used / rate, used * computed["train"]),
        }
        for what, (seconds, floor) in costs.items():
            points.setdefault((what, "seconds"), []).append(Point(n, seconds, floor))
        limit = MemoryLimit.of(memory).size
        held = {"score": BASE + row * min(n, STEP), "train": min(BASE + row * n, limit)}
        for what, mebibytes in (("score", scored["own"]), ("train", trained["own"])):
            points.setdefault((what, "bytes"), []).append(Point(n, mebibytes * 2**20, held[what]))
    for (what, quantity), found in points.items():
        yield Curve("events", "LSTM", what, quantity, tuple(found), least=_LEAST if quantity == "bytes" else 0.0)


def _scored(paths: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(_CHILD), *paths], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"scoring the events of files failed:\n{done.stderr}")
    return dict(json.loads(done.stdout))
