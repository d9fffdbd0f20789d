"""What recurrent layers remember from batch to batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels.cpu.machine.lanes import LANES

__all__ = ["States"]


class States:
    """The remembered states of a batch, zero at first.

    Parameters
    ----------
    size : int
        Floats of a block of events.
    remembers : bool
        Whether any layer remembers; if not, one block serves all.

    Attributes
    ----------
    blocks : array of float32, shape (blocks, size)
    """

    def __init__(self, size: int, remembers: bool) -> None:
        self.blocks: NDArray[np.float32] = np.zeros((1, size), np.float32)
        self._remembers = remembers

    def none(self) -> NDArray[np.float32]:
        """Those of one block that has seen nothing."""
        # nobody writes where no layer remembers
        return np.zeros_like(self.blocks[:1]) if self._remembers else self.blocks

    def reserve(self, events: int) -> None:
        """Room for the states that a batch leaves; a larger batch starts its further rows at zero."""
        blocks = -(-events // LANES) if self._remembers else 1
        if blocks > len(self.blocks):
            more = np.zeros((blocks - len(self.blocks), self.blocks.shape[1]), np.float32)
            self.blocks = np.concatenate([self.blocks, more])

    def by_event(self) -> NDArray[np.float32]:
        """Copies, one row an event, whatever a block's size; rows of no event are zero."""
        blocks, size = self.blocks.shape
        by_lane = self.blocks.reshape(blocks, size // LANES, LANES).transpose(0, 2, 1)
        return by_lane.copy().reshape(blocks * LANES, size // LANES)

    def set(self, rows: NDArray[np.float32]) -> None:
        """Take over what `by_event` gave."""
        self.blocks = np.zeros_like(self.blocks[:1])
        self.reserve(len(rows))
        blocks, size = self.blocks.shape
        padded = np.zeros((blocks * LANES, size // LANES), np.float32)
        padded[: len(rows)] = rows
        self.blocks[...] = padded.reshape(blocks, LANES, -1).transpose(0, 2, 1).reshape(blocks, size)

    def cut(self, events: int) -> None:
        """Forget what lanes without an event, and blocks beyond the batch, hold."""
        if self._remembers:
            full, count = divmod(events, LANES)
            self.blocks[full : full + 1].reshape(-1, LANES)[:, count:] = 0
            self.blocks[full + 1 :] = 0
