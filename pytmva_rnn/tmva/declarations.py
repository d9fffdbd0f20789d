"""Variables, spectators and targets as a script declares them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import Column
from pytmva_rnn.data.recipe import describe
from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Formula
from pytmva_rnn.tmva.arguments import text_of

__all__ = ["Declared", "declared", "table"]


@dataclass(frozen=True)
class Declared:
    """A declaration.

    Attributes
    ----------
    expression : str
        The formula without blanks, as weight files have it.
    column : Column
        What is computed.
    type : str
        "F" or "I".
    """

    expression: str
    column: Column
    type: str = "F"

    @property
    def label(self) -> str:
        """TMVA's label: what stands before `:=`, or else the expression."""
        return self.column.name


def declared(expression: Any, title: Any = "", unit: Any = "", kind: Any = "F", *, size: int | None = None) -> Declared:
    """Understand the arguments of AddVariable and its kin.

    Parameters
    ----------
    expression : str
        A formula, or `label := formula`.
    title, unit : str
    kind : str
        "F" or "I". It also may stand in the place of the title, if there is no unit: `AddVariable("x", "I")`.
    size : int, optional
        Of an array.

    Raises
    ------
    DataError
        For an empty expression, another kind, or a formula that is not understood.
    """
    text = text_of(expression).strip()
    label, assigned, formula = (part.strip() for part in text.partition(":="))
    if not assigned:
        label, formula = "", text
    if not formula:
        raise DataError(f"variable {text!r}: the expression is missing")
    title, unit = text_of(title), text_of(unit) if isinstance(unit, str) else ""
    if title in ("F", "I") and not unit:
        title, kind = "", title
    if kind not in ("F", "I"):
        raise DataError(f"variable {text!r}: the type is 'F' or 'I', not {kind!r}")
    Formula.parse(formula)
    column = Column(formula, label, title, unit, size)
    return Declared(column.expression, column, kind)


def table(declarations: Sequence[Declared], values: NDArray[np.float32]) -> tuple[Variable, ...]:
    """What the weight file says of each, given the data (n, sum of the widths)."""
    described = describe([each.column for each in declarations], values)
    return tuple(_as_written(each, v) for each, v in zip(_by_variable(declarations), described, strict=True))


def _by_variable(declarations: Iterable[Declared]) -> list[Declared]:
    return [each for each in declarations for _ in range(each.column.width)]


def _as_written(each: Declared, variable: Variable) -> Variable:
    kind = variable.type.replace("F", each.type)
    return replace(variable, expression=each.expression, type=kind)
