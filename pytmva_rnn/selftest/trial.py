"""What a trial has found."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Trial"]


@dataclass(frozen=True)
class Trial:
    """A trial, and whether it came out right.

    Attributes
    ----------
    name : str
        TMVA's test, and what of it.
    found : str
        The numbers, or the error that ended it.
    passed : bool
    """

    name: str
    found: str
    passed: bool

    def __str__(self) -> str:
        return f"--- {self.name}: {self.found} ({'OK' if self.passed else 'FAILED'})"
