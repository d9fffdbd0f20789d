"""What goes over the elements of each event: sums, extrema, selections, elements by number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.formula.values import Offsets, Value, aligned, bounds_of, reduced, taken

__all__ = ["element", "local_index", "over_instances", "over_lists", "selected"]

Bounds = NDArray[np.int64]


def _mean(content: NDArray[Any], bounds: Bounds) -> NDArray[np.float64]:
    return reduced(np.add, content, bounds, 0.0) / np.diff(bounds)


def _from_first(ufunc: np.ufunc, content: NDArray[Any], bounds: Bounds) -> NDArray[np.float64]:
    """An extremum as a loop finds it that begins with the first element: NaN if that is, and other NaN do not count."""
    result = reduced(ufunc, content, bounds, 0.0)
    filled = np.diff(bounds) > 0
    first = content[bounds[:-1][filled]]
    result[filled] = np.where(np.isnan(first), first, result[filled])
    return result


_REDUCERS: Mapping[str, Callable[[NDArray[Any], Bounds], NDArray[Any]]] = {
    "num": lambda content, bounds: np.diff(bounds),
    "sum": lambda content, bounds: reduced(np.add, content, bounds, 0.0),
    "mean": _mean,
    "any": lambda content, bounds: reduced(np.maximum, (content != 0).astype(float), bounds, 0.0) != 0,
    "all": lambda content, bounds: reduced(np.minimum, (content != 0).astype(float), bounds, 1.0) != 0,
    "least": lambda content, bounds: reduced(np.minimum, content, bounds, np.inf),
    "most": lambda content, bounds: reduced(np.maximum, content, bounds, -np.inf),
    "smallest": lambda content, bounds: _from_first(np.fmin, content, bounds),
    "largest": lambda content, bounds: _from_first(np.fmax, content, bounds),
}


def over_lists(kind: str, value: Value, alone: NDArray[np.bool_]) -> Value:
    """One number for each innermost list; `alone` as for `over_instances`."""
    return _reduced(kind, value, value.offsets[-1], value.offsets[:-1], alone)


def over_instances(kind: str, value: Value, n: int, alone: NDArray[np.bool_]) -> Value:
    """One number for each of the n events, over all its elements; 0 for the smallest or largest of nothing.

    `alone` tells of each number of a problem whether what has it does not count.
    """
    if value.constant:
        value = Value(np.broadcast_to(value.content, (n,)))
    bounds = bounds_of(value.offsets) if value.offsets else np.arange(n + 1)
    return _reduced(kind, value, bounds, (), alone)


def _reduced(kind: str, value: Value, bounds: Bounds, offsets: Offsets, alone: NDArray[np.bool_]) -> Value:
    content, problem = value.content, value.problem
    if content.dtype.kind != "f":
        content = content.astype(np.float64)
    if problem is None:
        return Value(_REDUCERS[kind](content, bounds), offsets)
    counts = ~alone[problem]
    bounds = np.concatenate([[0], np.cumsum(counts)])[bounds]
    content, problem = content[counts], problem[counts]
    found = reduced(np.maximum, problem, bounds, 0.0).astype(np.int32)
    return Value(_REDUCERS[kind](content, bounds), offsets, found if found.any() else None)


def selected(value: Value, condition: Value) -> Value:
    """The elements of the innermost lists for which the condition is true."""
    (content, chosen), offsets, problems = aligned([value, condition])
    keep = np.broadcast_to(chosen != 0, content.shape)
    problem = None
    if problems[1] is not None:  # an unknown truth keeps the element, with its problem
        keep = keep | (problems[1] != 0)
        problem = problems[1][keep]
    innermost = np.concatenate([[0], np.cumsum(keep)])[offsets[-1]].astype(np.int64)
    if problems[0] is not None:
        own = problems[0][keep]
        problem = own if problem is None else np.where(problem, problem, own)
    return Value(content[keep], (*offsets[:-1], innermost), problem)


def local_index(offsets: Offsets) -> NDArray[np.int64]:
    """The number of each innermost element in its event."""
    bounds = bounds_of(offsets)
    return np.arange(bounds[-1]) - np.repeat(bounds[:-1], np.diff(bounds))


def element(value: Value, level: int, index: Value, problem: int) -> tuple[Value, NDArray[np.int64], NDArray[np.bool_]]:
    """Of each list at a level the element with a number, so that the level is gone.

    Parameters
    ----------
    value : Value
    level : int
    index : Value
        A number for each event, or a constant; at level 0 perhaps a list for each event.
    problem : int
        The number of the problem where there is no such element.

    Returns
    -------
    result, lengths, outside : of each list, how long it is, and whether it has no such element
    """
    offsets = value.offsets[level]
    lengths = np.diff(offsets)
    with np.errstate(invalid="ignore"):
        numbers = np.trunc(index.content).astype(np.int64)
    keep: Offsets = value.offsets[:level]
    starts = offsets[:-1]
    unknown = index.problem
    if index.levels:
        keep = index.offsets
        repeats = np.diff(index.offsets[0])
        starts, lengths = np.repeat(starts, repeats), np.repeat(lengths, repeats)
    elif level and not index.constant:
        repeats = np.diff(bounds_of(value.offsets[:level]))
        numbers = np.repeat(numbers, repeats)
        unknown = None if unknown is None else np.repeat(unknown, repeats)
    outside = (numbers < 0) | (numbers >= lengths)
    missing = np.where(outside, problem, 0).astype(np.int32)
    if value.problem is not None and level + 1 == value.levels and len(value.problem):
        # A list that is not there itself stands as one element, which has its problem.
        own = value.problem[np.minimum(starts, len(value.problem) - 1)]
        missing = np.where(outside & (lengths == 1) & (own != 0), own, missing)
    if unknown is not None:
        missing = np.where(unknown, unknown, missing)
    found = taken(Value(value.content, value.offsets[level + 1 :], value.problem), starts + numbers, missing)
    return Value(found.content, (*keep, *found.offsets), found.problem), lengths, outside
