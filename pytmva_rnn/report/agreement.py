"""How far two sets of scores of the same events are from each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.network.scoring import NO_SCORE

__all__ = ["Agreement"]

_DECADES = range(-9, 1)


@dataclass(frozen=True, eq=False)
class Agreement:
    """Two sets of scores of the same events.

    A difference counts relative to the score where that is above 1, as those of a regression may be. NaN agrees with
    NaN and with -999, TMVA's answer of a classifier in its place; from any other score it differs infinitely.

    Parameters
    ----------
    one, other : array, shape (n,) or (n, O)
        With one event or more.

    Raises
    ------
    DataError
        If they are not of the same events and outputs.
    """

    one: NDArray[np.float64]
    other: NDArray[np.float64]

    @classmethod
    def of(cls, one: ArrayLike, other: ArrayLike) -> Agreement:
        """From arrays of any type."""
        first, second = (np.asarray(each, np.float64) for each in (one, other))
        if first.shape != second.shape or not first.size:
            raise DataError(f"expected scores of the same events, found the shapes {first.shape} and {second.shape}")
        return cls(first.reshape(len(first), -1), second.reshape(len(second), -1))

    @cached_property
    def differences(self) -> NDArray[np.float64]:
        """Of each event and output, (n, O)."""
        one, other = (np.where(each == NO_SCORE, np.nan, each) for each in (self.one, self.other))
        with np.errstate(invalid="ignore"):
            difference = np.abs(one - other) / np.maximum(1, np.maximum(np.abs(one), np.abs(other)))
        difference[np.isnan(one) & np.isnan(other) | (one == other)] = 0
        return np.where(np.isnan(difference), np.inf, difference)

    @property
    def largest(self) -> float:
        """The largest difference."""
        return float(self.differences.max())

    @property
    def place(self) -> tuple[int, int]:
        """Event and output of the largest difference."""
        event, output = np.unravel_index(int(self.differences.argmax()), self.differences.shape)
        return int(event), int(output)

    def histogram(self) -> list[tuple[str, int]]:
        """How many events have their largest difference up to each power of ten, from the smallest on."""
        of_events = self.differences.max(1)
        rows = [("0", int((of_events == 0).sum()))]
        low = 0.0
        for decade in _DECADES:
            high = 10.0**decade
            rows.append(
                (
                    f"up to 1e{decade:+03d}" if decade else "up to 1",
                    int(((of_events > low) & (of_events <= high)).sum()),
                )
            )
            low = high
        rows.append(("more", int((of_events > low).sum())))
        filled = [number for number, (_, count) in enumerate(rows) if count]
        return rows[filled[0] : filled[-1] + 1]

    def __str__(self) -> str:
        """One line."""
        event, output = self.place
        values = f"{self.one[event, output]:.7g} and {self.other[event, output]:.7g}"
        where = f"event {event}" + (f", output {output}" if self.one.shape[1] > 1 else "")
        return f"largest difference {self.largest:.2g} in {where}: {values}"
