"""The trials of a search as a table for other programs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from pytmva_rnn.files import atomic_path
from pytmva_rnn.tuning.search_space import SearchSpace
from pytmva_rnn.tuning.study_file import TrialRow

__all__ = ["HEADINGS", "write_table"]

HEADINGS = ("trial", "state", "value", "epochs", "seconds", "error")
"""Columns before those of the entries; `value` is what was minimised."""


def write_table(path: Path, rows: Sequence[TrialRow], space: SearchSpace) -> None:
    """Write trials as CSV, one a line; entries that a trial did not need are empty."""
    names = [name for name in space.entries if any(name in row.drawn for row in rows)]
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*HEADINGS, *names])
        for row in rows:
            shown = space.shown(row.drawn)
            value = "" if row.value is None else repr(row.value)
            known = [row.number, row.state, value, row.epochs, f"{row.seconds:.3f}", " ".join(row.error.split())]
            writer.writerow([*known, *(shown.get(name, "") for name in names)])
