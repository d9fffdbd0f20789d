"""Training as TMVA does it."""

from __future__ import annotations

from pytmva_rnn.description import HistoryRow
from pytmva_rnn.training.additions import Additions, Cosine, OnPlateau, Step
from pytmva_rnn.training.checkpoint import Checkpoint
from pytmva_rnn.training.result import Result
from pytmva_rnn.training.train import train

__all__ = [
    "Additions",
    "Checkpoint",
    "Cosine",
    "HistoryRow",
    "OnPlateau",
    "Result",
    "Step",
    "train",
]
