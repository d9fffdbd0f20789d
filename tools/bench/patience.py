"""How long a comparison waits: for a contestant that does not come to an end, and in all.

A program that waits for cores which others have taken, as PyTorch with two threads on a busy machine does, may take
minutes for what should be milliseconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

__all__ = ["Overdue", "Patience"]

_LEAST = 1.0
"""Seconds that nobody is stopped before: a share of microseconds says nothing of who stalls."""


@dataclass(frozen=True)
class Overdue:
    """A contestant that was stopped.

    Attributes
    ----------
    contestant : str
    threads : int
    seconds : float
        What it had taken.
    share : float
        What was its share.
    rounds : int
        Those that it had finished.
    """

    contestant: str
    threads: int
    seconds: float
    share: float
    rounds: int = 0

    def __str__(self) -> str:
        kept = f"after {self.rounds} round(s), which count" if self.rounds else "before it had finished a round"
        return (
            f"{self.contestant} with {self.threads} thread(s) took {self.seconds:.1f} s, its share is "
            f"{self.share:.2g} s: stopped {kept}"
        )


@dataclass
class Patience:
    """Of one comparison.

    Attributes
    ----------
    times : float, optional
        How many times its share a contestant may take; None waits for ever. The share is what the rounds are meant to
        take, or more where the first contestant takes more.
    until : float, optional
        When, on the clock of `time.perf_counter`, the comparison ends with the round that it is in.
    overdue : list of Overdue
        Those that were stopped.
    """

    times: float | None = None
    until: float | None = None
    overdue: list[Overdue] = field(default_factory=list)

    @property
    def is_up(self) -> bool:
        """Whether the time is."""
        return self.until is not None and time.perf_counter() >= self.until

    def most(self, share: float) -> float | None:
        """Seconds that a contestant may take."""
        return None if self.times is None else max(_LEAST, self.times * share)
