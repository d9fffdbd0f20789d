"""Pieces in which the entries of a tree are read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["pieces_of_tree"]

_ENOUGH = 200_000
"""Entries of a piece, where it can end: the first is waited for, and nothing is read beside the last."""

_LARGER = 3
"""Times the bytes of a tree's baskets that its branches take as arrays, with what is computed of them."""


def pieces_of_tree(
    tree: Any, branches: Sequence[str], entries: int, step: int, room: int | None = None
) -> list[tuple[int, int]]:
    """First entry, and the one after the last, of each piece.

    Parameters
    ----------
    tree : tree of uproot
    branches : sequence of str
        Those that are read.
    entries : int
    step : int
        Largest number of entries of a piece.
    room : int, optional
        Bytes that it may take.
    """
    if room is not None and entries:
        step = max(1, min(step, room * entries // max(1, _LARGER * _bytes(tree, branches, entries))))
    if entries <= min(step, _ENOUGH):
        return [(0, entries)] if entries else []
    ends = _ends_of_clusters(tree, branches, entries)
    pieces = []
    start = 0
    while start < entries:
        stop = min(start + step, entries)
        # the first end behind enough entries, else the last before there would be too many
        end = int(ends[np.searchsorted(ends, min(start + _ENOUGH, stop))])
        if end > stop:
            end = int(ends[np.searchsorted(ends, stop, side="right") - 1])
        if start < end < stop:
            stop = end
        pieces.append((start, stop))
        start = stop
    return pieces


def _ends_of_clusters(tree: Any, branches: Sequence[str], entries: int) -> NDArray[np.int64]:
    """Entries at which baskets of all the branches end, 0 among them, and the last; no others where it is not told."""
    common: set[int] | None = None
    with suppress(Exception):  # where the tree is damaged, reading it says so
        if hasattr(tree, "ntuple"):
            common = {int(cluster.num_first_entry) for cluster in tree.ntuple.cluster_summaries}
        else:
            for branch in branches:
                ends = {int(end) for end in tree[branch].entry_offsets}
                common = ends if common is None else common & ends
    return np.array(sorted({0, entries} | {end for end in common or () if 0 < end < entries}), np.int64)


def _bytes(tree: Any, branches: Sequence[str], entries: int) -> int:
    """What the branches hold, as far as the tree tells it."""
    total = 0
    for branch in branches:
        known = None
        with suppress(Exception):
            known = int(tree[branch].uncompressed_bytes)
        total += 8 * entries if known is None or known <= 0 else known
    return total
