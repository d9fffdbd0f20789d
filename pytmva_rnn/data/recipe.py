"""How the entries of a tree become the inputs of a network, as plain data that a weight file can carry."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.distinct import check_distinct
from pytmva_rnn.data.flat_variables import Column, Variables, limits_of
from pytmva_rnn.data.limits import MOST_REPETITIONS, check_at_most, check_expressions
from pytmva_rnn.data.rows import ListLengths, Rows, side_by_side
from pytmva_rnn.data.sequences import Steps
from pytmva_rnn.description import Variable, padded_steps
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.formula.names import NUMBERS
from pytmva_rnn.suggestions import check_keys

__all__ = ["Recipe"]


@dataclass(frozen=True)
class Recipe:
    """Inputs and spectators of a network.

    Attributes
    ----------
    inputs : Steps or Variables
    spectators : tuple of Column
        One value per event each; texts and mappings are taken as well.
    for_each : mapping of str -> tuple of values
        With `{"jet": (1, 2)}` everything that contains `{jet}` is repeated for each value, so that one entry of the
        tree gives several events.
    allow_nan : bool
        Take inputs that are NaN or infinite to train on: the transformations U and G learn from the others, and make
        numbers of them.
    define : mapping of str -> str
        Names for formulas that all others, and one another, may use.
    """

    inputs: Steps | Variables
    spectators: tuple[Column, ...] = ()
    for_each: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    allow_nan: bool = False
    define: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        inputs: Any = self.inputs
        if not isinstance(inputs, Steps | Variables):
            raise DataError(f"the inputs of a recipe are Variables((...)) or Steps({{...}}, steps=...), not {inputs!r}")
        given: Any = self.spectators
        if isinstance(given, str):
            raise DataError(f"spectators are a list of expressions, not {given!r}")
        given = tuple(given)
        check_expressions(len(given))
        spectators = tuple(c if isinstance(c, Column) else Column.from_data(c) for c in given)
        object.__setattr__(self, "spectators", spectators)
        allow_nan: Any = self.allow_nan
        if not isinstance(allow_nan, bool):
            raise DataError(f"allow_nan is true or false, not {allow_nan!r}")
        define: Any = self.define
        if not isinstance(define, Mapping):
            raise DataError(f"define is a table of names with formulas, not {define!r}")
        for name, text in define.items():
            if not isinstance(name, str) or not name.isidentifier() or name in NUMBERS or not isinstance(text, str):
                raise DataError(f"define: {name} = {text!r}; needed is a name and a formula in quotes")
        object.__setattr__(self, "define", dict(define))
        for_each: Any = self.for_each
        if not isinstance(for_each, Mapping):
            raise DataError(f"for_each is a table of names with lists of values, not {for_each!r}")
        for name, values in for_each.items():
            if (
                not isinstance(name, str)
                or not name.isidentifier()
                or not isinstance(values, list | tuple)
                or not values
            ):
                raise DataError(f"for_each: {name} = {values!r}; needed is a list of values, e.g. jet = [1, 2]")
        check_at_most(
            math.prod(map(len, for_each.values())), MOST_REPETITIONS, "for_each makes {} events of each entry"
        )
        object.__setattr__(self, "for_each", {name: tuple(values) for name, values in for_each.items()})
        for column in spectators:
            if column.size is not None:
                raise DataError(f"spectator {column.expression}[{column.size}]: a spectator is one value per event")
        if for_each:
            for repetition in self.repetitions():
                self.at(repetition)  # checks the expressions
        else:
            self.formulas()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """From plain data, e.g. a TOML table.

        Parameters
        ----------
        values : mapping
            `sequence` (a table of the attributes of `Steps`) or `variables` (a list), and perhaps `spectators` (a
            list), `for_each` (a table of lists), `allow_nan` and `define` (a table of formulas).

        Raises
        ------
        DataError
            For a key that is unknown or missing, or a value that cannot be.
        """
        names = ["sequence", "variables", "spectators", "for_each", "allow_nan", "define"]
        check_keys(values, names, "the inputs have no key")
        if ("sequence" in values) == ("variables" in values):
            raise DataError(
                "the inputs are given either by 'sequence' or by 'variables'; numbers of the event beside a sequence "
                "are its 'per_event'"
            )
        others = {key: value for key, value in values.items() if key not in ("sequence", "variables")}
        if "sequence" in values:
            return cls(Steps.from_dict(values["sequence"]), **others)
        return cls(Variables(values["variables"]), **others)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold; `from_dict` takes it back."""
        if isinstance(self.inputs, Steps):
            result: dict[str, Any] = {"sequence": self.inputs.to_dict()}
        else:
            result = {"variables": self.inputs.to_list()}
        if self.spectators:
            result["spectators"] = [column.to_dict() for column in self.spectators]
        if self.for_each:
            result["for_each"] = {name: list(values) for name, values in self.for_each.items()}
        if self.allow_nan:
            result["allow_nan"] = True
        if self.define:
            result["define"] = dict(self.define)
        return result

    @classmethod
    def from_variables(cls, variables: Iterable[Variable], spectators: Iterable[Variable] = ()) -> Recipe:
        """The recipe that the Variables and Spectators of a weight file by C++ TMVA stand for.

        Consecutive elements of one array branch (type `F[]`) become one array of that length.
        """
        columns: list[Column] = []
        for variable in variables:
            if not variable.type.endswith("[]"):
                label = "" if variable.label == variable.expression else variable.label
                columns.append(Column(variable.expression, label, variable.title, variable.unit))
            elif columns and columns[-1].size and columns[-1].expression == variable.expression:
                columns[-1] = replace(columns[-1], size=columns[-1].size + 1)
            else:
                columns.append(Column(variable.expression, unit=variable.unit, size=1))
        return cls(
            Variables(tuple(columns)),
            tuple(
                Column(s.expression, "" if s.label == s.expression else s.label, s.title, s.unit) for s in spectators
            ),
        )

    @property
    def mask_padding(self) -> bool:
        """Whether the network leaves out the steps that are not there."""
        return isinstance(self.inputs, Steps) and self.inputs.mask_padding

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the inputs of one event: (T, D) or (NVar,)."""
        if isinstance(self.inputs, Steps):
            return (self.inputs.steps, len(self.inputs.input_names))
        return (sum(column.width for column in self.inputs.columns),)

    def repetitions(self) -> list[dict[str, Any]]:
        """Every combination of the values of `for_each`, the last name changing fastest; `[{}]` without."""
        values = itertools.product(*self.for_each.values())
        return [dict(zip(self.for_each, some, strict=True)) for some in values]

    def at(self, values: Mapping[str, Any]) -> Recipe:
        """The recipe for one of the `repetitions`."""
        if set(values) != set(self.for_each):
            raise DataError(f"a value is needed for each of {', '.join(self.for_each) or 'no name'}, not {values}")
        return Recipe(
            self.inputs.substitute(lambda text: insert(text, values)),
            tuple(replace(column, expression=insert(column.expression, values)) for column in self.spectators),
            {},
            self.allow_nan,
            self.definitions(values),
        )

    def definitions(self, values: Mapping[str, Any]) -> dict[str, str]:
        """What `define` says for one of the `repetitions`."""
        return {name: insert(text, values) for name, text in self.define.items()}

    def formula(self, text: str) -> Formula:
        """A formula that may use the definitions."""
        return Formula.parse(text, self.define)

    def formulas(self) -> list[Formula]:
        """Every formula that is needed, checked. Of a recipe with `for_each`, ask `at(values)` instead."""
        return self.inputs.formulas(self.define) + [self.formula(column.expression) for column in self.spectators]

    def rows(self, columns: Columns, known: ListLengths | None = None) -> Rows:
        """The events that n entries make: one each, or one for each element of variables that are lists.

        Parameters
        ----------
        columns : Columns
        known : ListLengths, optional
            The same for all pieces of a source, so that they are read as the whole would be.
        """
        if isinstance(self.inputs, Variables):
            return self.inputs.rows(columns, self.define, known)
        return Rows.each(len(columns), known)

    def build(self, columns: Columns, rows: Rows | None = None) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Inputs (m, T, D) or (m, NVar), float32, and spectators (m, S), with all their digits, of every event.

        Parameters
        ----------
        columns : Columns
        rows : Rows, optional
            m events to take of what `rows` gives; all by default.

        Raises
        ------
        DataError
            As the parts do, and for an input that is NaN or infinite (naming the first event) unless `allow_nan`.
        """
        rows = self.rows(columns) if rows is None else rows
        if isinstance(self.inputs, Variables):
            X = self.inputs.build(columns, self.define, rows)
        else:
            X = self.inputs.build(columns, self.define)
            if len(rows) < len(columns):
                X = X[rows.entry]
        if not self.allow_nan:
            self._check_finite(X, columns, rows)
        return X, side_by_side([(s.name, s.numbers(columns, self.define, rows)) for s in self.spectators], len(rows))

    def check_distinct(self) -> None:
        """Refuse inputs and spectators that are there twice.

        Raises
        ------
        DataError
            For two of the same expression or name.
        """
        if isinstance(self.inputs, Variables):
            check_distinct("variable", self.inputs.columns)
        else:
            self.inputs.check_distinct()
        check_distinct("spectator", self.spectators)

    def check_for_each(self, texts: Iterable[str] = ()) -> None:
        """Refuse a name of `for_each` that stands in no expression: of inputs, spectators, definitions, or `texts`.

        Raises
        ------
        DataError
            Naming it.
        """
        every = [*texts, *(column.expression for column in self.spectators), *self.define.values()]

        def seen(text: str) -> str:
            every.append(text)
            return text

        self.inputs.substitute(seen)
        for name, values in self.for_each.items():
            if not any("{" + name + "}" in text for text in every):
                raise DataError(
                    f"for_each: {{{name}}} stands in no expression, so that each event would be read {len(values)} "
                    f"times; write {{{name}}} where its values belong, or leave it out"
                )

    def variable_table(self, X: NDArray[np.float32] | None = None) -> tuple[Variable, ...]:
        """What the weight file says of each of the NVar inputs, in the order of the flat event.

        Parameters
        ----------
        X : (n, T, D) or (n, NVar), optional
            The data, for the smallest and largest values.
        """
        columns = self.inputs.columns if isinstance(self.inputs, Variables) else [Column(n) for n in self.inputs.names]
        return describe(columns, None if X is None else self._flat(X))

    def spectator_table(self, values: NDArray[Any] | None = None) -> tuple[Variable, ...]:
        """What the weight file says of each spectator; `values` (n, S) as for `variable_table`."""
        return describe(self.spectators, values)

    def _flat(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        return X.reshape(len(X), math.prod(self.shape))

    def _check_finite(self, X: NDArray[np.float32], columns: Columns, rows: Rows) -> None:
        flat = self._flat(X)
        finite = np.isfinite(flat)
        if self.mask_padding:
            finite |= np.repeat(padded_steps(X), X.shape[2], axis=1)
        if not finite.all():
            event, variable = (int(i) for i in np.argwhere(~finite)[0])
            more = int((~finite).any(axis=1).sum()) - 1
            raise DataError(
                f"input {self.inputs.names[variable]} is {flat[event, variable]} in {rows.event(event, columns)}"
                + (f", and {more} more events here have such values" if more else "")
                + f"; {_remedy(bool(np.isnan(flat[event, variable])), isinstance(self.inputs, Variables))}, or set "
                "allow_nan, with which VarTransform=U or G makes numbers of them"
            )


def _remedy(is_nan: bool, of_events: bool) -> str:
    """What can be done about an input that is NaN, or infinite: of an event, or of one of its elements."""
    instead = "where(isnan(x), 0, x)" if is_nan else "where(isfinite(x), x, 0)"
    away = "selection = " + ("isfinite(x)" if of_events else "all(isfinite(x))")
    return f"write {instead} in place of x, or leave such events out with {away}"


def insert(text: str, values: Mapping[str, Any]) -> str:
    """`text` with `{name}` replaced by the value of each name."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    return text


def describe(columns: Iterable[Column], values: NDArray[Any] | None) -> tuple[Variable, ...]:
    """The weight file's description of each column, given the data (n, sum of the widths)."""
    limits = None if values is None else limits_of(values)
    table: list[Variable] = []
    for column in columns:
        table += column.describe() if limits is None else column.describe(limits[len(table)])
    return tuple(table)
