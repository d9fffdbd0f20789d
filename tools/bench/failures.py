"""What can go wrong in a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pytmva_rnn.errors import TMVAError

__all__ = ["BenchmarkError", "ContestantError", "blamed"]


class BenchmarkError(TMVAError):
    """Programs that do not compute the same: their times are not compared."""


class ContestantError(Exception):
    """A contestant that failed; the cause says how."""

    def __init__(self, contestant: str) -> None:
        super().__init__(contestant)
        self.contestant = contestant


@contextmanager
def blamed(contestant: str) -> Iterator[None]:
    """Say whose error it is: other programs raise errors of any kind, and the comparison goes on without them."""
    try:
        yield
    except BenchmarkError:
        raise
    except Exception as error:
        raise ContestantError(contestant) from error
