"""How far a command is, and how long it will take, where somebody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(what: str, total: int | None = None) -> Iterator[Callable[..., object]]:
    """A bar on a terminal, and nothing elsewhere; called with how many more are done, perhaps of how many in all."""
    if not sys.stderr.isatty():
        yield lambda count, total=None: None
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count, total=None: progress.update(task, advance=count, total=total)
