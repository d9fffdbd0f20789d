"""Tells the user how training goes: TMVA's table of epochs in the log, and a progress bar at a terminal."""

from __future__ import annotations

import logging
from types import TracebackType

__all__ = ["EpochTable", "Progress"]

log = logging.getLogger("pytmva_rnn")


class EpochTable:
    """The table that TMVA's MethodDL prints, one row a test of the validation sample; `*` marks a new minimum."""

    def __init__(self, phase: int, phases: int, start: float, batches: int, batch_size: int, epoch: int = 0) -> None:
        log.info("Training phase %d of %d: %d batches of %d events an epoch", phase, phases, batches, batch_size)
        if epoch:
            log.info("Going on after epoch %d, lowest validation error %.6g", epoch, start)
        else:
            log.info("Initial validation error %.6g", start)
        log.info(
            "%6s |%11s |%10s |%10s |%9s |%9s |%11s",
            *("Epoch", "Train Err.", "Val. Err.", "t(s)/epoch", "t(s)/Loss", "nEvents/s", "Conv. Steps"),
        )
        log.info("-" * 79)

    def row(
        self,
        epoch: int,
        training: float,
        validation: float,
        times: tuple[float, float],
        rate: float,
        steps: int,
        best: bool,
    ) -> None:
        """Write a row; `times` are seconds per epoch and for the test, `rate` events a second."""
        log.info(
            "%6d |%11.6g |%10.6g |%10.3g |%9.3g |%9.6g |%11d%s",
            epoch,
            training,
            validation,
            *times,
            rate,
            steps,
            " *" if best else "",
        )


class Progress:
    """A bar over the epochs of a phase, on stderr; nothing when stderr is no terminal (or `show` is False)."""

    def __init__(self, total: int, description: str, show: bool | None, done: int = 0) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        console = Console(stderr=True, force_terminal=True if show else None)
        self._visible = console.is_terminal if show is None else show
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=console, disable=not self._visible, transient=True)
        self._task = self._bar.add_task(description, total=total, completed=done)

    def __enter__(self) -> Progress:
        if self._visible:  # rich before 14.3 prints an empty line for a bar that is not
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._visible:
            self._bar.stop()

    def reach(self, epochs: float) -> None:
        """So many epochs are done, a part of one among them."""
        self._bar.update(self._task, completed=epochs)
