"""The inputs of a sequence: names with expressions, of one collection of an event or of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from pytmva_rnn.data.flat_variables import Definitions
from pytmva_rnn.data.limits import check_expressions
from pytmva_rnn.data.step_elements import StepElements, elements_of
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.suggestions import check_keys

__all__ = ["Collection", "named_texts"]


@dataclass(frozen=True)
class Collection:
    """One of several collections that make one sequence: electrons beside muons.

    Attributes
    ----------
    inputs : mapping of str -> str
        As of `Steps`; the names are the same in every collection of a sequence.
    sort_by : str, optional
        Formula with a value for each element; either all collections of a sequence have one, or none.
    """

    inputs: Mapping[str, str]
    sort_by: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", named_texts(self.inputs, "inputs"))
        if not self.inputs:
            raise DataError("a sequence needs at least one input")
        if self.sort_by is not None and not isinstance(self.sort_by, str):
            raise DataError(f"sort_by = {self.sort_by!r} is not an expression in quotes")

    @classmethod
    def from_dict(cls, values: Any) -> Collection:
        """From plain data: the attributes by name.

        Raises
        ------
        DataError
            For a key that is unknown or missing, or a value that cannot be.
        """
        if not isinstance(values, Mapping):
            raise DataError(f"a collection of a sequence is a table with the key 'inputs', not {values!r}")
        check_keys(values, [f.name for f in fields(cls)], "a collection of a sequence has no key")
        if "inputs" not in values:
            raise DataError("a collection of a sequence needs the key 'inputs'")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The attributes as plain data."""
        return {"inputs": dict(self.inputs), **({} if self.sort_by is None else {"sort_by": self.sort_by})}

    def substitute(self, replaced: Callable[[str], str]) -> Collection:
        """The same with every expression passed through `replaced`."""
        inputs = {name: replaced(text) for name, text in self.inputs.items()}
        return Collection(inputs, None if self.sort_by is None else replaced(self.sort_by))

    @property
    def texts(self) -> list[str]:
        """Every expression."""
        return [text for text in (*self.inputs.values(), self.sort_by) if text is not None]

    def elements(
        self, columns: Columns, define: Definitions, steps_from: str | None, sizes: Mapping[str, int]
    ) -> StepElements:
        """What the inputs give for each element; raises as `elements_of`."""
        values = {name: Formula.parse(text, define).value(columns) for name, text in self.inputs.items()}
        key = None if self.sort_by is None else (self.sort_by, Formula.parse(self.sort_by, define).value(columns))
        return elements_of(values, columns, steps_from, sizes, key)


def named_texts(inputs: Any, what: str) -> dict[str, str]:
    """Names with expressions, which are keyed by `what`, checked."""
    if not isinstance(inputs, Mapping):
        raise DataError(f"the {what} of a sequence are a table of names with expressions, not {inputs!r}")
    check_expressions(len(inputs))
    for name, text in inputs.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise DataError(f"input name {name!r} of the sequence: use letters, digits and _ only, e.g. pt_rel")
        if not isinstance(text, str):
            raise DataError(f"input {name!r} of the sequence: {text!r} is not an expression in quotes")
    return dict(inputs)
