"""What all nodes of a formula need to be computed on arrays: values that go together, problems, refusals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.event_columns import Columns, Lack
from pytmva_rnn.formula.tree import Term, written
from pytmva_rnn.formula.values import DifferentLengths, Value, combined

__all__ = ["ArrayComputation", "problem_words"]


def problem_words(columns: Columns, value: Value) -> tuple[Lack, str] | None:
    """The first problem of a value, and words that say what the matter is in which event."""
    if value.problem is None or not value.problem.any():
        return None
    place = int(np.argmax(value.problem != 0))
    problem = columns._memory.problems[int(value.problem[place]) - 1]
    event = place
    for offsets in reversed(value.offsets):
        event = int(np.searchsorted(offsets, event, side="right")) - 1
    return problem, f"{columns.event(event)} {problem.words(event)}"


class ArrayComputation(ABC):
    """Computes the nodes of one formula for the events of some columns."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._memory = columns._memory

    @abstractmethod
    def visit(self, node: Term) -> Value:
        """The value of a node."""

    def _refuse(self, node: Term, message: str) -> NoReturn:
        raise DataError(f"{written(node)} {message}, in {self._columns.place}")

    def _apply(self, function: Callable[..., Any], *nodes: Term) -> Value:
        return self._combine(function, nodes, [self.visit(node) for node in nodes])

    def _combine(self, function: Callable[..., Any], nodes: tuple[Term, ...], values: list[Value]) -> Value:
        try:
            return combined(function, *values)
        except DifferentLengths as error:
            self._differ(error, nodes)

    def _differ(self, error: DifferentLengths, nodes: tuple[Term, ...]) -> NoReturn:
        pairs = sorted(zip(error.which, error.lengths, strict=True))
        listed = ", ".join(f"{written(nodes[which])} {length}" for which, length in pairs)
        raise DataError(f"different numbers of elements in {self._columns.event(error.event)}: {listed}")

    def _problem(self, node: Term, absent: bool, alone: bool, words: Callable[[int], str]) -> int:
        self._memory.problems.append(Lack(node, absent, alone, words))
        return len(self._memory.problems)

    def _flags(self, which: str) -> NDArray[np.bool_]:
        return np.array([False, *(getattr(problem, which) for problem in self._memory.problems)])

    def _listed(self, name: str, node: Term, value: Value) -> Value:
        if not value.levels:
            self._refuse(
                node, f"has one value per event: there is one value per event, so there are no elements for {name} to "
                "go over"
            )  # fmt: skip
        return value
