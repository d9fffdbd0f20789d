"""Training as TMVA does it."""

from __future__ import annotations

from pytmva_rnn.training.loop import HistoryRow, Result, train

__all__ = ["HistoryRow", "Result", "train"]
