"""Pictures of a training, drawn with Matplotlib where it is installed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.description import HistoryRow
from pytmva_rnn.files import atomic_path
from pytmva_rnn.outputs import PICTURE
from pytmva_rnn.report.metrics import roc_curve, roc_integral
from pytmva_rnn.report.panels.drawing import COLORS, from_zero, plain
from pytmva_rnn.report.panels.history_panel import draw_history
from pytmva_rnn.report.scored_sample import ScoredSample
from pytmva_rnn.report.statistics.binned import Binned

__all__ = ["PICTURE_FORMATS", "training_picture"]

PICTURE_FORMATS = PICTURE.suffixes
"""Endings of the files that `training_picture` writes."""


def training_picture(
    path: str | os.PathLike[str],
    history: Sequence[HistoryRow],
    samples: Mapping[str, ScoredSample],
    *,
    classes: Sequence[str] = (),
    targets: Sequence[str] = (),
    title: str = "DL",
) -> None:
    """Draw the training history, and ROC curves and scores, or for a regression the deviations.

    Parameters
    ----------
    path : path-like
        With an ending of `PICTURE_FORMATS`. The picture appears complete or not at all.
    history : sequence of HistoryRow
    samples : mapping of name -> ScoredSample
        `{"test": ..., "training": ...}`, at most three; of one or two classes the first is drawn filled.
    classes, targets : sequences of str
        Names; targets for a regression only.
    title : str
        Name of the method.

    Raises
    ------
    MissingExtraError
        If Matplotlib is not installed.
    OSError
        If the file cannot be written.
    """
    classes, targets, title = [plain(name) for name in classes], [plain(name) for name in targets], plain(title)
    figure = extras.matplotlib().figure.Figure(figsize=(9 if targets else 13.5, 4.2), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.08)
    panels = figure.subplots(1, 2 if targets else 3)
    draw_history(panels[0], history)
    panels[0].set_title("Training history")
    panels[0].legend(frameon=False)
    if targets:
        _draw_deviations(panels[1], samples, targets)
    else:
        _draw_roc(panels[1], samples, classes)
        _draw_scores(panels[2], samples, classes, title)
    for panel in panels:
        panel.grid(alpha=0.25, linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=150)


def _draw_roc(panel: Any, samples: Mapping[str, ScoredSample], classes: Sequence[str]) -> None:
    shown = range(1) if len(classes) == 2 else range(len(classes))
    for style, (name, sample) in zip(("-", ":", "--"), samples.items(), strict=False):
        for number in shown:
            member, score = sample.one_against_rest(number)
            curve = roc_curve(member, score, sample.weights)
            area = roc_integral(member, score, sample.weights)
            label = f"{name} {area:.3f}" if len(classes) == 2 else f"{classes[number]}, {name} {area:.3f}"
            color = COLORS[number % len(COLORS)]
            panel.plot(curve.signal_efficiency, curve.background_rejection, style, color=color, lw=1.4, label=label)
    panel.plot([0, 1], [1, 0], color="0.75", linewidth=0.8)
    panel.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="signal efficiency", ylabel="background rejection")
    panel.set_title("ROC curve and integral")
    panel.legend(frameon=False, loc="lower left", fontsize="small")


def _draw_scores(panel: Any, samples: Mapping[str, ScoredSample], classes: Sequence[str], title: str) -> None:
    """Of more than two classes, each one's own score for its own events."""
    every = np.concatenate([sample.scores.ravel() for sample in samples.values()])
    edges = np.linspace(*_range(every), 41)
    heights = []
    for style, (name, sample) in zip(_styles(len(classes)), samples.items(), strict=False):
        for number, label in enumerate(classes):
            member = sample.class_index == number
            score = sample.scores if sample.scores.ndim == 1 else sample.scores[:, number]
            given = score[member], sample.weights[member]
            heights.append(_histogram(panel, *given, edges, f"{label}, {name}", number, style))
    panel.set(xlabel=f"score of {title}", ylabel="events, normalised")
    panel.set_title("Scores" if len(classes) == 2 else "Score of each class for its events")
    from_zero(panel, np.concatenate(heights), panel.get_ylim()[1] * 1.3)
    panel.legend(frameon=False, loc="upper center", ncols=2, fontsize="small")


def _draw_deviations(panel: Any, samples: Mapping[str, ScoredSample], targets: Sequence[str]) -> None:
    differences = {
        name: (sample.scores.reshape(sample.target_values.shape) - sample.target_values)
        for name, sample in samples.items()
    }
    edges = np.linspace(*_range(np.concatenate([d.ravel() for d in differences.values()])), 61)
    heights = []
    for style, (name, difference) in zip(_styles(len(targets)), differences.items(), strict=False):
        for number, label in enumerate(targets):
            weights = samples[name].weights
            heights.append(_histogram(panel, difference[:, number], weights, edges, f"{label}, {name}", number, style))
    panel.set(xlabel="prediction - target", ylabel="events, normalised", title="Deviations")
    from_zero(panel, np.concatenate(heights), panel.get_ylim()[1] * 1.3)
    panel.legend(frameon=False, loc="upper center", ncols=2, fontsize="small")


def _range(values: NDArray[Any]) -> tuple[float, float]:
    """Where nearly all values are: a few far out would squeeze the others into one bin."""
    low, high = (float(v) for v in np.quantile(values, (0.001, 0.999)))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _styles(histograms: int) -> tuple[str, ...]:
    """How the histograms of each sample are drawn; more than two filled ones could not be told apart."""
    return ("filled", "-", ":") if histograms <= 2 else ("-", ":", "--")


def _histogram(
    panel: Any, values: NDArray[Any], weights: NDArray[Any], edges: NDArray[Any], label: str, number: int, style: str
) -> NDArray[np.float64]:
    """Draw a normalised histogram; returns its heights."""
    height, _ = Binned.of(values, weights, edges).density()
    color = COLORS[number % len(COLORS)]
    if style == "filled":
        panel.stairs(height, edges, fill=True, color=color, alpha=0.35, label=label)
    else:
        panel.stairs(height, edges, color=color, linewidth=1.3, linestyle=style, label=label)
    return height
