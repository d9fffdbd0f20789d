"""The live table of a training at a terminal: the course of both errors in a line each, and a bar over the epochs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from pytmva_rnn.description import HistoryRow

__all__ = ["LiveErrors", "Sparkline"]

_HEIGHTS = "▁▂▃▄▅▆▇█"
_ASCII_HEIGHTS = "_.-:=+*#"
"""For terminals without the others."""
_NARROWEST, _WIDEST = 8, 60
"""Columns of a sparkline."""
_POINTS = 512
"""Of an error that are kept for its sparkline; of twice as many, the means of neighbours are."""


class Sparkline:
    """Values as a line of small bars, as wide as there is room, between the least and the largest of them.

    What is not finite is a blank.
    """

    def __init__(self, values: Sequence[float], style: str = "") -> None:
        self._values, self._style = values, style

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        wanted = min(_WIDEST, max(_NARROWEST, len(self._values)))
        return Measurement(_NARROWEST, wanted).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        heights = _ASCII_HEIGHTS if options.ascii_only else _HEIGHTS
        values, width = self._values, min(options.max_width, _WIDEST)
        if len(values) > width:
            edges = [place * len(values) // width for place in range(width + 1)]
            values = [_mean(values[first:last]) for first, last in pairwise(edges)]
        finite = [value for value in values if math.isfinite(value)]
        low, high = min(finite, default=0.0), max(finite, default=0.0)
        yield Text("".join(_height(value, low, high, heights) for value in values), style=self._style)


class LiveErrors:
    """The table, from `start` to `stop`; nothing is left of it.

    Parameters
    ----------
    console : Console
    total : int
        Epochs of the phase.
    description : str
        Of the phase.
    done : int
        Epochs that are done already.
    history : iterable of HistoryRow
        Of the training so far.
    """

    def __init__(
        self, console: Console, total: int, description: str, done: int = 0, history: Iterable[HistoryRow] = ()
    ) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, auto_refresh=False)
        self._task = self._bar.add_task(description, total=total, completed=done)
        self._errors = (_Course("training"), _Course("validation"))
        self._speed = ""
        for row in history:
            self._take(row)
        self._live = Live(console=console, transient=True, get_renderable=self._shown)

    def start(self) -> None:
        """Show it."""
        self._live.start(refresh=True)

    def stop(self) -> None:
        """Take it away."""
        self._live.stop()

    def reach(self, epochs: float) -> None:
        """So many epochs are done, a part of one among them."""
        self._bar.update(self._task, completed=epochs)

    def tested(self, row: HistoryRow, seconds: float, rate: float, unimproved: int) -> None:
        """Both errors, the seconds of an epoch, events a second, and epochs without improvement."""
        self._take(row)
        waited = f", {unimproved} epoch{'s' if unimproved > 1 else ''} without improvement" if unimproved else ""
        self._speed = f"{seconds:.3g} s an epoch, {rate:,.0f} events/s{waited}"

    def _take(self, row: HistoryRow) -> None:
        for course, error in zip(self._errors, row[2:], strict=True):
            course.add(error, f"{row.phase}, {row.epoch}")

    def _shown(self) -> RenderableType:
        """What is seen now; asked for by a thread of its own."""
        if not self._errors[-1].points:
            return self._bar
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("error", no_wrap=True)
        table.add_column("so far", no_wrap=True)
        for heading in ("first", "lowest", "phase, epoch", "last"):
            table.add_column(heading, justify="right", no_wrap=True)
        for course, style in zip(self._errors, ("cyan", "magenta"), strict=True):
            numbers = (f"{course.first:.6g}", f"{course.lowest:.6g}", course.lowest_in, f"{course.last:.6g}")
            table.add_row(course.name, Sparkline(tuple(course.points), style), *numbers)
        return Group(table, Text(self._speed, style="dim"), self._bar)


class _Course:
    """An error from the first epoch on, in a bounded number of points."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.points: list[float] = []
        self.first = self.last = math.nan
        self.lowest, self.lowest_in = math.inf, ""
        self._each = 1  # values of a point
        self._open: list[float] = []  # those of the next one

    def add(self, error: float, where: str) -> None:
        if not self.points and not self._open:
            self.first = error
        self.last = error
        if error < self.lowest:
            self.lowest, self.lowest_in = error, where
        self._open.append(error)
        if len(self._open) < self._each:
            return
        self.points.append(_mean(self._open))
        self._open = []
        if len(self.points) == 2 * _POINTS:
            self.points = [_mean(self.points[place : place + 2]) for place in range(0, 2 * _POINTS, 2)]
            self._each *= 2


def _mean(values: Sequence[float]) -> float:
    """Of those that are finite; NaN of none."""
    finite = [value for value in values if math.isfinite(value)]
    return sum(value / len(finite) for value in finite) if finite else math.nan


def _height(value: float, low: float, high: float, heights: str) -> str:
    if not math.isfinite(value):
        return " "
    # halves have room where their difference has not
    share = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.0
    return heights[min(len(heights) - 1, int(share * len(heights)))]
