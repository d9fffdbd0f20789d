"""How well a network separates or predicts: numbers and pictures."""

from __future__ import annotations

from pytmva_rnn.report.evaluation import evaluation_table
from pytmva_rnn.report.method import MethodOutput
from pytmva_rnn.report.metrics import RocCurve, deviation, roc_curve, roc_integral, signal_efficiency
from pytmva_rnn.report.plots import Sample, training_picture
from pytmva_rnn.report.rootfile import write_output

__all__ = [
    "MethodOutput",
    "RocCurve",
    "Sample",
    "deviation",
    "evaluation_table",
    "roc_curve",
    "roc_integral",
    "signal_efficiency",
    "training_picture",
    "write_output",
]
