"""Scores, ROC curves, significance, calibration and confusion."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pytmva_rnn.report.panels.drawing import (
    INK,
    MUTED,
    Panel,
    color,
    draw_points,
    draw_steps,
    from_zero,
    outside_legend,
    plain,
    slugs,
)
from pytmva_rnn.report.report_numbers import ReportNumbers, ScoreDistribution

__all__ = ["calibration_panels", "confusion_panels", "roc_panels", "score_panels", "significance_panels"]

_STEEP = 30
"""How far the fullest bin of a score may be above the others before the scale is logarithmic."""


def score_panels(report: ReportNumbers) -> list[Panel]:
    """Of the score, or of that of each class."""
    several = len(report.scores) > 1
    names = slugs([each.output for each in report.scores])
    return [
        Panel(
            f"scores-{slug}" if several else "scores",
            f"Score of {each.output}" if several else "Scores",
            _score_words(each),
            lambda figure, each=each: _draw_scores(figure, each, report, several),  # type: ignore[misc]
        )
        for each, slug in zip(report.scores, names, strict=True)
    ]


def _score_words(each: ScoreDistribution) -> str:
    words = f"Normalised distributions of the score of {', '.join(each.histograms['test'])} in the test sample"
    if each.compatibility:
        tests = ", ".join(f"{name} {test.kolmogorov_probability:.3g}" for name, test in each.compatibility.items())
        words += f", with the training sample as points. Kolmogorov-Smirnov probabilities that both are alike: {tests}"
    return words + "."


def _draw_scores(figure: Any, each: ScoreDistribution, report: ReportNumbers, several: bool) -> None:
    axes = figure.subplots()
    test, training = each.histograms["test"], each.histograms.get("training", {})
    for number, (name, histogram) in enumerate(test.items()):
        draw_steps(axes, histogram, plain(name), number, filled=len(test) <= 2)
    for number, (name, histogram) in enumerate(training.items()):
        draw_points(axes, histogram, f"training, KS {each.compatibility[name].kolmogorov_probability:.2f}", number)
    axes.set(xlabel=f"score of {plain(each.output if several else report.title)}", ylabel="events, normalised")
    heights = np.concatenate([histogram.density()[0] for histogram in (*test.values(), *training.values())])
    filled = heights[heights > 0]
    if len(filled) and filled.max() > _STEEP * np.median(filled):
        axes.set_yscale("log")
        axes.set_ylim(filled.min() / 2, filled.max() * 2)
        below = int((heights < 0).sum())
        if below:
            axes.set_ylabel(f"events, normalised ({below} bins below 0 not shown)")
    else:
        from_zero(axes, heights)
    outside_legend(axes, len(test) + len(training))


def roc_panels(report: ReportNumbers) -> list[Panel]:
    """Rejection and its inverse against the signal efficiency."""
    if not report.roc:
        return []
    areas = report.performance["test"].separations
    words = ", ".join(f"{row.name} {row.roc_integral:.4f} ± {row.roc_uncertainty:.4f}" for row in areas)
    points = "; ".join(
        f"{each.name}: " + ", ".join(f"{p.rejection:.3g} at {p.signal_efficiency:g}" for p in each.test.points)
        for each in report.roc
    )
    band = "with the band of one standard deviation by the bootstrap"
    return [
        Panel(
            "roc",
            "ROC curve",
            f"Background rejection against signal efficiency, {band}. ROC integrals: {words}.",
            lambda figure: _draw_roc(figure, report),
        ),
        Panel(
            "rejection",
            "Background rejection",
            f"Inverse background efficiency against signal efficiency on a logarithmic scale, {band}: {points}.",
            lambda figure: _draw_rejection(figure, report),
        ),
    ]


def _draw_roc(figure: Any, report: ReportNumbers) -> None:
    axes = figure.subplots()
    several = len(report.roc) > 1
    for number, (each, row) in enumerate(zip(report.roc, report.performance["test"].separations, strict=True)):
        band, shade = each.test, color(number)
        label = f"{plain(each.name)}, " if several else "test, "
        label += f"{row.roc_integral:.3f} ± {row.roc_uncertainty:.3f}"
        axes.plot(band.signal_efficiency, band.background_rejection, color=shade, label=label)
        axes.fill_between(band.signal_efficiency, band.low, band.high, color=shade, alpha=0.25, linewidth=0)
        if len(each.training_efficiency):
            area = report.performance["training"].separations[number].roc_integral
            axes.plot(
                each.training_efficiency,
                each.training_rejection,
                ":",
                color=shade if several else color(1),
                label=None if several else f"training, {area:.3f}",
            )
    axes.plot([0, 1], [1, 0], color=MUTED, linewidth=0.8, linestyle="--")
    axes.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="signal efficiency", ylabel="background rejection")
    axes.legend(loc="lower left")


def _draw_rejection(figure: Any, report: ReportNumbers) -> None:
    axes = figure.subplots()
    for number, each in enumerate(report.roc):
        band, shade = each.test, color(number)
        kept = [1 - rejection for rejection in (band.background_rejection, band.low, band.high)]
        with np.errstate(divide="ignore", invalid="ignore"):
            value, low, high = (np.where(values > 0, 1 / values, np.nan) for values in kept)
        shown = np.isfinite(value)
        axes.plot(band.signal_efficiency[shown], value[shown], color=shade, label=plain(each.name))
        banded = shown & np.isfinite(low) & np.isfinite(high)
        axes.fill_between(
            band.signal_efficiency[banded], low[banded], high[banded], color=shade, alpha=0.25, linewidth=0
        )
        points = [point for point in band.points if math.isfinite(point.rejection) and point.rejection > 0]
        axes.plot(
            [point.signal_efficiency for point in points], [point.rejection for point in points], "o", color=shade
        )
    axes.set(yscale="log", xlim=(0, 1), xlabel="signal efficiency", ylabel="1 / background efficiency")
    if len(report.roc) > 1:
        axes.legend(loc="upper right")


def significance_panels(report: ReportNumbers) -> list[Panel]:
    """All formulas in one."""
    if not report.significance:
        return []
    best = "; ".join(
        f"{each.name}: {each.best_value:.4g} at {each.best_threshold:.4g}"
        if math.isfinite(each.best_value)
        else f"{each.name}: no cut keeps enough events"
        for each in report.significance
    )
    signal, background = report.significance[0].yields
    alt = (
        f"Significance and efficiencies against the cut on the score, for {signal:.6g} events of the signal and "
        f"{background:.6g} of the background. Best cuts: {best}."
    )
    return [Panel("significance", "Significance", alt, lambda figure: _draw_significance(figure, report))]


def _draw_significance(figure: Any, report: ReportNumbers) -> None:
    axes = figure.subplots()
    for number, each in enumerate(report.significance, start=2):
        shown = np.isfinite(each.values)
        where, value, error = each.thresholds[shown], each.values[shown], np.nan_to_num(each.errors[shown])
        axes.plot(where, value, color=color(number), label=plain(each.name))
        axes.fill_between(where, value - error, value + error, color=color(number), alpha=0.25, linewidth=0)
        if math.isfinite(each.best_value):
            axes.plot(each.best_threshold, each.best_value, "o", color=color(number))
            axes.axvline(each.best_threshold, color=color(number), linewidth=0.8, linestyle=":")
    highest = max((each.best_value for each in report.significance if math.isfinite(each.best_value)), default=0.0)
    # where hardly any background is left the curves go anywhere
    axes.set_ylim(0, 1.4 * highest if highest > 0 else None)
    axes.set(xlabel=f"cut on the score of {plain(report.title)}", ylabel="significance")
    other = axes.twinx()
    other.grid(visible=False)
    first = report.significance[0]
    for number, (name, values) in enumerate(zip(("signal", "background"), first.efficiencies, strict=True)):
        other.plot(first.thresholds, values, "--", color=color(number), linewidth=1, label=f"{name} efficiency")
    other.set(ylim=(0, 1.02), ylabel="efficiency")
    lines = [*axes.get_legend_handles_labels()[0], *other.get_legend_handles_labels()[0]]
    axes.legend(handles=lines, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, borderaxespad=0.2, columnspacing=1.2)


def calibration_panels(report: ReportNumbers) -> list[Panel]:
    """All classes in one."""
    if not report.calibration:
        return []
    errors = ", ".join(f"{each.name} {each.expected_error:.3f}" for each in report.calibration)
    alt = (
        "Fraction of events that are of the class against their score; on the diagonal the score is the probability. "
        f"Expected calibration error: {errors}."
    )
    return [Panel("calibration", "Calibration", alt, lambda figure: _draw_calibration(figure, report))]


def _draw_calibration(figure: Any, report: ReportNumbers) -> None:
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle="--")
    for number, each in enumerate(report.calibration):
        error = np.abs([each.fraction - each.low, each.high - each.fraction])
        label = f"{plain(each.name)}, error {each.expected_error:.3f}"
        axes.errorbar(each.score, each.fraction, error, fmt="o-", color=color(number), elinewidth=1, label=label)
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02), xlabel="mean score", ylabel="fraction of the class")
    axes.legend(loc="upper left")


def confusion_panels(report: ReportNumbers) -> list[Panel]:
    """Of several classes."""
    if report.confusion is None:
        return []
    rows = "; ".join(
        f"{name}: {100 * report.confusion.fraction[number, number]:.1f} %"
        for number, name in enumerate(report.confusion.classes)
    )
    alt = f"What events of each class are taken for, in per cent of the class. Taken for what they are: {rows}."
    size = len(report.confusion.classes)
    return [
        Panel(
            "confusion",
            "Confusion matrix",
            alt,
            lambda figure: _draw_confusion(figure, report),
            0.85 if size > 3 else 0.7,
        )
    ]


def _draw_confusion(figure: Any, report: ReportNumbers) -> None:
    matrix = report.confusion
    if matrix is None:
        return
    axes = figure.subplots()
    axes.grid(visible=False)
    size = len(matrix.classes)
    axes.pcolormesh(matrix.fraction, cmap="Blues", vmin=0, vmax=1, edgecolor="white", linewidth=0.5)
    for (row, column), value in np.ndenumerate(matrix.fraction):
        if size <= 12 and math.isfinite(value):
            shade = "#ffffff" if value > 0.55 else "#000000"
            axes.text(column + 0.5, row + 0.5, f"{100 * value:.1f}", ha="center", va="center", color=shade)
    names = [plain(name) for name in matrix.classes]
    axes.set_xticks(np.arange(size) + 0.5, names, rotation=30 if size > 3 else 0, ha="right" if size > 3 else "center")
    axes.set_yticks(np.arange(size) + 0.5, names)
    axes.invert_yaxis()
    axes.set(xlabel="taken for", ylabel="true class")
    axes.tick_params(length=0, labelcolor=INK)
