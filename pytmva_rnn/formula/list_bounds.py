"""Whether the lists of an array that comes from outside lie within its memory, before anything goes by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.packages import ak

__all__ = ["check_lists"]


def check_lists(array: Any, what: str, first: int = 0) -> None:
    """Look at all levels of lists of an awkward array.

    Parameters
    ----------
    array : awkward array of n events
    what : str
        For messages.
    first : int
        Entry number of the first event.

    Raises
    ------
    DataError
        For a list that ends before it begins, or reaches beyond its elements; names the entry.
    """
    _check(ak.to_layout(array), what, lambda row: first + row)


def _check(layout: Any, what: str, entry: Callable[[int], int]) -> None:
    """`entry` gives the entry number of a row of the layout."""
    if layout.is_record:
        for content in layout.contents:
            _check(content, what, entry)
    elif hasattr(layout, "index"):
        numbers = np.asarray(layout.index.data)
        absent = (numbers < 0) if layout.is_option else np.zeros(len(numbers), bool)
        wrong = ~absent & ((numbers < 0) | (numbers >= len(layout.content)))
        _refuse(wrong, what, entry)
        _check(layout.content, what, lambda row: entry(int(np.argmax(numbers == row))))
    elif layout.is_option:
        _check(layout.content, what, entry)
    elif layout.is_regular and layout.is_list:
        _check(layout.content, what, lambda row: entry(row // max(1, layout.size)))
    elif layout.is_list:
        starts, stops = (np.asarray(bounds.data) for bounds in (layout.starts, layout.stops))
        _refuse((starts < 0) | (stops < starts) | (stops > len(layout.content)), what, entry)
        _check(layout.content, what, lambda row: entry(int(np.argmax((starts <= row) & (row < stops)))))


def _refuse(wrong: NDArray[np.bool_], what: str, entry: Callable[[int], int]) -> None:
    if wrong.any():
        place = entry(int(np.argmax(wrong)))
        raise DataError(f"{what} is damaged at entry {place}: a list ends before it begins, or beyond its elements")
