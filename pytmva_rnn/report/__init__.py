"""How well a network separates or predicts: numbers and pictures."""

from __future__ import annotations

from pytmva_rnn.report.metrics import RocCurve, deviation, roc_curve, roc_integral, signal_efficiency
from pytmva_rnn.report.plots import ScoredSample, training_picture

__all__ = [
    "RocCurve",
    "ScoredSample",
    "deviation",
    "roc_curve",
    "roc_integral",
    "signal_efficiency",
    "training_picture",
]
