"""The history of a training, phase by phase."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from pytmva_rnn.description import HistoryRow, running_epochs
from pytmva_rnn.report.panels.drawing import COLORS, INK, MUTED, Panel, outside_legend
from pytmva_rnn.report.report_numbers import ReportNumbers

__all__ = ["draw_history", "history_panels"]

_DOTS = 200
"""A history of more epochs than this is drawn without a dot for each."""
_MOST = 1500
"""And one of more with some of its points."""


def history_panels(report: ReportNumbers) -> list[Panel]:
    """One, where the history is known."""
    if not report.history:
        return []
    best = min(report.history, key=lambda row: row.validation_error)
    alt = (
        f"Training and validation error against the epoch, {len(report.phases)} phase(s); the lowest validation error, "
        f"{best.validation_error:.4g}, is that of epoch {best.epoch} of phase {best.phase}."
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        draw_history(axes, report.history)
        epoch = running_epochs(report.history)[report.history.index(best)]
        axes.plot(epoch, best.validation_error, "o", color=INK, markerfacecolor="none", label="best")
        outside_legend(axes, 3)

    return [Panel("history", "Training history", alt, draw)]


def draw_history(axes: Any, history: Sequence[HistoryRow]) -> None:
    """Both errors at each test, and a line between phases."""
    every = max(1, len(history) // _MOST)
    epochs = running_epochs(history)
    for last, (row, following) in zip(epochs, pairwise(history), strict=False):
        if row.phase != following.phase:
            axes.axvline(last + 0.5, color=MUTED, linewidth=0.8, linestyle="--")
    marker = "." if len(history) <= _DOTS else ""
    for name, shade in zip(("training", "validation"), COLORS, strict=False):
        values = [getattr(row, f"{name}_error") for row in history]
        axes.plot(epochs[::every], values[::every], color=shade, marker=marker, label=name)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="epoch", ylabel="error")
