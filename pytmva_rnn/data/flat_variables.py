"""Flat lists of variables, as TMVA's AddVariable and AddVariablesArray declare them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.expressions import Columns, Expression
from pytmva_rnn.suggestions import near

__all__ = ["Column", "Variables", "internal_name"]

_NEVER_FILLED = float(np.finfo(np.float32).max)

_ARRAY = re.compile(r"([A-Za-z_][\w.{}]*)\[(\d+)\]")
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_LABELLED = re.compile(r"(?s)(.+?):=(.+)")


@dataclass(frozen=True)
class Column:
    """One variable, spectator or target; or an array of variables from one branch.

    Attributes
    ----------
    expression : str
        Over branches; for an array the name of a branch.
    label : str
        Empty: the expression.
    title : str
        Empty: the label.
    unit : str
    size : int, optional
        Number of elements that every event must have; None for one value per event.
    """

    expression: str
    label: str = ""
    title: str = ""
    unit: str = ""
    size: int | None = None

    @classmethod
    def parse(cls, text: str) -> Column:
        """From TMVA's notation: `expression`, `label := expression`, or `branch[30]` for an array of 30 variables.

        For one element of a branch give it a label: `leading := pt[0]`.
        """
        labelled = _LABELLED.fullmatch(text)
        if labelled:
            return cls(labelled[2].strip(), labelled[1].strip())
        array = _ARRAY.fullmatch(text.strip())
        if array is None:
            return cls(text.strip())
        if int(array[2]) == 0:
            raise DataError(
                f"variable {text!r}: this would be an array without elements; for one element write e.g. "
                f"'{array[1]}_0 := {array[1]}[0]'"
            )
        return cls(array[1], size=int(array[2]))

    @classmethod
    def from_data(cls, value: str | Mapping[str, Any]) -> Column:
        """From a text or from a mapping of the attributes."""
        if isinstance(value, str):
            return cls.parse(value)
        names = [field.name for field in fields(cls)]
        for key in value:
            if key not in names:
                raise DataError(f"a variable has no key {key!r}; {near(key, names)}")
        if "expression" not in value:
            raise DataError(f"variable {dict(value)!r}: needs the key 'expression'")
        return cls(**value)

    def to_dict(self) -> dict[str, Any]:
        """The attributes that are given."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) not in ("", None)}

    @property
    def width(self) -> int:
        """Number of variables."""
        return 1 if self.size is None else self.size

    @property
    def name(self) -> str:
        """The label, or else the expression."""
        return self.label or self.expression

    def build(self, columns: Columns) -> NDArray[np.float32]:
        """The values, (n, width) float32.

        Raises
        ------
        DataError
            If an event has several values where one is needed, or not exactly `size`, naming the first such event.
        """
        expression = Expression.parse(self.expression)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is reported as such
            if self.size is None:
                return expression.per_event(columns).astype(np.float32)[:, None]
            array = expression.evaluate(columns)
            if array.ndim != 2:
                raise DataError(
                    f"variable {self.expression}[{self.size}]: the branch does not hold one list per event in "
                    f"{columns.place}"
                )
            wrong = np.asarray(ak.num(array, axis=1)) != self.size
            if wrong.any():
                event = int(np.argmax(wrong))
                raise DataError(
                    f"variable {self.expression}[{self.size}]: {columns.event(event)} has {len(array[event])} elements "
                    f"instead of {self.size}; lists of different lengths are for a sequence"
                )
            flat = np.asarray(ak.to_numpy(ak.flatten(array, axis=1)))
            return flat.astype(np.float32).reshape(len(columns), self.size)

    def describe(self, values: NDArray[np.float32] | None = None) -> Iterator[Variable]:
        """What the weight file says of each variable.

        Parameters
        ----------
        values : (n, width), optional
            The data, for the smallest and the largest value. TMVA never fills these for arrays.
        """
        if self.size is None:
            low, high = (0.0, 0.0) if values is None or not len(values) else (float(values.min()), float(values.max()))
            yield Variable(
                expression=self.expression,
                label=self.name,
                title=self.title or self.name,
                unit=self.unit,
                internal=internal_name(self.name),
                type="F",
                min=low,
                max=high,
            )
            return
        for i in range(self.size):
            yield Variable(
                expression=self.expression,
                label=self.expression,
                title=f"[{i}]",
                unit=self.unit,
                internal=f"{self.expression}[{i}]",
                type="F[]",
                min=_NEVER_FILLED,
                max=-_NEVER_FILLED,
            )


@dataclass(frozen=True)
class Variables:
    """NVar variables in order.

    Attributes
    ----------
    columns : tuple of Column
        Texts and mappings are taken as well; a range in braces, `vars_time{0..9}[30]`, stands for one column for each
        number.
    """

    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        given: Any = self.columns
        if isinstance(given, str):
            raise DataError(f"variables are a list of expressions, not {given!r}")
        columns: list[Column] = []
        for entry in given:
            if isinstance(entry, Column):
                columns.append(entry)
            elif isinstance(entry, str):
                columns += [Column.parse(text) for text in _expand(entry)]
            else:
                columns.append(Column.from_data(entry))
        if not columns:
            raise DataError("no variables are given")
        object.__setattr__(self, "columns", tuple(columns))

    def to_list(self) -> list[dict[str, Any]]:
        """Plain data, which the constructor takes back."""
        return [column.to_dict() for column in self.columns]

    def substitute(self, replaced: Callable[[str], str]) -> Variables:
        """The same with every expression passed through `replaced`."""
        return Variables(tuple(replace(column, expression=replaced(column.expression)) for column in self.columns))

    def expressions(self) -> list[Expression]:
        """Every expression that is needed, checked."""
        return [Expression.parse(column.expression) for column in self.columns]

    @property
    def names(self) -> list[str]:
        """Names of the NVar variables."""
        return [c.name if c.size is None else f"{c.name}[{i}]" for c in self.columns for i in range(c.width)]

    def build(self, columns: Columns) -> NDArray[np.float32]:
        """The variables of every event, (n, NVar) float32; raises as `Column.build`."""
        return np.concatenate([column.build(columns) for column in self.columns], axis=1)


def internal_name(label: str) -> str:
    """TMVA's internal name of a variable: its label with everything replaced that no C++ name may have."""
    name = re.sub(r"[$&|!%^()'<>?= ]", "_", label)
    for text, instead in (("::", "_"), ("*", "_T_"), ("/", "_D_"), ("+", "_P_"), ("-", "_M_"), ("[", "_"), ("]", "_")):
        name = name.replace(text, instead)
    return name


def _expand(text: str) -> list[str]:
    """Texts with every range in braces written out."""
    found = _RANGE.search(text)
    if found is None:
        return [text]
    first, last = int(found[1]), int(found[2])
    if last < first:
        raise DataError(f"variable {text!r}: the range {found[0]} is empty")
    return [more for i in range(first, last + 1) for more in _expand(text.replace(found[0], str(i)))]
