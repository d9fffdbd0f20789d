"""What all pictures share: colours, sizes, names as they are, styles of experiments, and files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.errors import DataError
from pytmva_rnn.files import atomic_path
from pytmva_rnn.report.statistics.binned import Binned
from pytmva_rnn.suggestions import near

__all__ = [
    "COLORS",
    "GRID",
    "INK",
    "MUTED",
    "SURFACE",
    "Panel",
    "color",
    "draw_bins",
    "draw_points",
    "draw_steps",
    "figure_of",
    "from_zero",
    "outside_legend",
    "plain",
    "save_figure",
    "slugs",
    "styled",
]

COLORS = ("#2166ac", "#c4472b", "#3a8a3f", "#8a5aa8", "#b8860b", "#4a4a4a", "#17a2a2", "#d0699a")
INK, MUTED, GRID, SURFACE = "#1b1d21", "#6b7078", "#d9dce1", "#fdfdfe"
"""Of text, of what is of less weight, of lines behind, and of what lies below; the page puts its own for all."""

_WIDTH = 4.6
"""Inches of a picture; at this width it can be read on a phone."""
_STYLED_WIDTH = 10.0
"""Of one in a style of mplhep, whose letters are made for it."""
_LONGEST, _LABEL = 34, 80
"""Letters of a name, and of a label."""

_BASE: Mapping[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "figure.facecolor": "white",
    "font.size": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "lines.markersize": 4,
    "svg.fonttype": "path",
    "svg.hashsalt": "pytmva_rnn",
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8,
}


@dataclass(frozen=True)
class Panel:
    """One picture.

    Attributes
    ----------
    name : str
        Of its file, without the ending.
    title : str
    alt : str
        What it shows, in words, with its main numbers: for who cannot see it.
    draw : callable
        Draws on a figure.
    height : float
        Over the width.
    """

    name: str
    title: str
    alt: str
    draw: Callable[[Any], None]
    height: float = 0.76


def figure_of(panel: Panel, style: str | None = None, label: str | None = None) -> Any:
    """A picture as a figure of Matplotlib.

    Parameters
    ----------
    panel : Panel
    style : str, optional
        Of mplhep: CMS, ATLAS ...
    label : str, optional
        Stands above; its first word, the experiment, in bold letters.

    Raises
    ------
    DataError
        For an unknown style.
    MissingExtraError
        If Matplotlib is not installed, or mplhep for a style.
    """
    with styled(style) as width:
        figure = extras.matplotlib().figure.Figure(figsize=(width, width * panel.height), layout="constrained")
        panel.draw(figure)
        if label:
            _put_label(figure, label)
    return figure


def _put_label(figure: Any, label: str) -> None:
    """Words in a strip of their own above all else, where they hide no legend."""
    size = extras.matplotlib().rcParams["font.size"]
    strip = 1.7 * size / 72 / figure.get_size_inches()[1]
    figure.get_layout_engine().set(rect=(0, 0, 1, 1 - strip))
    experiment, _, words = plain(label, _LABEL).partition(" ")
    bold = figure.text(0.03, 1 - strip / 2, experiment, weight="bold", va="center", size=1.1 * size)
    rest = figure.axes[0].annotate(
        words, (1, 0.5), (size / 3, 0), bold, textcoords="offset points", style="italic", va="center", size=size
    )
    rest.set_in_layout(False)


def save_figure(panel: Panel, path: Path, style: str | None = None, label: str | None = None) -> None:
    """Write a picture, complete or not at all; its ending tells the format.

    Raises
    ------
    DataError, MissingExtraError
        As `figure_of`.
    OSError
        If it cannot be written.
    """
    with styled(style):
        figure = figure_of(panel, style, label)
        # no date, so that the same numbers make the same file
        dated = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(path.suffix)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=200, metadata=dated)


@contextmanager
def styled(style: str | None = None) -> Iterator[float]:
    """Draw in a style of mplhep, or in ours; gives the width of a picture in inches."""
    matplotlib = extras.matplotlib()
    if style is None:
        with matplotlib.rc_context(dict(_BASE)):
            yield _WIDTH
        return
    styles = extras.mplhep().style
    names = [name for name in dir(styles) if isinstance(getattr(styles, name), dict) and not name.startswith("_")]
    if style not in names:
        raise DataError(f"mplhep has no style {style!r}; {near(style, names)}")
    with matplotlib.rc_context({**getattr(styles, style), "svg.hashsalt": "pytmva_rnn"}):
        yield _STYLED_WIDTH


def plain(text: str, longest: int = _LONGEST) -> str:
    """A name as it is, shortened: Matplotlib would read what stands between two dollar signs as a formula, and fail on
    one that is none.
    """
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    shown = shown if len(shown) <= longest else f"{shown[: longest - 12]}…{shown[-11:]}"
    return shown.replace("$", r"\$")


def slugs(names: Sequence[str]) -> list[str]:
    """Names of files for names of anything, each another one."""
    found: list[str] = []
    for name in names:
        slug = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()[:40] or "x"
        number = 2
        unique = slug
        while unique in found:
            unique, number = f"{slug}-{number}", number + 1
        found.append(unique)
    return found


def color(number: int) -> str:
    """Of class or line `number`."""
    return COLORS[number % len(COLORS)]


def draw_steps(axes: Any, histogram: Binned, label: str, number: int, *, filled: bool, style: str = "-") -> None:
    """A normalised histogram with the uncertainty of each bin as a band."""
    height, error = histogram.density()
    shade = color(number)
    axes.stairs(
        height, histogram.edges, color=shade, fill=filled, alpha=0.3 if filled else None, linestyle=style, label=label
    )
    if filled:
        axes.stairs(height, histogram.edges, color=shade)
    axes.stairs(height + error, histogram.edges, baseline=height - error, fill=True, color=shade, alpha=0.35, lw=0)


def draw_points(axes: Any, histogram: Binned, label: str, number: int) -> None:
    """A normalised histogram as points with error bars."""
    height, error = histogram.density()
    middle = (histogram.edges[1:] + histogram.edges[:-1]) / 2
    axes.errorbar(middle, height, error, fmt=".", color=color(number), elinewidth=1, label=label)


def draw_bins(
    axes: Any,
    edges: NDArray[np.float64],
    value: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    label: str,
    number: int,
) -> None:
    """A value in each bin, with the bin's width and the interval of one standard deviation."""
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    error = np.abs([value - low, high - value])
    axes.errorbar(middle, value, error, half, fmt="o", color=color(number), elinewidth=1.2, label=label)


def from_zero(axes: Any, heights: NDArray[np.float64], top: float | None = None) -> None:
    """A scale of contents that begins at 0; or below the lowest, as negative weights may leave less than nothing."""
    known = heights[np.isfinite(heights)]
    axes.set_ylim(1.1 * min(0.0, known.min(initial=0.0)), top)


def outside_legend(axes: Any, entries: int) -> None:
    """A legend above the axes, where it hides nothing; two columns for more than two entries."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=1 if entries <= 1 else 2, borderaxespad=0.2, columnspacing=1.2
    )
