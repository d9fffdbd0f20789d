"""Checks of a parsed formula: that its functions are there, and which columns it needs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from pytmva_rnn.formula.functions import CONSTANTS, FUNCTIONS
from pytmva_rnn.formula.parsing import COMPARISONS, complaint
from pytmva_rnn.formula.special_functions import REFUSED
from pytmva_rnn.formula.tree import (
    Binary,
    FunctionCall,
    Index,
    MapEntry,
    Member,
    Method,
    Name,
    Term,
    Unary,
    children,
    path_of,
    walk,
    written,
)
from pytmva_rnn.formula.vectors import METHODS
from pytmva_rnn.suggestions import near

__all__ = ["NUMBERS", "check", "columns_of", "uses_scope"]

NUMBERS: Mapping[str, float] = {"pi": math.pi, "true": 1.0, "false": 0.0}
"""Names that are no columns."""

_SPELLED = {
    "True": "true",
    "False": "false",
    "None": "0",
    "np": "a function's plain name",
    "math": "a function's plain name",
}


def check(node: Term, text: str) -> None:
    """Refuse what the grammar takes and the language does not.

    Raises
    ------
    DataError
        For an unknown function or method, a wrong number of arguments, or a condition as an index.
    """
    for part in walk(node):
        if isinstance(part, FunctionCall):
            _check_call(part, text)
        elif isinstance(part, Method) and part.name not in METHODS and part.name not in ("size", "@size"):
            known = near(part.name, [*METHODS, "size"])
            raise complaint(text, f"there is no method {part.name}(); {known}", part.span[0])
        elif isinstance(part, Member | MapEntry) and path_of(part.base) is None:
            raise complaint(text, f"a member can be taken of a branch only, not of {written(part.base)}", part.span[0])
        elif isinstance(part, Index):
            _check_index(part, text)
        elif isinstance(part, Name) and part.name in _SPELLED:
            raise complaint(text, f"for {part.name} write {_SPELLED[part.name]}", part.span[0])


def _check_call(part: FunctionCall, text: str) -> None:
    name, given = part.function, len(part.arguments)
    function = FUNCTIONS.get(name)
    if function is None:
        if name.removeprefix("TMath::") in CONSTANTS and name.startswith("TMath::") and not given:
            return
        if name.startswith("TMath::") and name.removeprefix("TMath::") in REFUSED:
            why = REFUSED[name.removeprefix("TMath::")]
            raise complaint(text, f"{name} is not supported: {why}; take it from a column of the tree", part.span[0])
        raise complaint(text, f"unknown function {name}; {near(name, FUNCTIONS)}", part.span[0])
    if not function.fewest <= given <= function.most:
        wanted = str(function.fewest) if function.fewest == function.most else f"{function.fewest} to {function.most}"
        raise complaint(text, f"{name} takes {wanted} argument(s), not {given}", part.span[0])


def _check_index(part: Index, text: str) -> None:
    for index in part.indices:
        if (isinstance(index, Binary) and index.operator in (*COMPARISONS, "&&", "||")) or (
            isinstance(index, Unary) and index.operator == "!"
        ):
            base = written(part.base)
            raise complaint(
                text,
                f"{base}[{written(index)}] would be an element by its number, 0 or 1, in ROOT; for the elements that "
                f"pass write select({base}, {written(index)})",
                index.span[0],
            )


def columns_of(node: Term) -> Iterator[str]:
    """The columns that a formula needs, as it names them."""
    path = path_of(node)
    if path is not None:
        if path not in NUMBERS:
            yield path
        return
    for child in children(node):
        yield from columns_of(child)


def uses_scope(node: Term) -> bool:
    """Whether a value depends on which lists its formula goes over."""
    if isinstance(node, FunctionCall) and node.function in ("Iteration$", "Alt$"):
        return True
    if isinstance(node, FunctionCall) and node.function == "Length$" and not node.arguments:
        return True
    return any(map(uses_scope, children(node)))
