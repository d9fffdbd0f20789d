"""The history of a training as plain data."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["HistoryRow"]


class HistoryRow(NamedTuple):
    """Errors at a test of the validation sample; `epoch` starts at 1 again in each phase."""

    epoch: int
    training_error: float
    validation_error: float
