"""How well a network separates or predicts: numbers and pictures."""

from __future__ import annotations

from pytmva_rnn.report.full_report import Report
from pytmva_rnn.report.making import make_report
from pytmva_rnn.report.metrics import (
    RocCurve,
    deviation,
    roc_curve,
    roc_integral,
    roc_uncertainty,
    separation,
    signal_efficiency,
)
from pytmva_rnn.report.performance import ClassSeparation, Performance, TargetDeviation, evaluate
from pytmva_rnn.report.plots import training_picture
from pytmva_rnn.report.report_options import ReportOptions
from pytmva_rnn.report.scored_sample import ScoredSample

__all__ = [
    "ClassSeparation",
    "Performance",
    "Report",
    "ReportOptions",
    "RocCurve",
    "ScoredSample",
    "TargetDeviation",
    "deviation",
    "evaluate",
    "make_report",
    "roc_curve",
    "roc_integral",
    "roc_uncertainty",
    "separation",
    "signal_efficiency",
    "training_picture",
]
