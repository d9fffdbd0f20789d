"""Tells how the reading of events goes: a bar at a terminal, else a line in the log now and then."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Any

from pytmva_rnn.terminal import is_at_terminal

__all__ = ["ReadingProgress"]

log = logging.getLogger("pytmva_rnn")

_SECONDS = 10.0
"""Between two lines."""


class ReadingProgress:
    """Entries read so far, their rate and the time left.

    Parameters
    ----------
    total : int
        Entries to be read.
    """

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._total, self.done = total, 0
        self._begin = self._told = time.monotonic()
        console = Console(stderr=True)
        self._visible = is_at_terminal(console)
        columns = (
            TextColumn("reading"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        self._bar: Any = Progress(*columns, console=console, disable=not self._visible, transient=True)
        self._task = self._bar.add_task("reading", total=total, rate="")

    def __enter__(self) -> ReadingProgress:
        if self._visible:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._visible:
            self._bar.stop()
        if error is None and self.done:
            seconds = max(time.monotonic() - self._begin, 1e-9)
            log.info("read %s entries in %.1f s, %s/s", f"{self.done:,}", seconds, f"{self.done / seconds:,.0f}")

    @property
    def share_done(self) -> float:
        """From 0 to 1."""
        return self.done / self._total if self._total else 1.0

    def advance(self, entries: int) -> None:
        """Further entries have been read."""
        self.done += entries
        now = time.monotonic()
        rate = self.done / max(now - self._begin, 1e-9)
        self._bar.update(self._task, advance=entries, rate=f"{rate:,.0f} entries/s")
        if not self._visible and now - self._told >= _SECONDS:
            self._told = now
            log.info(
                "read %s of %s entries, %s/s, %.0f s left",
                f"{self.done:,}",
                f"{self._total:,}",
                f"{rate:,.0f}",
                max(0, self._total - self.done) / rate,
            )
