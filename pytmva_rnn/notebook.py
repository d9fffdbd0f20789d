"""What objects show of themselves in a notebook: a heading, small tables and curves, light or dark as the notebook is.

Without scripts, and with a style that nothing else on the page takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lxml import html

from pytmva_rnn.html_elements import element, table

__all__ = ["curves", "facts", "listed", "rows", "shown"]

_STYLE = """\
.pytmva-rnn .scroll { overflow-x: auto; }
.pytmva-rnn table { border-collapse: collapse; margin: .4em 0; }
.pytmva-rnn caption { text-align: left; opacity: .7; }
.pytmva-rnn th, .pytmva-rnn td { text-align: left; vertical-align: top; padding: .1em .8em .1em 0; }
.pytmva-rnn .number { text-align: right; font-variant-numeric: tabular-nums; }
.pytmva-rnn .long { max-width: 34em; overflow-wrap: anywhere; }
"""
_COLORS = ("#2f7fc1", "#d9622b")
"""That are seen on white and on black."""
_WIDTH, _HEIGHT, _MARGIN = 360, 120, 4
_POINTS = 200
"""Of a curve."""
_NAMES = 20
"""Of a list, and rows of a table."""
_LETTERS = 60
"""Of a name."""


def shown(heading: str, *parts: Any) -> str:
    """The HTML of an object.

    Parameters
    ----------
    heading : str
    *parts : elements and texts
    """
    view = element("div", element("style", _STYLE), element("strong", heading), *parts, class_="pytmva-rnn")
    text: str = html.tostring(view, encoding="unicode")
    return text


def facts(pairs: Mapping[str, object]) -> Any:
    """A table of names and values; what is empty is left out."""
    given = [(name, str(value)) for name, value in pairs.items() if str(value)]
    lines = [
        element("tr", element("th", name, scope="row"), element("td", value, class_="long")) for name, value in given
    ]
    return element("table", element("tbody", *lines))


def rows(caption: str, columns: Sequence[str], cells: Iterable[Sequence[object]], texts: int = 1) -> Any:
    """A table of which the first rows are shown; the first columns, so many, are texts."""
    return table(caption, columns, cells, texts=texts, most=_NAMES, rest="rows")


def listed(names: Iterable[str]) -> str:
    """Names in a row, of which the first are shown."""
    every = list(names)
    short = [name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…" for name in every[:_NAMES]]
    return ", ".join(short + [f"and {len(every) - _NAMES:,} more"] * (len(every) > _NAMES))


def curves(over: str, places: Sequence[float], lines: Mapping[str, Sequence[float]]) -> Any:
    """Up to two curves with the least and the largest of their values, as a picture (SVG).

    Parameters
    ----------
    over : str
        What `places` are.
    places : sequence of float
        That do not fall.
    lines : mapping of names to values
        One a place; what is not finite is a gap.
    """
    finite = [value for values in lines.values() for value in values if math.isfinite(value)]
    if not finite:
        return element("p", "no finite values")
    low, high = min(finite), max(finite)
    last = len(places) - 1
    chosen = sorted({round(number * last / (_POINTS - 1)) for number in range(_POINTS)}) if last > 0 else [0]
    drawn = []
    for color, values in zip(_COLORS, lines.values(), strict=False):
        for run in _runs(values, chosen):
            points = " ".join(
                f"{_MARGIN + (_WIDTH - 2 * _MARGIN) * _share(places[at], places[0], places[last]):.1f},"
                f"{_HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * _share(values[at], low, high):.1f}"
                for at in run
            )
            ends = {"stroke_linecap": "round", "stroke_linejoin": "round"}  # a dot where there is one point
            drawn.append(element("polyline", points=points, fill="none", stroke=color, stroke_width="2", **ends))
    words = f"{' and '.join(lines)}, from {low:.6g} to {high:.6g}, against the {over}"
    picture = element(
        "svg", *drawn, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", width=str(_WIDTH), height=str(_HEIGHT), role="img",
        aria_label=words,
    )  # fmt: skip
    legend = [
        element("span", f"■ {name} ", style=f"color:{color}") for color, name in zip(_COLORS, lines, strict=False)
    ]
    return element("div", picture, element("div", *legend, f"from {low:.6g} to {high:.6g}, against the {over}"))


def _share(value: float, low: float, high: float) -> float:
    """How far a value is from the one to the other, from 0 to 1; halves have room where their difference has not."""
    return (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5


def _runs(values: Sequence[float], chosen: Iterable[int]) -> list[list[int]]:
    """Numbers of finite values, without the gaps; a single one stands twice."""
    runs: list[list[int]] = [[]]
    for at in chosen:
        if math.isfinite(values[at]):
            runs[-1].append(at)
        elif runs[-1]:
            runs.append([])
    return [run if len(run) > 1 else run * 2 for run in runs if run]
