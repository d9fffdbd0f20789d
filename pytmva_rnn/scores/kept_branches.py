"""Branches of the input that are passed on beside the scores."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from typing import Any

from pytmva_rnn.data.rows import Rows
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.formula.branches import Branches, member
from pytmva_rnn.formula.opened_trees import reading
from pytmva_rnn.packages import ak
from pytmva_rnn.suggestions import near

__all__ = ["bare_name", "is_pattern", "kept_values", "matching_branches"]


def bare_name(name: str) -> Formula:
    """A branch, whose name may need back quotes in formulas.

    Raises
    ------
    DataError
        For what can be no name.
    """
    for text in (name, f"`{name}`"):
        try:
            formula = Formula.parse(text)
        except DataError:
            continue
        if formula.column is not None:
            return formula
    raise DataError(f"{name!r} is no name of a branch; branches can be kept, formulas cannot")


def is_pattern(name: str) -> bool:
    """Whether a name stands for several: `Jet_*`, `HLT_?`."""
    return "*" in name or "?" in name


def matching_branches(tree: Any, place: str, keep: Sequence[str]) -> list[str]:
    """The names that are meant, where some are patterns.

    A pattern stands for the branches that it matches and that hold numbers or lists of numbers, but for the counters of
    lists among these, which come along with them.

    Parameters
    ----------
    tree : tree of uproot
    place : str
        `file.root:tree`.
    keep : sequence of str

    Raises
    ------
    DataError
        For a pattern that matches none.
    """
    places = Branches.of_tree(tree).places
    found: dict[str, None] = {}
    for name in keep:
        if not is_pattern(name):
            found[name] = None
            continue
        arrays = {each: _no_entries(tree, place, *places[each]) for each in fnmatch.filter(places, name)}
        numbers = {each: array for each, array in arrays.items() if _keepable(array)}
        counters = {
            f"n{each}" for each, array in numbers.items() if not isinstance(array.type.content, ak.types.NumpyType)
        }
        if not numbers:
            raise DataError(
                f"no branch of numbers, or of lists of numbers, of {place} matches {name!r}; "
                f"{near(re.sub('[*?]', '', name), places)}"
            )
        found |= dict.fromkeys(each for each in numbers if each not in counters)
    return list(found)


def _no_entries(tree: Any, place: str, path: str, members: tuple[str, ...]) -> Any:
    with reading(f"branch {path!r} of {place} cannot be read"):
        return member(tree[path].array(entry_stop=0), path, members, place)


def _keepable(array: Any) -> bool:
    """Whether what a branch holds is numbers, or lists of numbers."""
    content = ak.type(array).content
    if isinstance(content, ak.types.ListType | ak.types.RegularType):
        content = content.content
    return _are_numbers(content)


def kept_values(formula: Formula, columns: Columns, rows: Rows) -> Any:
    """The values of a branch for each event: an array of numbers, or an awkward array of lists of numbers.

    Raises
    ------
    DataError
        For a branch of anything else.
    """
    array = columns.arrays[formula.names[0]]
    kind = ak.type(array).content
    if not _keepable(array):
        raise DataError(
            f"the branch {formula.names[0]!r} of {columns.place} holds {kind}; numbers and lists of numbers can be kept"
        )
    values = array if isinstance(kind, ak.types.ListType) else ak.to_numpy(array, allow_missing=False)
    return values if rows.element is None else values[rows.entry]


def _are_numbers(kind: Any) -> bool:
    return isinstance(kind, ak.types.NumpyType) and kind.parameter("__array__") is None
