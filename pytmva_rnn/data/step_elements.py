"""What the inputs of a sequence give for each element of an event, from one collection or from several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns
from pytmva_rnn.formula.values import DifferentLengths, Value, aligned, bounds_of

__all__ = ["StepElements", "elements_of", "joined_elements"]

_NESTED = (
    "give steps_from = 'inner' for a step for each number in the inner lists, one list after the other, or "
    "steps_from = 'outer' for a step for each inner list, whose numbers are inputs"
)


@dataclass(frozen=True, eq=False)
class StepElements:
    """The m elements of n events, one event after the other.

    Attributes
    ----------
    inputs : tuple of (m,) float32
        The D inputs.
    offsets : (n + 1,) int64
        Event i has the elements offsets[i] to offsets[i + 1].
    key : (m,), optional
        What they are sorted by.
    """

    inputs: tuple[NDArray[np.float32], ...]
    offsets: NDArray[np.int64]
    key: NDArray[np.generic] | None = None


def elements_of(
    values: Mapping[str, Value],
    columns: Columns,
    steps_from: str | None = None,
    sizes: Mapping[str, int] | None = None,
    sort_by: tuple[str, Value] | None = None,
) -> StepElements:
    """The elements of one collection.

    Parameters
    ----------
    values : mapping of name -> Value
        Of the inputs, in their order; one number per event goes with every element.
    columns : Columns
        n events, for messages.
    steps_from : "inner" or "outer", optional
        What is a step in lists of lists.
    sizes : mapping of name -> int, optional
        With "outer": how many numbers each inner list of an input has.
    sort_by : (text, Value), optional

    Raises
    ------
    DataError
        If the inputs of an event differ in length (naming the first such event), none of them is a list, there are
        lists of lists and nobody said what a step is, or an inner list has another size than declared.
    """
    named = dict(values)
    if sort_by is not None:
        if sort_by[1].levels == 0:
            raise DataError(f"sort_by = {sort_by[0]!r}: does not give one list per event in {columns.place}")
        named[f"sort_by ({sort_by[0]})"] = sort_by[1]
    _check_levels(named, columns, steps_from, sizes or {})
    parts: dict[str, list[Value]] = {
        name: _unfolded(name, value, sizes[name], columns) if sizes and name in sizes else [value]
        for name, value in named.items()
    }
    flat = [(name, value) for name, some in parts.items() for value in some]
    try:
        contents, offsets, _ = aligned([value for _, value in flat])
    except DifferentLengths as error:
        raise DataError(_differ(flat, error, columns)) from None
    # A constant goes with all elements too.
    bounds = bounds_of(offsets)
    full = [np.broadcast_to(content, (int(bounds[-1]),)) for content in contents]
    key = full.pop() if sort_by is not None else None
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is reported as such
        return StepElements(tuple(content.astype(np.float32, copy=False) for content in full), bounds, key)


def joined_elements(collections: list[StepElements]) -> tuple[StepElements, NDArray[np.float32]]:
    """The elements of several collections of the same events as those of one, and the number of each one's collection.

    Within an event one collection comes after the other.
    """
    counts = [np.diff(each.offsets) for each in collections]
    offsets = np.concatenate([[0], np.cumsum(np.sum(counts, axis=0), dtype=np.int64)])
    number = np.empty(offsets[-1], np.float32)
    inputs = [np.empty(offsets[-1], np.float32) for _ in collections[0].inputs]
    first = offsets[:-1].copy()
    places = []
    for count, each in zip(counts, collections, strict=True):
        places.append(np.repeat(first - each.offsets[:-1], count) + np.arange(each.offsets[-1]))
        first += count
    for index, (place, each) in enumerate(zip(places, collections, strict=True)):
        number[place] = index
        for whole, part in zip(inputs, each.inputs, strict=True):
            whole[place] = part
    keys = [each.key for each in collections if each.key is not None]
    key = np.concatenate(keys) if keys else None
    if key is not None:
        key = key[np.argsort(np.concatenate(places))]
    return StepElements(tuple(inputs), offsets, key), number


def _check_levels(
    named: Mapping[str, Value], columns: Columns, steps_from: str | None, sizes: Mapping[str, int]
) -> None:
    deepest = max(value.levels for value in named.values())
    if deepest == 0:
        raise DataError(
            f"the inputs of the sequence ({', '.join(named)}) give one value per event in {columns.place}: there are "
            "no elements to make steps of; such branches are for a list of variables"
        )
    allowed = 1 if steps_from is None else 2
    for name, value in named.items():
        if value.levels > allowed:
            what = "lists of lists" if value.levels == 2 else f"{value.levels} levels of lists"
            advice = _NESTED if allowed == 1 and value.levels == 2 else f"a sequence takes at most {allowed}"
            raise DataError(f"sequence input {name!r}: gives {what} in {columns.place}; {advice}")
        if steps_from == "outer" and value.levels == 2 and name not in sizes:
            raise DataError(
                f"sequence input {name!r}: gives lists of lists in {columns.place}; with steps_from = 'outer', sizes "
                f"says how many numbers each inner list has, e.g. sizes = {{ {name} = 3 }}"
            )
    if steps_from is not None and deepest < 2:
        raise DataError(
            f"steps_from = {steps_from!r} is for lists of lists, but the inputs of the sequence ({', '.join(named)}) "
            f"give none in {columns.place}; leave it out"
        )


def _unfolded(name: str, value: Value, size: int, columns: Columns) -> list[Value]:
    """Of lists of lists with `size` numbers each, the lists of the first, the second ... of these numbers."""
    if value.levels != 2:
        raise DataError(f"sequence input {name!r}: sizes is for lists of lists, and it gives none in {columns.place}")
    lengths = np.diff(value.offsets[1])
    wrong = lengths != size
    if wrong.any():
        row = int(np.argmax(wrong))
        event = int(np.searchsorted(value.offsets[0], row, side="right")) - 1
        raise DataError(
            f"sequence input {name!r}: an inner list has {lengths[row]} numbers instead of {size} in "
            f"{columns.event(event)}"
        )
    table = value.content.reshape(len(lengths), size)
    return [Value(table[:, number], value.offsets[:1]) for number in range(size)]


def _differ(flat: list[tuple[str, Value]], error: DifferentLengths, columns: Columns) -> str:
    where = f"the inputs of the sequence differ in length in {columns.event(error.event)}: "
    if all(value.levels <= 1 for _, value in flat):
        counts = {name: int(np.diff(value.offsets[0])[error.event]) for name, value in flat if value.levels}
        return where + ", ".join(f"{name} has {count}" for name, count in counts.items())
    pairs = zip(error.which, error.lengths, strict=True)
    return where + ", ".join(f"a list of {flat[which][0]} has {length}" for which, length in pairs)
