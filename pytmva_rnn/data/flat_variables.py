"""Flat lists of variables, as TMVA's AddVariable and AddVariablesArray declare them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.limits import check_expressions, check_variables
from pytmva_rnn.data.rows import ListLengths, Rows
from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.suggestions import check_keys

__all__ = ["Column", "Definitions", "Variables", "internal_name", "limits_of", "without_blanks"]

Definitions = Mapping[str, str] | None
"""Names for formulas."""

_NEVER_FILLED = float(np.finfo(np.float32).max)

_ARRAY = re.compile(r"([A-Za-z_][\w.{}]*)\[([0-9]{1,18})\]")
_RANGE = re.compile(r"\{([0-9]{1,18})\.\.([0-9]{1,18})\}")
_LABELLED = re.compile(r"(?s)(.+?):=(.+)")


@dataclass(frozen=True)
class Column:
    """One variable, spectator or target; or an array of variables from one branch.

    As in TMVA, all blanks are taken out of the expression and the label.

    Attributes
    ----------
    expression : str
        Over branches; for an array the name of a branch.
    label : str
        Empty: the expression.
    title : str
        Empty: the label.
    unit : str
        Of its values, for axes of plots.
    size : int, optional
        Number of elements that every event must have; None for one value per event. A variable that gives a list then
        makes an event of each of its elements.
    """

    expression: str
    label: str = ""
    title: str = ""
    unit: str = ""
    size: int | None = None

    def __post_init__(self) -> None:
        for name in ("expression", "label", "title", "unit"):
            value: Any = getattr(self, name)
            if not isinstance(value, str):
                raise DataError(f"a variable's {name} is a text in quotes, not {value!r}")
        expression = without_blanks(self.expression)
        if expression != self.expression and "{" not in expression:
            _check_blanks(self.expression, expression)
        object.__setattr__(self, "expression", expression)
        object.__setattr__(self, "label", without_blanks(self.label))
        size: Any = self.size
        if size is not None and (type(size) is not int or size < 1):
            raise DataError(f"variable {expression!r}: its size is a whole number from 1 on, not {size!r}")

    @classmethod
    def parse(cls, text: str) -> Column:
        """From TMVA's notation: `expression`, `label := expression`, or `branch[30]` for an array of 30 variables.

        For one element of a branch give it a label: `third := pt[2]`; `pt[0]` is the first.
        """
        labelled = _LABELLED.fullmatch(text)
        if labelled:
            return cls(labelled[2], labelled[1])
        array = _ARRAY.fullmatch(without_blanks(text))
        if array is None or int(array[2]) == 0:
            return cls(text)
        return cls(array[1], size=int(array[2]))

    @classmethod
    def from_data(cls, value: str | Mapping[str, Any]) -> Column:
        """From a text or from a mapping of the attributes."""
        if isinstance(value, str):
            return cls.parse(value)
        given: Any = value
        if not isinstance(given, Mapping):
            raise DataError(f"a variable is an expression in quotes or a table with one, not {given!r}")
        check_keys(value, [field.name for field in fields(cls)], "a variable has no key")
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

    def numbers(self, columns: Columns, define: Definitions = None, rows: Rows | None = None) -> NDArray[Any]:
        """The value of each of the m events of `rows`, (m,), with all its digits; without rows, of each entry."""
        rows = Rows.each(len(columns)) if rows is None else rows
        return rows.numbers(Formula.parse(self.expression, define), columns)

    def build(self, columns: Columns, define: Definitions = None, rows: Rows | None = None) -> NDArray[np.float32]:
        """The values, (m, width) float32; `define` names formulas that the expression may use.

        Raises
        ------
        DataError
            If an event has several values where one is needed, or not exactly `size`, naming the first such event.
        """
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is reported as such
            if self.size is None:
                return self.numbers(columns, define, rows).astype(np.float32)[:, None]
            value = Formula.parse(self.expression, define).value(columns)
            if value.levels != 1:
                raise DataError(
                    f"variable {self.expression}[{self.size}]: the branch does not hold one list per event in "
                    f"{columns.place}"
                )
            lengths = np.diff(value.offsets[0])
            wrong = lengths != self.size
            if rows is not None:
                in_use = np.zeros(len(columns), bool)
                in_use[rows.entry] = True
                wrong &= in_use
            if wrong.any():
                raise self._wrong_size(int(np.argmax(wrong)), lengths, columns)
            if (lengths == self.size).all():
                whole: NDArray[np.float32] = value.content.reshape(len(columns), self.size).astype(np.float32)
                return whole if rows is None or rows.are_all(len(columns)) else whole[rows.entry]
            first = value.offsets[0][:-1] if rows is None else value.offsets[0][:-1][rows.entry]
            table: NDArray[np.float32] = value.content[first[:, None] + np.arange(self.size)].astype(np.float32)
            return table

    def _wrong_size(self, event: int, lengths: NDArray[np.int64], columns: Columns) -> DataError:
        """What to say of an event whose list has another length than `size`."""
        has, name = int(lengths[event]), f"{self.expression}[{self.size}]"
        if has and (lengths == has).all():
            element = min(int(self.size or 0), has - 1)
            return DataError(
                f"variable {name} stands for all of a list of {self.size}, but every event of {columns.place} has "
                f"{has} elements: write {self.expression}[{has}] for all of them, or give one a name, e.g. "
                f"element := {self.expression}[{element}]"
            )
        return DataError(
            f"variable {name}: {columns.event(event)} has {has} elements instead of {self.size}; lists of different "
            "lengths are for a sequence"
        )

    def describe(self, limits: tuple[float, float] = (0.0, 0.0)) -> Iterator[Variable]:
        """What the weight file says of each variable.

        Parameters
        ----------
        limits : (float, float)
            The smallest and the largest value. TMVA never fills these for arrays.
        """
        if self.size is None:
            low, high = limits
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
        given = tuple(given)
        check_expressions(len(given))
        columns: list[Column] = []
        for entry in given:
            if isinstance(entry, Column):
                columns.append(entry)
            elif isinstance(entry, str):
                texts = _expand(entry)
                check_expressions(len(columns) + len(texts))
                columns += map(Column.parse, texts)
            else:
                columns.append(Column.from_data(entry))
        if not columns:
            raise DataError("no variables are given")
        check_variables(sum(column.width for column in columns))
        object.__setattr__(self, "columns", tuple(columns))

    def to_list(self) -> list[dict[str, Any]]:
        """Plain data, which the constructor takes back."""
        return [column.to_dict() for column in self.columns]

    def substitute(self, replaced: Callable[[str], str]) -> Variables:
        """The same with every expression passed through `replaced`."""
        return Variables(tuple(replace(column, expression=replaced(column.expression)) for column in self.columns))

    def formulas(self, define: Definitions = None) -> list[Formula]:
        """Every formula that is needed, checked."""
        return [Formula.parse(column.expression, define) for column in self.columns]

    @property
    def names(self) -> list[str]:
        """Names of the NVar variables."""
        return [c.name if c.size is None else f"{c.name}[{i}]" for c in self.columns for i in range(c.width)]

    def rows(self, columns: Columns, define: Definitions = None, known: ListLengths | None = None) -> Rows:
        """The events that n entries make: one for each element of the variables that are lists, else one each."""
        formulas = [Formula.parse(c.expression, define) for c in self.columns if c.size is None]
        return Rows.of_lists(formulas, columns, known)

    def build(self, columns: Columns, define: Definitions = None, rows: Rows | None = None) -> NDArray[np.float32]:
        """The variables of the m events of `rows`, (m, NVar) float32; raises as `Column.build`."""
        rows = self.rows(columns, define) if rows is None else rows
        return np.concatenate([column.build(columns, define, rows) for column in self.columns], axis=1)


def limits_of(values: NDArray[Any]) -> list[tuple[float, float]]:
    """The smallest and the largest number of each column (n, columns), 0 where there is none."""
    low = np.full(values.shape[1], np.inf)
    high = -low
    for first in range(0, len(values), _ROWS):
        block = values[first : first + _ROWS]
        least, most = block.min(0), block.max(0)
        if values.dtype.kind == "f" and not (np.isfinite(least) & np.isfinite(most)).all():
            numbers = np.isfinite(block)
            least, most = np.where(numbers, block, np.inf).min(0), np.where(numbers, block, -np.inf).max(0)
        low, high = np.minimum(low, least), np.maximum(high, most)
    return [(a, b) if a <= b else (0.0, 0.0) for a, b in zip(low.tolist(), high.tolist(), strict=True)]


_ROWS = 16_384
"""Looked at together, so that a large sample needs no memory beside it and is read once."""


def without_blanks(text: str) -> str:
    """As TMVA writes expressions and labels."""
    return "".join(text.split())


def _check_blanks(text: str, stripped: str) -> None:
    """Refuse what means something else without its blanks: `a b`, and a text with blanks in quotes."""
    try:
        found = Formula.parse(stripped)
    except DataError:
        return  # the error comes where the formula is used
    if Formula.parse(text).tree != found.tree:
        raise DataError(f"expression {text!r}: TMVA takes out all blanks, those in quotes too; write it without any")


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
    check_expressions(prod(int(each[2]) - int(each[1]) + 1 for each in _RANGE.finditer(text)))
    return [more for i in range(first, last + 1) for more in _expand(text.replace(found[0], str(i)))]
