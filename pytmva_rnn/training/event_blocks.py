"""Epochs of events that do not fit into memory: in an order of blocks, each read while the one before trains.

The events of a sample are in an order by chance already, as the split has mixed all classes and sources. For each
epoch pieces of it, each some hundred kilobytes, are shuffled, and of as many as fit into memory, a block, all events
are: a batch has events of all over the sample, an epoch has each event once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.ahead import read_ahead
from pytmva_rnn.training.training_events import Events
from pytmva_rnn.trandom import TRandom3, shuffle

__all__ = ["batches_at_once", "blocks_of", "reorder"]

_PIECE = 1 << 18
"""Bytes of a piece that is read from one place."""

_PIECES = 16
"""Of a block, at least."""


def reorder(order: NDArray[np.int64], random: TRandom3, sample: Events, batch_size: int) -> None:
    """Put the events into the order of another epoch, in place.

    In memory it is TMVA's, the order so far shuffled; beyond that it is new, in blocks.

    Parameters
    ----------
    order : (n,) int64
    random : TRandom3
        Which alone, with the sizes of the sample, a block and a batch, decides.
    sample : Events
        n events.
    batch_size : int
        Of which a block has a whole number.
    """
    block = batches_at_once(sample, batch_size)
    if block is None:
        shuffle(order, random)
        return
    events = block * batch_size
    size = max(1, min(_PIECE // max(1, sample.X[:1].nbytes), events // _PIECES))
    pieces = np.arange(-(-len(order) // size))
    shuffle(pieces, random)
    place = 0
    for piece in pieces.tolist():
        some = np.arange(piece * size, min((piece + 1) * size, len(order)))
        order[place : place + len(some)] = some
        place += len(some)
    for first in range(0, len(order), events):
        shuffle(order[first : first + events], random)


def batches_at_once(sample: Events, batch_size: int) -> int | None:
    """How many batches a block has; None for a sample that is in memory."""
    if sample.storage is None or sample.in_memory:
        return None
    return max(1, sample.storage.rows(sample.X) // batch_size)


def blocks_of(
    sample: Events, blocks: Sequence[NDArray[np.int64]], *, copied: bool = True
) -> Iterator[tuple[Events, NDArray[np.int64]]]:
    """Events to train with, and the numbers that the events of batches (k, B) have among them, block by block.

    Parameters
    ----------
    sample : Events
    blocks : sequence of (k, B) int64
        Numbers in the sample.
    copied : bool
        Whether a block of a sample that is not in memory is brought there; a GPU takes the sample itself.
    """
    if sample.in_memory or not copied:
        yield from ((sample, block) for block in blocks)
        return

    def read(block: NDArray[np.int64]) -> tuple[Events, NDArray[np.int64]]:
        events = block.reshape(-1)
        places = np.argsort(events)
        rows = events[places]  # in the order of the file
        numbers = np.empty_like(places)
        numbers[places] = np.arange(len(places))
        part = replace(sample, X=sample.X[rows], y=sample.y[rows], w=sample.w[rows], storage=None)
        return part, numbers.reshape(block.shape)

    yield from read_ahead(read, blocks)
