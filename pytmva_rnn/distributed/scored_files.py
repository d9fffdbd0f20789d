"""What became of files that were scored, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["ScoredFile", "ScoredFiles"]

_ROWS = 20
"""Of a table for people."""


@dataclass(frozen=True)
class ScoredFile:
    """What became of one input.

    Attributes
    ----------
    input : str
        `file.root` or `file.root:tree`.
    output : Path
    status : "scored", "done before" or "failed"
    events : int
        In the output.
    not_finite : int
        Of these, those with an input that is NaN or infinite.
    without_score : int
        Scores that say that there is none: -999 of a classification, else NaN.
    seconds : float
        That the scoring took, where and when it was done.
    attempts : int
    error : str
        Why it failed.
    """

    input: str
    output: Path
    status: Literal["scored", "done before", "failed"]
    events: int = 0
    not_finite: int = 0
    without_score: int = 0
    seconds: float = 0.0
    attempts: int = 1
    error: str = ""

    @property
    def rate(self) -> float:
        """Events per second of the worker that scored them."""
        return self.events / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class ScoredFiles:
    """What became of all inputs of a call; shown as a table.

    Attributes
    ----------
    files : tuple of ScoredFile
        In the order of the inputs.
    seconds : float
        From the beginning to the end of the call.
    """

    files: tuple[ScoredFile, ...]
    seconds: float

    def __len__(self) -> int:
        return len(self.files)

    def having(self, status: Literal["scored", "done before", "failed"]) -> tuple[ScoredFile, ...]:
        """Those of which this became."""
        return tuple(file for file in self.files if file.status == status)

    @property
    def failed(self) -> tuple[ScoredFile, ...]:
        """Those that have no scores, each with its error."""
        return self.having("failed")

    @property
    def events(self) -> int:
        """That were scored in this call."""
        return sum(file.events for file in self.having("scored"))

    @property
    def rate(self) -> float:
        """Events per second of all workers together."""
        return self.events / self.seconds if self.seconds else 0.0

    def summary(self) -> str:
        """One line with the numbers of files and events, and the rate."""
        scored, before = (len(self.having(status)) for status in ("scored", "done before"))
        said = f"{scored:,} of {len(self):,} files scored, {self.events:,} events in {self.seconds:.1f} s"
        said += f" ({self.rate:,.0f} events/s)" if self.events else ""
        said += f", {before:,} were done before" if before else ""
        return said + (f", {len(self.failed):,} failed" if self.failed else "")

    def __str__(self) -> str:
        shown = sorted(self.files, key=lambda file: file.status != "failed")[:_ROWS]
        width = max((len(file.input) for file in shown), default=0)
        rows = [f"{'input':{width}}  {'status':11}  {'events':>12}  {'seconds':>8}  {'events/s':>10}"]
        for file in shown:
            numbers = f"{file.events:12,}  {file.seconds:8.1f}  {file.rate:10,.0f}"
            rows.append(f"{file.input:{width}}  {file.status:11}  {file.error or numbers}")
        rows += [f"... and {len(self) - _ROWS:,} more"] if len(self) > _ROWS else []
        return "\n".join([*rows, self.summary()])
