"""Variables, spectators and targets as a script declares them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from pytmva_rnn.data import Column
from pytmva_rnn.data.flat_variables import without_blanks
from pytmva_rnn.data.recipe import describe
from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Formula
from pytmva_rnn.tmva.arguments import text_of

__all__ = ["Declared", "check_expressions", "declared", "table"]


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


def table(declarations: Sequence[Declared], values: NDArray[Any] | None) -> tuple[Variable, ...]:
    """What the weight file says of each, given the data (n, sum of the widths), or nothing of its ranges."""
    described = describe([each.column for each in declarations], values)
    return tuple(_as_written(each, v) for each, v in zip(_by_variable(declarations), described, strict=True))


def check_expressions(what: str, given: Sequence[str], of_file: Sequence[Variable], path: str) -> None:
    """Compare declared expressions with those of a weight file.

    Parameters
    ----------
    what : str
        "variable", "spectator" or "target".
    given : sequence of str
        Without blanks.
    of_file : sequence of Variable
    path : str

    Raises
    ------
    DataError
        If they are others, or in another order.
    """
    if len(given) != len(of_file):
        raise DataError(f"{len(given)} {what}s are declared, but {path} has {len(of_file)}{_some(of_file)}")
    for number, (name, variable) in enumerate(zip(given, of_file, strict=True)):
        known = (variable.expression, variable.internal if variable.type.endswith("[]") else variable.expression)
        if name not in map(without_blanks, known):
            raise DataError(
                f"{what} {number} is declared as {name!r}, but in {path} it is {variable.expression!r}; they must be "
                "declared with the file's expressions and in its order"
            )


def _some(variables: Sequence[Variable]) -> str:
    names = list(dict.fromkeys(variable.expression for variable in variables))
    return f": {', '.join(names[:10])}{' ...' if len(names) > 10 else ''}" if names else ""


def _by_variable(declarations: Iterable[Declared]) -> list[Declared]:
    return [each for each in declarations for _ in range(each.column.width)]


def _as_written(each: Declared, variable: Variable) -> Variable:
    kind = variable.type.replace("F", each.type)
    return replace(variable, expression=each.expression, type=kind)
