"""The numbers that one looks for first."""

from __future__ import annotations

import math
from typing import Any

from pytmva_rnn.html_elements import element, number
from pytmva_rnn.report.report_numbers import ReportNumbers

__all__ = ["key_numbers"]

_MOST = 6
"""Classes or targets that have their numbers here."""


def key_numbers(report: ReportNumbers) -> Any:
    """A list of names and values."""
    test = report.performance["test"]
    rows = []
    for row in test.separations[:_MOST]:
        name = "ROC integral" if len(test.separations) == 1 else f"ROC integral, {row.name}"
        rows.append((name, f"{row.roc_integral:.4f} ± {row.roc_uncertainty:.4f}"))
    training = report.performance.get("training")
    if training is not None and len(training.separations) == 1:
        only = training.separations[0]
        rows.append(("ROC integral, training", f"{only.roc_integral:.4f} ± {only.roc_uncertainty:.4f}"))
    rows += [(f"{each.target}: bias, RMS", f"{each.bias:.3g}, {each.rms:.3g}") for each in report.residuals[:_MOST]]
    if report.confusion is not None:
        rows.append(("accuracy", f"{100 * report.confusion.accuracy:.1f} %"))
    for each in report.significance[:2]:
        if math.isfinite(each.best_value):
            rows.append((f"best {each.name}", f"{each.best_value:.4g} at {each.best_threshold:.3g}"))
    tests = [test for each in report.scores for test in each.compatibility.values()]
    known = [test.kolmogorov_probability for test in tests if math.isfinite(test.kolmogorov_probability)]
    if known:
        rows.append(("lowest KS probability", number(min(known), 3)))
    if report.calibration:
        rows.append(("calibration error", f"{max(each.expected_error for each in report.calibration):.3f}"))
    rows.append(("test events", f"{sum(report.samples[0].events.values()):,}"))
    rows.append(("parameters", f"{sum(row.parameters for row in report.network):,}"))
    return element(
        "dl", *(element("div", element("dt", name), element("dd", value)) for name, value in rows), class_="key"
    )
