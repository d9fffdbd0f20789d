"""The columns of some events, which formulas are computed from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.tree import Term
from pytmva_rnn.formula.values import Value, from_awkward
from pytmva_rnn.formula.vectors import LorentzVectors
from pytmva_rnn.packages import ak

__all__ = ["Columns", "Lack", "map_fields"]


@dataclass(frozen=True)
class Lack:
    """Why some events have no value.

    Attributes
    ----------
    node : Term
        What has none.
    absent : bool
        Whether an element is not there: then a selection is false, and `Alt$` has another.
    alone : bool
        Whether it is one element of the whole event, which sums pass over.
    words : callable
        Event's index -> what the matter is.
    """

    node: Term
    absent: bool
    alone: bool
    words: Callable[[int], str]


@dataclass
class _Memory:
    """What is computed once for all formulas."""

    values: dict[str, Value] = field(default_factory=dict)
    results: dict[Term, Value] = field(default_factory=dict)
    vectors: dict[str, LorentzVectors] = field(default_factory=dict)
    problems: list[Lack] = field(default_factory=list)


@dataclass(frozen=True)
class Columns:
    """What a formula is computed from: some events of one tree.

    Attributes
    ----------
    arrays : mapping of name -> awkward array of n events
        Under the names used in formulas (`jet1TrksP4.fP.fX`).
    entries : (n,) int64
        The events' entry numbers in the tree.
    place : str
        `file.root:tree`, for messages.
    before : int
        Number of entries in the trees before this one, which `Entry$` counts.
    following : int
        Number of entries of the same tree that are read after these.
    """

    arrays: Mapping[str, Any]
    entries: NDArray[np.int64]
    place: str = "the data"
    before: int = 0
    following: int = 0
    _memory: _Memory = field(default_factory=_Memory, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.entries)

    def event(self, index: int) -> str:
        """Words that name the event at `index` in a message."""
        return f"event {self.entries[index]} of {self.place}"

    def select(self, mask: NDArray[np.bool_]) -> Columns:
        """Only the events where `mask` is true."""
        if mask.all():
            return self
        arrays = {name: array[mask] for name, array in self.arrays.items()}
        return Columns(arrays, self.entries[mask], self.place, self.before, self.following)

    def value(self, name: str) -> Value:
        """The numbers of a column.

        Raises
        ------
        DataError
            If it holds something else.
        """
        values = self._memory.values
        if name not in values:
            array = self.arrays[name]
            try:
                values[name] = from_awkward(array)
            except ValueError as error:
                raise DataError(f"{name} gives {error}, in {self.place}{_advice(name, array)}") from error
        return values[name]


def map_fields(array: Any) -> tuple[str, str] | None:
    """What the keys and the values of a map are called; None for what is no map."""
    members = ak.fields(array)
    if members == ["0", "1"]:
        return ("0", "1")
    if len(members) == 2 and members[0].endswith(".first") and members[1].endswith(".second"):
        return (members[0], members[1])
    return None


def _advice(name: str, array: Any) -> str:
    members = ak.fields(array)
    if map_fields(array) is not None:
        return f": it is a map; take the entry of a key, e.g. {name}{{1}}"
    if members:
        listed = ", ".join(members)
        return f"; name one of the members, e.g. {name}.{members[0]} (members: {listed})"
    return '; compare it, e.g. type == "GT"' if array.layout.purelist_parameter("__array__") else ""
