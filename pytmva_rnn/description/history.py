"""The history of a training as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["HistoryRow", "running_epochs"]


class HistoryRow(NamedTuple):
    """Errors at a test of the validation sample.

    Attributes
    ----------
    phase : int
        Number of the phase of the training strategy, from 1.
    epoch : int
        From 1 in each phase.
    training_error, validation_error : float
    """

    phase: int
    epoch: int
    training_error: float
    validation_error: float


def running_epochs(history: Iterable[HistoryRow]) -> list[int]:
    """The epoch of each row, counted on through all phases; a phase counts until its last test."""
    epochs: list[int] = []
    phase = offset = 0
    for row in history:
        if row.phase != phase:
            phase, offset = row.phase, epochs[-1] if epochs else 0
        epochs.append(offset + row.epoch)
    return epochs
