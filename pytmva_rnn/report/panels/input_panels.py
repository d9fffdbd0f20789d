"""The inputs by class and step, their correlations, and what they are worth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pytmva_rnn.report.panels.drawing import INK, MUTED, Panel, color, outside_legend, plain, slugs
from pytmva_rnn.report.permutation import Importance, ImportanceRow
from pytmva_rnn.report.report_numbers import InputSummary, ReportNumbers
from pytmva_rnn.report.statistics.moments import InputMoments

__all__ = ["importance_panels", "input_panels"]

_CURVES = 12
"""Inputs of a sequence that are drawn, each with its axes."""
_BARS = 30
"""Variables, or bars, that are drawn in one picture."""
_NAMED = 30
"""Inputs up to which a matrix of correlations has their names."""
_WRITTEN = 10
"""And up to which it has the numbers."""


def input_panels(report: ReportNumbers) -> list[Panel]:
    """Mean and spread, lengths, and the correlations of each class."""
    inputs = report.inputs
    classes = ", ".join(each.name for each in inputs.classes)
    if inputs.steps > 1:
        shown = min(len(inputs.names), _CURVES)
        rows = math.ceil(shown / 2)
        words = f"Mean and spread of {_some(shown, len(inputs.names))} inputs against the step, for {classes}."
        panels = [
            Panel(
                "inputs",
                "Inputs by step",
                words,
                lambda figure: _draw_steps_of_inputs(figure, inputs, shown),
                0.16 + 0.36 * rows,
            )
        ]
    else:
        shown = min(len(inputs.names), _BARS)
        words = (
            f"Mean and spread of {_some(shown, len(inputs.names))} variables for {classes}, each on the scale of its "
            "own overall mean and spread."
        )
        panels = [
            Panel(
                "inputs", "Variables", words, lambda figure: _draw_variables(figure, inputs, shown), 0.3 + 0.055 * shown
            )
        ]
    if inputs.padded:
        means = ", ".join(
            f"{each.name} {float(np.arange(len(each.lengths)) @ each.lengths):.2f}" for each in inputs.classes
        )
        words = f"How many steps the events have, and which share has not a step. Mean lengths: {means}."
        panels.append(Panel("lengths", "Lengths of the sequences", words, lambda figure: _draw_lengths(figure, inputs)))
    for each, slug in zip(inputs.classes, slugs([c.name for c in inputs.classes]), strict=True):
        if len(inputs.names) > 1 and len(each.correlation):
            panels.append(_correlation_panel(each, inputs, slug))
    return panels


def _some(shown: int, every: int) -> str:
    return f"the {every}" if shown == every else f"the first {shown} of {every}"


def _draw_steps_of_inputs(figure: Any, inputs: InputSummary, shown: int) -> None:
    grid = figure.subplots(math.ceil(shown / 2), 2, squeeze=False, sharex=True)
    steps = np.arange(inputs.steps)
    for axes in grid.flat[shown:]:
        axes.set_visible(False)
    for d, axes in enumerate(grid.flat[:shown]):
        for number, each in enumerate(inputs.classes):
            mean, spread = each.mean[:, d], each.spread[:, d]
            axes.plot(steps, mean, ".-", color=color(number), label=plain(each.name), markersize=3)
            axes.fill_between(steps, mean - spread, mean + spread, color=color(number), alpha=0.15, linewidth=0)
        axes.set_title(plain(inputs.names[d]), fontsize="small", color=INK)
        axes.xaxis.get_major_locator().set_params(integer=True)
    for axes in grid[-1]:
        axes.set_xlabel("step")
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)))


def _draw_variables(figure: Any, inputs: InputSummary, shown: int) -> None:
    axes = figure.subplots()
    weights = np.array([each.weight for each in inputs.classes])
    mean, spread = (np.array([getattr(c, name)[0, :shown] for c in inputs.classes]) for name in ("mean", "spread"))
    share = (weights / weights.sum())[:, None]
    middle = (share * mean).sum(axis=0)
    scale = np.sqrt(np.maximum((share * (spread**2 + (mean - middle) ** 2)).sum(axis=0), 0))
    scale[~(scale > 0)] = 1
    for number, each in enumerate(inputs.classes):
        place = np.arange(shown) + 0.3 * (number - (len(inputs.classes) - 1) / 2) / max(1, len(inputs.classes) - 1)
        axes.errorbar(
            (mean[number] - middle) / scale,
            place,
            xerr=spread[number] / scale,
            fmt="o",
            color=color(number),
            elinewidth=1.2,
            label=plain(each.name),
        )
    axes.set_yticks(np.arange(shown), [plain(name) for name in inputs.names[:shown]])
    axes.invert_yaxis()
    axes.set_xlabel("(mean − overall mean) / overall spread")
    outside_legend(axes, len(inputs.classes))


def _draw_lengths(figure: Any, inputs: InputSummary) -> None:
    axes = figure.subplots()
    lengths = np.arange(inputs.steps + 1)
    for number, each in enumerate(inputs.classes):
        axes.stairs(each.lengths, np.arange(inputs.steps + 2) - 0.5, color=color(number), label=plain(each.name))
        axes.plot(lengths[1:], each.padding, "--", color=color(number), linewidth=1)
    axes.plot([], [], "--", color=MUTED, linewidth=1, label="share without this step")
    axes.set(xlabel="steps that are there", ylabel="share of the events")
    axes.xaxis.get_major_locator().set_params(integer=True)
    outside_legend(axes, len(inputs.classes) + 1)


def _correlation_panel(each: InputMoments, inputs: InputSummary, slug: str) -> Panel:
    matrix = each.correlation - np.eye(len(each.correlation))
    words = f"Linear correlations of the inputs of {each.name}"
    if np.isfinite(matrix).any():
        row, column = np.unravel_index(np.nanargmax(np.abs(matrix)), matrix.shape)
        words += f"; the largest, {matrix[row, column]:.3f}, is that of {inputs.names[row]} and {inputs.names[column]}"
    return Panel(
        f"correlations-{slug}",
        f"Correlations, {each.name}",
        f"{words}.",
        lambda figure: _draw_correlations(figure, each, inputs),
        0.95,
    )


def _draw_correlations(figure: Any, each: InputMoments, inputs: InputSummary) -> None:
    axes = figure.subplots()
    axes.grid(visible=False)
    size = len(inputs.names)
    large = size > _NAMED
    edge = {} if large else {"edgecolor": "white", "linewidth": 0.4}
    mesh = axes.pcolormesh(each.correlation, cmap="RdBu_r", vmin=-1, vmax=1, rasterized=large, **edge)
    if size <= _WRITTEN:
        for (row, column), value in np.ndenumerate(each.correlation):
            if math.isfinite(value):
                shade = "#ffffff" if abs(value) > 0.6 else "#000000"
                axes.text(
                    column + 0.5,
                    row + 0.5,
                    f"{value:.2f}".replace("-0.00", "0.00"),
                    ha="center",
                    va="center",
                    fontsize="x-small",
                    color=shade,
                )
    if not large:
        names = [plain(name) for name in inputs.names]
        axes.set_xticks(np.arange(size) + 0.5, names, rotation=60, ha="right", rotation_mode="anchor", fontsize="small")
        axes.set_yticks(np.arange(size) + 0.5, names, fontsize="small")
    axes.invert_yaxis()
    axes.tick_params(length=0)
    figure.colorbar(mesh, shrink=0.8).outline.set_visible(False)


def importance_panels(report: ReportNumbers) -> list[Panel]:
    """Of inputs, and of steps."""
    found = report.importance
    if found is None:
        return []
    kinds = [("inputs", "inputs", found.inputs), ("steps", "time steps", found.steps)]
    return [
        Panel(
            f"importance-{name}",
            f"Importance of {words}",
            _importance_words(words, rows, found),
            lambda figure, rows=rows, name=name: _draw_importance(figure, rows, name, found),  # type: ignore[misc]
            0.3 + 0.055 * min(len(rows), _BARS) if name == "inputs" else 0.7,
        )
        for name, words, rows in kinds
        if rows
    ]


def _importance_words(words: str, rows: tuple[ImportanceRow, ...], found: Importance) -> str:
    best = max(rows, key=lambda row: row.mean)
    return (
        f"How much worse {found.measure}, {found.base:.4g}, becomes when {words} are exchanged among {found.events:,} "
        f"events, {found.repeats} times each. Most for {best.name}: {best.mean:.3g}."
    )


def _draw_importance(figure: Any, rows: tuple[ImportanceRow, ...], name: str, found: Importance) -> None:
    axes = figure.subplots()
    measure = found.measure.partition(",")[0]
    if name == "steps":
        steps = [int(row.name) for row in rows]
        spread = np.nan_to_num([row.spread for row in rows])
        axes.bar(steps, [row.mean for row in rows], yerr=spread, color=color(0), ecolor=MUTED, width=0.8)
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(visible=False, axis="x")
        axes.set(xlabel="step", ylabel=f"loss of {measure}")
        return
    shown = sorted(rows, key=lambda row: -row.mean)[:_BARS]
    spread = np.nan_to_num([row.spread for row in shown])
    place = np.arange(len(shown))
    axes.barh(place, [row.mean for row in shown], xerr=spread, color=color(0), ecolor=MUTED)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_yticks(place, [plain(row.name) for row in shown])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"loss of {measure}")
