"""Tells the user how training goes: TMVA's table of epochs in the log, and a live table at a terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from pytmva_rnn.description import HistoryRow
from pytmva_rnn.first_imports import importing
from pytmva_rnn.terminal import is_at_terminal

if TYPE_CHECKING:
    from pytmva_rnn.training.live_errors import LiveErrors

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
    """A live table of the errors over a bar of the phase's epochs, on stderr.

    Nothing where stderr is no terminal, or `show` is False.
    """

    def __init__(
        self, total: int, description: str, show: bool | None, done: int = 0, history: Iterable[HistoryRow] = ()
    ) -> None:
        self._table: LiveErrors | None = None
        if show is False or (show is None and not (sys.stderr and sys.stderr.isatty())):
            return
        with importing:
            from rich.console import Console

        console = Console(stderr=True, force_terminal=True if show else None)
        if show or is_at_terminal(console):
            with importing:
                from pytmva_rnn.training.live_errors import LiveErrors

            self._table = LiveErrors(console, total, description, done, history)

    def __enter__(self) -> Progress:
        if self._table is not None:
            self._table.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._table is not None:
            self._table.stop()

    def reach(self, epochs: float) -> None:
        """So many epochs are done, a part of one among them."""
        if self._table is not None:
            self._table.reach(epochs)

    def tested(self, row: HistoryRow, seconds: float, rate: float, unimproved: int) -> None:
        """The validation sample was looked at.

        Parameters
        ----------
        row : HistoryRow
        seconds : float
            Of an epoch.
        rate : float
            Events a second.
        unimproved : int
            Epochs for which the validation error has not fallen.
        """
        if self._table is not None:
            self._table.tested(row, seconds, rate, unimproved)
