"""The events that entries of a tree make: one each, or one for each element of the lists that are variables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.formula.array_values import problem_words
from pytmva_rnn.formula.values import Value

__all__ = ["ListLengths", "Rows", "check_digits", "side_by_side"]


@dataclass
class ListLengths:
    """What is known of the lists of a source from the pieces that were read: those that always hold one element.

    Attributes
    ----------
    single : dict of expression -> event
        Where a list of one element went with all elements of longer lists.
    several : dict of expression -> event
        Where it held another number of elements.
    """

    single: dict[str, str] = field(default_factory=dict)
    several: dict[str, str] = field(default_factory=dict)

    def add(self, text: str, single: str | None, several: str | None) -> None:
        """Remember what was seen of an expression.

        Raises
        ------
        DataError
            If it was taken for a number in one event and holds several elements in another.
        """
        for seen, event in ((self.single, single), (self.several, several)):
            if event is not None:
                seen.setdefault(text, event)
        if text in self.single and text in self.several:
            raise DataError(
                f"{text!r} holds one element in {self.single[text]}, beside longer lists, and another number in "
                f"{self.several[text]}: it is neither a number nor a list as long as the others; for its first element "
                f"write {text}[0]"
            )


@dataclass(frozen=True, eq=False)
class Rows:
    """m events made of n entries.

    Attributes
    ----------
    entry : (m,) int64
        The place of each event's entry among the n.
    element : (m,) int64, optional
        The element of its entry that it is; None where no variable is a list.
    lengths : (n,) int64, optional
        The number of elements of each entry, then.
    known : ListLengths
        Of the source that the entries are read from.
    """

    entry: NDArray[np.int64]
    element: NDArray[np.int64] | None = None
    lengths: NDArray[np.int64] | None = None
    known: ListLengths = field(default_factory=ListLengths)
    _computed: dict[str, Value] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.entry)

    def are_all(self, n: int) -> bool:
        """Whether they are the n entries, one event each."""
        return self.element is None and len(self) == n

    @classmethod
    def each(cls, n: int, known: ListLengths | None = None) -> Rows:
        """One event for each of n entries."""
        return cls(np.arange(n), known=known or ListLengths())

    @classmethod
    def of_lists(cls, formulas: Iterable[Formula], columns: Columns, known: ListLengths | None = None) -> Rows:
        """One event for each element of the variables that are lists, as TMVA makes them.

        Numbers go with all elements of their entry, and so do lists that always hold one element.

        Raises
        ------
        DataError
            If lists of an entry differ in length (naming the first such entry), and for lists of lists.
        """
        known = known or ListLengths()
        computed = {formula.text: formula.raw(columns) for formula in formulas}
        lists = {text: value for text, value in computed.items() if value.levels}
        for text, value in lists.items():
            if value.levels > 1:
                raise DataError(
                    f"variable {text!r}: gives lists of lists in {columns.place}; take one level of them, e.g. "
                    f"{text}[0], or make a sequence"
                )
        counts = {text: np.diff(value.offsets[0]) for text, value in lists.items()}
        if not counts:
            return cls(np.arange(len(columns)), known=known, _computed=computed)
        lengths = np.ones(len(columns), np.int64)
        for text, count in counts.items():
            differ = (count != lengths) & (count != 1) & (lengths != 1)
            if differ.any():
                at = int(np.argmax(differ))
                other = next(name for name, some in counts.items() if some[at] == lengths[at])
                raise DataError(
                    f"the lists that are variables differ in length in {columns.event(at)}: {other} has {lengths[at]}, "
                    f"{text} has {count[at]}"
                )
            lengths = np.where(count != 1, count, lengths)
        entry = np.repeat(np.arange(len(columns)), lengths)
        element = np.arange(len(entry)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return cls(entry, element, lengths, known, computed)

    def take(self, mask: NDArray[np.bool_]) -> Rows:
        """The events where `mask` (m,) is true."""
        if mask.all():
            return self
        element = None if self.element is None else self.element[mask]
        return replace(self, entry=self.entry[mask], element=element)

    def event(self, row: int, columns: Columns) -> str:
        """Words that name the event at `row` in a message."""
        words = columns.event(int(self.entry[row]))
        return words if self.element is None else f"element {self.element[row]} of {words}"

    def numbers(self, formula: Formula, columns: Columns) -> NDArray[Any]:
        """The value of each event, (m,), with all its digits.

        Raises
        ------
        DataError
            For a list that has not an element for each event of its entry, and where there is no value.
        """
        value, places = self._placed(formula, columns)
        if value.problem is not None:
            in_use = np.zeros(len(value.problem), bool)
            in_use[places] = True
            found = problem_words(columns, replace(value, problem=np.where(in_use, value.problem, 0).astype(np.int32)))
            if found is not None:
                raise DataError(f"expression {formula.text!r}: {found[1]}")
        return value.content[places]

    def truth(self, formula: Formula, columns: Columns) -> NDArray[np.bool_]:
        """Which events pass, (m,); one that lacks an element which the formula asks for does not."""
        value, places = self._placed(formula, columns)
        return np.asarray(formula.passed(value, columns)[places])

    def _placed(self, formula: Formula, columns: Columns) -> tuple[Value, NDArray[np.int64]]:
        """A formula's value, and where in it the number of each event is."""
        value = self._computed.get(formula.text)
        if value is None:
            value = formula.raw(columns)
        if self.element is None or self.lengths is None:
            return formula.single(value, columns), self.entry
        if not value.levels:
            return value, self.entry
        if value.levels > 1:
            raise DataError(f"expression {formula.text!r}: gives lists of lists in {columns.place}, not one number")
        counts = np.diff(value.offsets[0])
        in_use = np.zeros(len(counts), bool)
        in_use[self.entry] = True
        wrong = in_use & (counts != self.lengths) & (counts != 1)
        if wrong.any():
            at = int(np.argmax(wrong))
            raise DataError(
                f"expression {formula.text!r}: has {counts[at]} elements in {columns.event(at)}, where the variables "
                f"have {self.lengths[at]}"
            )
        single, several = in_use & (counts == 1) & (self.lengths > 1), in_use & (counts != 1)
        self.known.add(
            formula.text,
            columns.event(int(np.argmax(single))) if single.any() else None,
            columns.event(int(np.argmax(several))) if several.any() else None,
        )
        within = np.where(counts[self.entry] == 1, 0, self.element)
        return value, value.offsets[0][:-1][self.entry] + within


def side_by_side(columns: list[tuple[str, NDArray[Any]]], n: int) -> NDArray[Any]:
    """Columns of numbers as one array: of integers if all are, else of doubles.

    Raises
    ------
    DataError
        For integers beside others that double precision does not hold.
    """
    if columns and all(values.dtype.kind in "iu" for _, values in columns):
        kinds = {values.dtype for _, values in columns}
        if np.result_type(*kinds).kind in "iu":
            return np.stack([values for _, values in columns], axis=1)
    for name, values in columns:
        check_digits(name, values)
    return np.stack([values.astype(np.float64) for _, values in columns], axis=1) if columns else np.empty((n, 0))


def check_digits(name: str, values: NDArray[Any]) -> None:
    """Refuse values that would not keep their digits in double precision.

    Raises
    ------
    DataError
        For integers beyond 2^53.
    """
    if values.dtype.kind in "iu" and len(values) and max(abs(int(values.min())), abs(int(values.max()))) > 2**53:
        raise DataError(
            f"spectator {name} has integers beyond 2^53, whose digits are kept only where all spectators are integers"
        )
