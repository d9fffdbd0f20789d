"""Pictures of a search, drawn with Matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pytmva_rnn import extras
from pytmva_rnn.config.tune_table import Range
from pytmva_rnn.files import atomic_path
from pytmva_rnn.tuning.search_space import SearchSpace
from pytmva_rnn.tuning.study_file import TrialRow

__all__ = ["search_picture", "value_words"]

_BLUE, _RED, _GREY = "#2166ac", "#c4472b", "0.75"
_MOST_PANELS = 12
_COLUMNS = 3
_LONGEST = 24
"""Characters of a choice on an axis."""
_SHORT = 8
"""Of those that stand level."""


def value_words(metric: str) -> str:
    """What a search minimises, in words."""
    return {"validation_error": "validation error", "roc_integral": "1 - ROC integral"}.get(metric, "RMS / spread")


def search_picture(
    path: Path, rows: Sequence[TrialRow], space: SearchSpace, metric: str, importances: Mapping[str, float]
) -> None:
    """Draw the values of the trials one after the other, their errors epoch by epoch, and against each entry.

    Parameters
    ----------
    path : Path
        The picture appears complete or not at all.
    rows : sequence of TrialRow
        One of them at least complete.
    space : SearchSpace
    metric : str
    importances : mapping of name -> float
        The most important entries come first.

    Raises
    ------
    MissingExtraError
        If Matplotlib is not installed.
    """
    complete = [row for row in rows if row.value is not None]
    drawn = [name for name in space.entries if any(name in row.drawn for row in complete)]
    names = sorted(drawn, key=lambda name: -importances.get(name, 0.0))[:_MOST_PANELS]
    lines = math.ceil((2 + len(names)) / _COLUMNS)
    figure = extras.matplotlib().figure.Figure(figsize=(4.4 * _COLUMNS, 3.6 * lines), layout="constrained")
    panels = list(figure.subplots(lines, _COLUMNS, squeeze=False).flat)
    _draw_history(panels[0], complete, metric)
    _draw_errors(panels[1], rows)
    for panel, name in zip(panels[2:], names, strict=False):
        _draw_entry(panel, name, complete, space, metric, importances)
    for panel in panels[: 2 + len(names)]:
        panel.grid(alpha=0.25, linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels[2 + len(names) :]:
        panel.set_axis_off()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=150)


def _draw_history(panel: Any, complete: Sequence[TrialRow], metric: str) -> None:
    numbers, values = [row.number for row in complete], np.array([row.value for row in complete])
    panel.plot(numbers, values, ".", color=_BLUE, label="trial")
    panel.step(numbers, np.minimum.accumulate(values), where="post", color=_RED, linewidth=1.2, label="best so far")
    panel.xaxis.get_major_locator().set_params(integer=True)
    panel.set(xlabel="trial", ylabel=value_words(metric), title="Trials")
    panel.legend(frameon=False)


def _draw_errors(panel: Any, rows: Sequence[TrialRow]) -> None:
    for row in rows:
        if row.errors:
            color, above = (_GREY, 1) if row.state != "complete" else (_BLUE, 2)
            steps = sorted(row.errors)
            panel.plot(steps, [row.errors[step] for step in steps], color=color, linewidth=0.9, alpha=0.7, zorder=above)
    panel.plot([], [], color=_BLUE, label="complete")
    panel.plot([], [], color=_GREY, label="ended early, failed")
    panel.set(xlabel="epoch", ylabel="lowest validation error so far", title="Trainings")
    panel.legend(frameon=False)


def _draw_entry(
    panel: Any,
    name: str,
    complete: Sequence[TrialRow],
    space: SearchSpace,
    metric: str,
    importances: Mapping[str, float],
) -> None:
    with_it = [row for row in complete if name in row.drawn]
    places = panel.scatter(
        [row.drawn[name] for row in with_it],
        [row.value for row in with_it],
        c=[row.number for row in with_it],
        cmap="viridis_r",
        s=14,
    )
    panel.figure.colorbar(places, ax=panel, label="trial")
    entry = space.entries[name]
    if isinstance(entry, Range):
        panel.set_xscale("log" if entry.log else "linear")
        margin = 0 if entry.log else 0.03 * (entry.high - entry.low)
        panel.set_xlim(entry.low - margin, entry.high + margin)
    else:
        texts = [str(each) for each in getattr(entry, "values", ())]
        short = [text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..." for text in texts]
        tilted = {"rotation": 20, "ha": "right"} if max(map(len, short)) > _SHORT else {}
        panel.set_xticks(range(len(short)), [text.replace("$", r"\$") for text in short], **tilted)
        panel.set_xlim(-0.5, len(short) - 0.5)
    importance = f", importance {importances[name]:.2f}" if name in importances else ""
    panel.set(ylabel=value_words(metric), title=name.replace("$", r"\$") + importance)
