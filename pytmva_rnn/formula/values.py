"""What a formula has while it is computed: numbers of all events in one flat array, and where each event's begin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.packages import ak

__all__ = [
    "DifferentLengths",
    "Offsets",
    "Value",
    "aligned",
    "bounds_of",
    "combined",
    "from_awkward",
    "reduced",
    "taken",
    "to_awkward",
]

Offsets = tuple[NDArray[np.int64], ...]


class DifferentLengths(Exception):
    """Lists that do not go together: the first such event, which of the values, and their numbers of elements there."""

    def __init__(self, event: int, which: tuple[int, int], lengths: tuple[int, int]) -> None:
        self.event = event
        self.which = which
        self.lengths = lengths
        super().__init__(f"{lengths[0]} and {lengths[1]}")


@dataclass(frozen=True, eq=False)
class Value:
    """Numbers of n events.

    Attributes
    ----------
    content : () for a constant, (n,) for one number an event, or (m,) for the elements of all lists
    offsets : tuple of int64 arrays
        For each level of lists, the outermost first, where the lists begin in what is below; the first has n + 1.
    problem : (m,) int32, optional
        0, or the number of the problem for which there is no value.
    """

    content: NDArray[Any]
    offsets: Offsets = ()
    problem: NDArray[np.int32] | None = None

    @property
    def levels(self) -> int:
        """0 for one number an event, 1 for a list, 2 for a list of lists."""
        return len(self.offsets)

    @property
    def holds_single_elements(self) -> bool:
        """Whether it is one list per event, of one element each: as good as a number."""
        return self.levels == 1 and bool((np.diff(self.offsets[0]) == 1).all())

    @property
    def constant(self) -> bool:
        return self.content.ndim == 0


def from_awkward(array: Any) -> Value:
    """The numbers of an awkward array of n events.

    Raises
    ------
    ValueError
        For what is no number, and for values that are missing.
    """
    layout = ak.to_layout(array)
    offsets: list[NDArray[np.int64]] = []
    while True:
        if layout.is_indexed and not layout.is_option:
            layout = layout.project()
        elif layout.is_list:
            if layout.parameter("__array__") in ("string", "bytestring"):
                raise ValueError("text, not numbers")
            layout = layout.to_ListOffsetArray64(True)
            offsets.append(np.asarray(layout.offsets.data))
            layout = layout.content[: int(offsets[-1][-1])]
        elif layout.is_numpy:
            if layout.data.ndim == 1:
                return Value(np.asarray(layout.data), tuple(offsets))
            layout = layout.to_RegularArray()
        elif layout.is_record:
            raise ValueError("objects, not numbers")
        elif layout.is_option:
            valid = layout.to_ByteMaskedArray(True) if hasattr(layout, "to_ByteMaskedArray") else layout
            if len(ak.drop_none(ak.Array(valid), axis=0)) < len(layout):
                raise ValueError("values that are missing")
            layout = layout.project()
        elif layout.is_unknown:
            return Value(np.empty(0), tuple(offsets))
        else:
            raise ValueError(f"{type(layout).__name__}, not numbers")


def to_awkward(value: Value) -> Any:
    """The same as an awkward array of n events."""
    layout: Any = ak.contents.NumpyArray(value.content)
    for offsets in reversed(value.offsets):
        layout = ak.contents.ListOffsetArray(ak.index.Index64(offsets), layout)
    return ak.Array(layout)


def bounds_of(offsets: Offsets) -> NDArray[np.int64]:
    """Where each event's elements of the innermost level begin, (n + 1,)."""
    bounds = offsets[0]
    for below in offsets[1:]:
        bounds = below[bounds]
    return bounds


def _first_difference(first: Offsets, second: Offsets) -> tuple[int, tuple[int, int]] | None:
    """The event in which lists differ in length, and the two lengths."""
    for level, (a, b) in enumerate(zip(first, second, strict=False)):
        if a is not b and not np.array_equal(a, b):
            lengths = np.diff(a), np.diff(b)
            event = row = int(np.argmax(lengths[0] != lengths[1]))
            for above in reversed(first[:level]):
                event = int(np.searchsorted(above, event, side="right")) - 1
            return event, (int(lengths[0][row]), int(lengths[1][row]))
    return None


def aligned(values: list[Value]) -> tuple[list[NDArray[Any]], Offsets, list[NDArray[np.int32] | None]]:
    """Contents that go together element by element: a number goes with all elements of its event's list.

    Raises
    ------
    DifferentLengths
        For lists of an event that differ in length.
    """
    longest = max(range(len(values)), key=lambda number: values[number].levels)
    deepest = values[longest].offsets
    repeats: dict[int, NDArray[np.int64]] = {}
    contents: list[NDArray[Any]] = []
    problems: list[NDArray[np.int32] | None] = []
    for number, value in enumerate(values):
        content, problem = value.content, value.problem
        different = _first_difference(value.offsets, deepest)
        if different is not None:
            raise DifferentLengths(different[0], (number, longest), different[1])
        if value.levels < len(deepest) and not value.constant:
            if value.levels not in repeats:
                repeats[value.levels] = np.diff(bounds_of(deepest[value.levels :]))
            content = np.repeat(content, repeats[value.levels])
            problem = None if problem is None else np.repeat(problem, repeats[value.levels])
        contents.append(content)
        problems.append(problem)
    return contents, deepest, problems


def combined(function: Callable[..., Any], *values: Value) -> Value:
    """`function` of the values element by element."""
    contents, offsets, problems = aligned(list(values))
    result = np.asarray(function(*contents))
    problem = None
    for each in problems:
        if each is not None:
            problem = each if problem is None else np.where(problem, problem, each)
    return Value(result, offsets, problem if result.ndim else None)


def reduced(ufunc: np.ufunc, content: NDArray[Any], bounds: NDArray[np.int64], empty: float) -> NDArray[np.float64]:
    """`ufunc` over the elements between bounds; `empty` where there are none."""
    result = np.full(len(bounds) - 1, empty)
    filled = np.diff(bounds) > 0
    if filled.any():
        result[filled] = ufunc.reduceat(content, bounds[:-1][filled])
    return result


def taken(value: Value, rows: NDArray[np.int64], missing: NDArray[np.int32]) -> Value:
    """Of the elements of the outermost level, those at `rows`; where `missing` is not 0, one that has that problem."""
    if not value.offsets:
        safe = np.where(missing, 0, rows)
        content = value.content[safe] if len(value.content) else np.zeros(len(rows), value.content.dtype)
        problem = missing
        if value.problem is not None and len(value.problem):
            problem = np.where(missing, missing, value.problem[safe])
        return Value(content, (), problem if problem.any() else None)
    outer = value.offsets[0]
    safe = np.where(missing, 0, rows)
    some = len(outer) > 1
    lengths = np.where(missing, 1, np.diff(outer)[safe] if some else 1).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    starts = outer[:-1][safe] if some else np.zeros(len(rows), np.int64)
    inner_rows = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
    inner = taken(
        Value(value.content, value.offsets[1:], value.problem), inner_rows, np.repeat(missing, lengths).astype(np.int32)
    )
    return Value(inner.content, (offsets, *inner.offsets), inner.problem)
