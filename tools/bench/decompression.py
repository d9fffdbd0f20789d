"""How long decompressing what is needed of a ROOT file takes: no way from it to arrays can be quicker on one thread."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import uproot

__all__ = ["Decompressed", "decompressed"]


@dataclass(frozen=True)
class Decompressed:
    """What decompressing came to.

    Attributes
    ----------
    seconds : float
    compressed, uncompressed : int
        Bytes.
    """

    seconds: float
    compressed: int
    uncompressed: int


def decompressed(path: str, tree: str, branches: Sequence[str]) -> Decompressed:
    """Decompress all baskets of some branches, and of what counts their lists, one after the other.

    The bytes are in memory before the clock starts, and nothing is made of what comes out.
    """
    seconds, compressed, uncompressed = 0.0, 0, 0
    with uproot.open(path) as file:
        found = [file[tree][name] for name in branches]
        counters = [branch.count_branch for branch in found if branch.count_branch is not None]
        for branch in {branch.name: branch for branch in [*found, *counters]}.values():
            for number in range(branch.num_baskets):
                key = branch.basket_key(number)
                chunk, cursor = branch.basket_chunk_cursor(number)
                chunk, size = chunk.detach_memmap(), key.fNbytes - key.fKeylen
                cursor.skip(key.fKeylen)
                if size != key.fObjlen:
                    started = time.perf_counter()
                    uproot.compression.decompress(chunk, cursor, {}, size, key.fObjlen)
                    seconds += time.perf_counter() - started
                compressed += size
                uncompressed += key.fObjlen
    return Decompressed(seconds, compressed, uncompressed)
