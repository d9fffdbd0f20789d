"""Which pictures a report has, in the order of its page."""

from __future__ import annotations

from pytmva_rnn.report.panels.drawing import Panel
from pytmva_rnn.report.panels.history_panel import history_panels
from pytmva_rnn.report.panels.input_panels import importance_panels, input_panels
from pytmva_rnn.report.panels.network_panel import network_panels
from pytmva_rnn.report.panels.score_panels import (
    calibration_panels,
    confusion_panels,
    roc_panels,
    score_panels,
    significance_panels,
)
from pytmva_rnn.report.panels.variable_panels import efficiency_panels, regression_panels
from pytmva_rnn.report.report_numbers import ReportNumbers

__all__ = ["panels_of"]


def panels_of(report: ReportNumbers) -> tuple[Panel, ...]:
    """Every picture that its numbers allow."""
    makers = (
        history_panels,
        score_panels,
        roc_panels,
        significance_panels,
        calibration_panels,
        confusion_panels,
        efficiency_panels,
        regression_panels,
        input_panels,
        importance_panels,
        network_panels,
    )
    return tuple(panel for make in makers for panel in make(report))
