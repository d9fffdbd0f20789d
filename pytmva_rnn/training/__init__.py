"""Training as TMVA does it."""

from __future__ import annotations

from pytmva_rnn.training.loop import HistoryRow
from pytmva_rnn.training.method import Result, train

__all__ = ["HistoryRow", "Result", "train"]
