"""How much memory the training of a network may take, and how that is shared out."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from pytmva_rnn.description.memory import machine_memory
from pytmva_rnn.errors import DataError

__all__ = ["MemoryLimit", "bytes_of", "in_words"]

log = logging.getLogger("pytmva_rnn")

BASE = 400_000_000
"""What Python with NumPy, Numba and uproot takes before any event is read, with its compiled kernels."""

OF_AN_EVENT = 64
"""Bytes of an event, beside its inputs, that are in memory at most at one time: weights, numbers in orders, masks."""

OF_AN_EVENT_OF_SEVERAL = 128
"""The same where an entry makes several events, which must stay together."""

_COPIES = 3
"""Of all inputs, that loading, dividing and transforming them in memory makes at most."""

_SHARES = 6
"""Of what is left for inputs: a piece that is used, one that is read, and arrays small enough to be in memory whole."""

_UNITS = {"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
_TEXT = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?(?:[eE][0-9]+)?)\s*([KMGT]I?)?B?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class MemoryLimit:
    """What a process may take.

    What is decided by it, such as the order of events in training, depends on nothing else than this number: not on
    the machine, nor on what else is in its memory.

    Attributes
    ----------
    size : int
        Bytes.
    """

    size: int

    @classmethod
    def of(cls, given: int | str | MemoryLimit) -> MemoryLimit:
        """From bytes, or a text such as `"2 GB"` or `"1500 MiB"`.

        Raises
        ------
        DataError
            For what is none, and for one that leaves no room for events.
        """
        if isinstance(given, MemoryLimit):
            return given
        size = bytes_of(given, "memory")
        if size <= BASE:
            raise DataError(
                f"memory = {given!r:.80}: the program itself takes up to {in_words(BASE)} before it reads any event; "
                "give more"
            )
        if size > machine_memory():
            log.warning("memory = %s is more than this machine has, %s", given, in_words(machine_memory()))
        return cls(size)

    def holds(self, events: int, width: int) -> bool:
        """Whether everything can be in memory, with `width` inputs of each event, as it is without a limit."""
        return events * (_COPIES * 4 * width + 2 * OF_AN_EVENT) <= self.size - BASE

    def share(self, events: int, width: int, *, several: bool = False) -> int:
        """Bytes that one of the arrays or pieces may take which are in memory at one time.

        Parameters
        ----------
        events, width : int
            Of the whole, and how many inputs each has.
        several : bool
            Whether an entry makes several events.

        Raises
        ------
        DataError
            If the limit does not suffice for the numbers that each event needs beside its inputs.
        """
        books = events * (OF_AN_EVENT_OF_SEVERAL if several else OF_AN_EVENT)
        share = (self.size - BASE - books) // _SHARES
        least = max(_LEAST, _EVENTS_AT_ONCE * 4 * width)
        if share < least:
            needed = BASE + books + _SHARES * least
            raise DataError(
                f"memory = {in_words(self.size)} does not suffice for {events:,} events: what is kept of each beside "
                f"its inputs takes {in_words(books)} and the program {in_words(BASE)}; give at least "
                f"{in_words(needed)}, or select fewer events"
            )
        return share

    @property
    def piece(self) -> int:
        """Bytes that a piece of a file may take while it is read."""
        return max(_LEAST, (self.size - BASE) // 8)


def bytes_of(given: int | str, what: str) -> int:
    """A number of bytes, or a text such as `"2 GB"` or `"1500 MiB"`, as bytes.

    Raises
    ------
    DataError
        For what is none, and what no machine has.
    """
    found = _TEXT.fullmatch(given) if isinstance(given, str) else None
    if found is not None:
        size = float(found[1]) * _UNITS[(found[2] or "").upper()]
    elif isinstance(given, int) and not isinstance(given, bool):
        size = given
    else:
        raise DataError(f"{what} is a number of bytes, or a text such as '2 GB', not {given!r:.80}")
    if not size <= 1e18:
        raise DataError(f"{what} = {given!r:.80} is more than any machine has")
    return int(size)


_LEAST = 4_000_000
"""Bytes of a share: less would be read in too small pieces."""

_EVENTS_AT_ONCE = 1_000
"""Events of a share at least."""


def in_words(size: float) -> str:
    """Bytes, for people."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size:.0f} B"
