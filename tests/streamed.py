"""What the tests of streaming share: files of events, and a limit of memory that a few thousand of them exceed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn.data import event_cache, memory_limit

N = 600
"""Entries of a tree."""

LIMIT = 180_000
"""Bytes, which the files exceed while a tenth of their training sample does not."""


def write_events(folder: Path) -> None:
    """Files `a.root` and `b.root`, each with the trees `sgn` and `bkg`, in several clusters."""
    random = np.random.default_rng(7)
    for number, name in enumerate(("a.root", "b.root")):
        with uproot.recreate(folder / name) as file:
            for tree, mean in (("sgn", 1.0), ("bkg", -1.0)):
                types = {"x": "var * float32", "y": "float64", "u": "float32", "z": "float32", "w": "float64"}
                file.mktree(tree, {**types, "e": "int32"})
                for first in range(0, N, 150):
                    count = min(150, N - first)
                    lengths = random.integers(1, 5, count)
                    file[tree].extend(
                        {
                            "x": ak.unflatten(random.normal(mean, 1, lengths.sum()).astype(np.float32), lengths),
                            "y": random.normal(mean, 2 + number, count),
                            "u": random.exponential(1, count).astype(np.float32),
                            "z": random.random(count).astype(np.float32),
                            "w": random.normal(1, 0.5, count),
                            "e": np.arange(first, first + count, dtype=np.int32) + 10_000 * number,
                        }
                    )


def limited(monkeypatch: pytest.MonkeyPatch, cache: Path, size: int = LIMIT) -> int:
    """Let few events be too many for a limit of memory, which is returned, and the cache be in a folder."""
    monkeypatch.setenv(event_cache.CACHE_VARIABLE, str(cache))
    monkeypatch.setattr(memory_limit, "BASE", 0)
    monkeypatch.setattr(memory_limit, "_LEAST", 1_000)
    monkeypatch.setattr(memory_limit, "_EVENTS_AT_ONCE", 10)
    return size


def arrays_of(data: Any) -> dict[str, Any]:
    """Everything that a Dataset has of its events."""
    names = ("X", "class_index", "weights", "target_values", "spectators", "entries", "file_index", "repetition")
    others = ("source", "elements", "sample", "sample_by_split", "fold_values", "weighting_values")
    return {name: getattr(data, name) for name in (*names, *others)}


__all__ = ["LIMIT", "N", "arrays_of", "limited", "write_events"]
