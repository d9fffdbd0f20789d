"""What a network does against variables: efficiencies, bias and resolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytmva_rnn.report.panels.drawing import MUTED, Panel, color, draw_bins, from_zero, outside_legend, plain, slugs
from pytmva_rnn.report.report_numbers import ReportNumbers
from pytmva_rnn.report.statistics.profiles import EfficiencyProfile, ErrorProfile
from pytmva_rnn.report.statistics.resolution import Residuals

__all__ = ["efficiency_panels", "regression_panels"]


def efficiency_panels(report: ReportNumbers) -> list[Panel]:
    """One for each variable."""
    names = slugs([each.variable for each in report.efficiencies])
    return [
        Panel(
            f"efficiency-{slug}",
            f"Efficiency against {each.variable}",
            f"Efficiency of {', '.join(each.classes)} in {len(each.edges) - 1} bins of {each.variable}; {each.cut}.",
            lambda figure, each=each: _draw_efficiency(figure, each),  # type: ignore[misc]
        )
        for each, slug in zip(report.efficiencies, names, strict=True)
    ]


def _draw_efficiency(figure: Any, each: EfficiencyProfile) -> None:
    axes = figure.subplots()
    for number, name in enumerate(each.classes):
        draw_bins(axes, each.edges, each.efficiency[number], each.low[number], each.high[number], plain(name), number)
    axes.set(xlabel=plain(each.variable), ylabel="efficiency", ylim=(-0.02, 1.02))
    outside_legend(axes, len(each.classes))


def regression_panels(report: ReportNumbers) -> list[Panel]:
    """Of each target: residuals, predictions and resolution; and bias and resolution against each variable."""
    panels = []
    for each, slug in zip(report.residuals, slugs([r.target for r in report.residuals]), strict=True):
        panels += [
            Panel(
                f"residuals-{slug}",
                f"Residuals of {each.target}",
                f"Prediction minus {each.target}: bias {each.bias:.4g}, RMS {each.rms:.4g}, half of the central 68 % "
                f"{each.resolution:.4g}.",
                lambda figure, each=each: _draw_residuals(figure, each),  # type: ignore[misc]
            ),
            Panel(
                f"prediction-{slug}",
                f"Prediction of {each.target}",
                f"Prediction against {each.target} as a map of the weights; correlation {each.correlation:.3f}.",
                lambda figure, each=each: _draw_plane(figure, each),  # type: ignore[misc]
                0.85,
            ),
            Panel(
                f"resolution-{slug}",
                f"Bias and resolution of {each.target}",
                f"Mean and RMS of prediction minus {each.target} in {len(each.against_target.edges) - 1} bins of "
                f"{each.target}.",
                lambda figure, each=each: _draw_errors(figure, each.against_target),  # type: ignore[misc]
            ),
        ]
    titles = [f"{each.target} {each.variable}" for each in report.errors]
    return panels + [
        Panel(
            f"error-{slug}",
            f"Bias and resolution of {each.target} against {each.variable}",
            f"Mean and RMS of prediction minus {each.target} in {len(each.edges) - 1} bins of {each.variable}.",
            lambda figure, each=each: _draw_errors(figure, each),  # type: ignore[misc]
        )
        for each, slug in zip(report.errors, slugs(titles), strict=True)
    ]


def _draw_residuals(figure: Any, each: Residuals) -> None:
    axes = figure.subplots()
    height, error = each.histogram.density()
    axes.stairs(height, each.histogram.edges, color=color(0), fill=True, alpha=0.3)
    axes.stairs(height, each.histogram.edges, color=color(0), label=f"bias {each.bias:.3g}, RMS {each.rms:.3g}")
    axes.stairs(
        height + error, each.histogram.edges, baseline=height - error, fill=True, color=color(0), alpha=0.35, lw=0
    )
    axes.axvline(0, color=MUTED, linewidth=0.8, linestyle="--")
    low, high = each.median - each.resolution, each.median + each.resolution
    axes.axvspan(low, high, color=MUTED, alpha=0.12, lw=0, label=f"68 %: ± {each.resolution:.3g}")
    axes.set(xlabel=f"prediction − {plain(each.target)}", ylabel="events, normalised")
    from_zero(axes, height)
    outside_legend(axes, 2)


def _draw_plane(figure: Any, each: Residuals) -> None:
    axes = figure.subplots()
    shown = np.where(each.plane > 0, each.plane, np.nan).T
    mesh = axes.pcolormesh(each.plane_edges, each.plane_edges, shown, cmap="viridis", rasterized=True)
    axes.plot(each.plane_edges[[0, -1]], each.plane_edges[[0, -1]], color=MUTED, linewidth=0.8, linestyle="--")
    axes.set(xlabel=plain(each.target), ylabel="prediction")
    figure.colorbar(mesh, label="weight").outline.set_visible(False)


def _draw_errors(figure: Any, each: ErrorProfile) -> None:
    axes = figure.subplots()
    draw_bins(axes, each.edges, each.bias, each.bias - each.bias_error, each.bias + each.bias_error, "bias", 0)
    middle, half = (each.edges[1:] + each.edges[:-1]) / 2, np.diff(each.edges) / 2
    axes.errorbar(middle, each.spread, xerr=half, fmt="s", color=color(1), label="RMS")
    axes.axhline(0, color=MUTED, linewidth=0.8, linestyle="--")
    axes.set(xlabel=plain(each.variable), ylabel=f"prediction − {plain(each.target)}")
    outside_legend(axes, 2)
