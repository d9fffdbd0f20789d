"""Variables, spectators and targets that are there twice."""

from __future__ import annotations

from collections.abc import Iterable

from pytmva_rnn.data.flat_variables import Column
from pytmva_rnn.errors import DataError

__all__ = ["check_distinct"]


def check_distinct(what: str, columns: Iterable[Column]) -> None:
    """Refuse variables, spectators or targets that are the same.

    Raises
    ------
    DataError
        For two of the same expression, or of the same name.
    """
    expressions: dict[str, str] = {}
    names: dict[str, str] = {}
    for column in columns:
        for number in range(column.width):
            name = column.name if column.size is None else f"{column.name}[{number}]"
            expression = column.expression if column.size is None else f"{column.expression}[{number}]"
            if expression in expressions:
                other = expressions[expression]
                raise DataError(
                    f"{what} {expression!r} is there twice"
                    + ("" if other == name == expression else f", as {other!r} and as {name!r}")
                    + "; leave one out"
                )
            if name in names:
                raise DataError(
                    f"two {what}s are called {name!r}: {names[name]!r} and {expression!r}; give one another label, "
                    f"e.g. {name}2 := {expression}"
                )
            expressions[expression], names[name] = name, expression
