"""Weights in the order in which products with one event read them.

A product takes some vectors of columns at a time, a tile, and reads all rows of these. In the flat weights they lie a
row apart, 4 KiB with 256 states: each on another page, and all of them in the same few places of a cache. A panel has
the rows of a tile one behind the other, first what the sums start with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels.cpu.machine.lanes import WIDTH
from pytmva_rnn.kernels.cpu.machine.op import vectors_of

__all__ = ["MOST", "Panels", "RowsOfWeights", "panel_widths"]

MOST = 8
"""Vectors of a tile: what registers hold, beside weights and an input."""


def panel_widths(vectors: int) -> Iterator[int]:
    """Vectors of each panel: two even ones at the end, since the sums of a small one would wait for each other."""
    while vectors >= 2 * MOST:
        yield MOST
        vectors -= MOST
    if vectors > MOST:
        yield vectors - vectors // 2
        vectors //= 2
    yield vectors


@dataclass(frozen=True)
class RowsOfWeights:
    """Rows of the flat weights, `stride` floats apart, from float `start` on."""

    start: int
    count: int
    stride: int

    def columns(self, flat: NDArray[np.float32], first: int, end: int) -> NDArray[np.float32]:
        """Some of their columns, a window on the flat weights."""
        shape, strides = (self.count, end - first), (4 * self.stride, 4)
        return np.lib.stride_tricks.as_strided(flat[self.start + first :], shape, strides)


@dataclass(frozen=True)
class Panels:
    """The panels of a product, from float `start` of the packed weights on; without `bias` the sums start with zero."""

    start: int
    columns: int
    bias: RowsOfWeights | None
    block: RowsOfWeights

    @property
    def rows(self) -> int:
        """Of each panel."""
        return 1 + self.block.count

    def fill(self, flat: NDArray[np.float32], packed: NDArray[np.float32]) -> None:
        """Copy the weights; where a panel has more columns than there are it stays zero."""
        first = 0
        for vectors in panel_widths(vectors_of(self.columns)):
            width = vectors * WIDTH
            start, end = self.start + first * self.rows, min(first + width, self.columns)
            panel = packed[start : start + self.rows * width].reshape(self.rows, width)[:, : end - first]
            if self.bias is not None:
                panel[:1] = self.bias.columns(flat, first, end)
            panel[1:] = self.block.columns(flat, first, end)
            first += width
