"""A formula that is parsed once and computed for many events at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.array_values import problem_words
from pytmva_rnn.formula.array_writer import Evaluation
from pytmva_rnn.formula.definitions import substituted
from pytmva_rnn.formula.event_columns import Columns
from pytmva_rnn.formula.names import check, columns_of
from pytmva_rnn.formula.parsing import parse
from pytmva_rnn.formula.tree import FunctionCall, Term, path_of, walk
from pytmva_rnn.formula.values import Value, bounds_of, to_awkward

__all__ = ["Formula"]


@dataclass(frozen=True)
class Formula:
    """A checked formula over the columns of events; make it with `Formula.parse`.

    Attributes
    ----------
    text : str
        As written.
    names : tuple of str
        The columns, or members of columns, that it needs.
    tree : Term
    """

    text: str
    names: tuple[str, ...]
    tree: Term = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str, define: Mapping[str, str] | None = None) -> Formula:
        """Parse and check a formula in ROOT's language; a text that was parsed before is not parsed again.

        Parameters
        ----------
        text : str
        define : mapping of str -> str, optional
            Names for formulas that this one and one another may use.

        Raises
        ------
        DataError
            If it cannot be understood, marking the place.
        """
        return _parsed(text, tuple((define or {}).items()))

    def evaluate(self, columns: Columns) -> Any:
        """Compute the formula for every event.

        Parameters
        ----------
        columns : Columns
            n events; must hold all of `names`.

        Returns
        -------
        awkward array of n events
            One number, or a list of numbers, per event. A bare column keeps its type.

        Raises
        ------
        DataError
            If it cannot be computed, naming the formula, the columns and the first event concerned.
        """
        return to_awkward(self.value(columns))

    def value(self, columns: Columns) -> Value:
        """Like `evaluate`, as a flat array with offsets."""
        value = self.raw(columns)
        found = problem_words(columns, value)
        if found is not None:
            raise DataError(f"expression {self.text!r}: {found[1]}")
        return value

    def per_event(self, columns: Columns) -> NDArray[Any]:
        """Like `evaluate`, for a formula that must give one number per event: an array of shape (n,).

        A list that holds one element in every event is such a number.
        """
        return self.single(self.value(columns), columns).content

    def truth(self, columns: Columns) -> NDArray[np.bool_]:
        """Which events pass, (n,); one that lacks an element which the formula asks for does not."""
        return self.passed(self.single(self.raw(columns), columns), columns)

    def passed(self, value: Value, columns: Columns) -> NDArray[np.bool_]:
        """Which numbers of a value of this formula pass; see `truth`."""
        passed = np.asarray(value.content != 0)
        if value.problem is None:
            return passed
        problems = columns._memory.problems
        grave = np.array([False, *(not problem.absent for problem in problems)])[value.problem]
        if grave.any():
            first = problem_words(columns, replace(value, problem=np.where(grave, value.problem, 0)))
            raise DataError(f"expression {self.text!r}: {first[1] if first else ''}")
        return np.asarray(passed & (value.problem == 0))

    def anywhere(self, columns: Columns) -> NDArray[np.bool_]:
        """Which events have a number that passes, (n,): like `truth`, but a list may be there too."""
        value = self.raw(columns)
        passed = self.passed(value, columns)
        if not value.levels:
            return passed
        so_far = np.concatenate([[0], np.cumsum(passed)])[bounds_of(value.offsets)]
        return np.asarray(np.diff(so_far) > 0)

    def single(self, value: Value, columns: Columns) -> Value:
        """A value of this formula that must be one number per event.

        Raises
        ------
        DataError
            For lists, unless each holds one element.
        """
        if not value.levels:
            return value
        if value.holds_single_elements:
            return Value(value.content, (), value.problem)
        raise DataError(
            f"expression {self.text!r}: gives several values per event in {columns.place}, but one is needed; take "
            "an element, e.g. x[0], or use Sum$, Max$, any, all or num"
        )

    def raw(self, columns: Columns) -> Value:
        """The value with its problems: where an event has none."""
        try:
            with np.errstate(all="ignore"):
                (value,) = Evaluation(columns).scoped(self.tree)
        except DataError as error:
            raise DataError(f"expression {self.text!r}: {error}") from error
        if value.constant:
            value = Value(np.broadcast_to(value.content, (len(columns),)))
        return value

    @property
    def column(self) -> str | None:
        """The name, if the formula is nothing but one."""
        return path_of(self.tree)

    @property
    def counts_events(self) -> bool:
        """Whether it asks for the number of the event."""
        return any(
            isinstance(node, FunctionCall) and node.function in ("Entry$", "LocalEntry$") for node in walk(self.tree)
        )


@lru_cache(maxsize=4096)
def _parsed(text: str, define: tuple[tuple[str, str], ...]) -> Formula:
    tree = parse(text)
    check(tree, text)
    if define:
        tree = substituted(tree, dict(define), _parsed_definition)
    return Formula(text, tuple(dict.fromkeys(columns_of(tree))), tree)


@lru_cache(maxsize=4096)
def _parsed_definition(text: str) -> Term:
    tree = parse(text)
    check(tree, text)
    return tree
