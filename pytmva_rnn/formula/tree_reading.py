"""Trees of ROOT files, their friends and aliases, read with uproot a piece at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np

from pytmva_rnn.ahead import read_ahead
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.branches import Branches, member
from pytmva_rnn.formula.event_columns import Columns
from pytmva_rnn.formula.formula import Formula
from pytmva_rnn.formula.friends import Friend, TreePart, branches_of, friends_of_tree, named_friend
from pytmva_rnn.formula.list_bounds import check_lists
from pytmva_rnn.formula.locations import Location
from pytmva_rnn.formula.opened_trees import opened, reading
from pytmva_rnn.formula.pieces import pieces_of_tree
from pytmva_rnn.packages import ak

__all__ = ["STEP", "columns_of_arrays", "read_trees"]

STEP = 250_000
"""Events read at a time: enough for speed, few enough for memory."""


def read_trees(
    where: list[Location],
    formulas: Iterable[Formula],
    *,
    step: int = STEP,
    room: int | None = None,
    friends: tuple[str, ...] = (),
    aliases: Mapping[str, str] | None = None,
    before: int = 0,
    allow_empty: bool = False,
    share: tuple[int, int] = (0, 1),
) -> Iterator[Columns]:
    """Read what some formulas need, in the trees' order.

    While a piece is in use, another thread reads the next one. Pieces end where clusters end, so that nothing is
    decompressed twice, as far as these are not larger.

    Parameters
    ----------
    where : list of (file, tree)
    formulas : iterable of Formula
        Only the branches that these name are read.
    step : int
        Largest number of events at a time.
    room : int, optional
        Bytes that a piece may take, by what the tree says of its branches.
    friends : tuple of str
        `file.root:tree` or `name = file.root:tree`, entry by entry beside all the trees.
    aliases : mapping of str -> str
        Names for formulas, beside those that the trees have.
    before : int
        Entries of trees that were read before these, which `Entry$` counts too.
    allow_empty : bool
        Give columns without entries of a tree that has none, by which their types are known.
    share : (int, int)
        Which part, from 0 on, of how many equal parts of the entries of each tree to read.

    Raises
    ------
    DataError
        For a file or tree that cannot be read, no entry at all unless that is allowed, a friend of another length, or a
        name that is not there or could be several.
    """
    names = list(dict.fromkeys(name for formula in formulas for name in formula.names))
    places = []
    first = before
    with ExitStack() as stack:
        beside = [named_friend(spec, stack) for spec in friends]
        for file, tree_name in where:
            with ExitStack() as files:
                tree, place = files.enter_context(opened(file, tree_name))
                places.append(place)
                entries = int(tree.num_entries)
                main = TreePart(tree, place, file, branches_of(tree, place))
                known = {**_aliases(tree, place), **(aliases or {})}
                stored = friends_of_tree(tree, place, before, file, files, {friend.name for friend in beside})
                search = _Search(main, [*beside, *stored], known, before)
                search.require(names)
                part, parts = share
                first, last = entries * part // parts, entries * (part + 1) // parts
                pieces = pieces_of_tree(tree, search.paths(), entries, step, room)
                own = [(max(begin, first), min(end, last)) for begin, end in pieces if begin < last and end > first]
                for columns in read_ahead(search.read, own or [(first, first)] * allow_empty):
                    yield replace(columns, following=last - int(columns.entries[-1]) - 1 if own else 0)
                before += entries
        for friend in beside:
            if friend.parts[-1].end != before:
                others = f" and {len(places) - 1} more" if len(places) > 1 else ""
                raise DataError(
                    f"the friend {friend.name} has {friend.parts[-1].end} entries, the tree {before} "
                    f"({places[0]}{others}); a friend goes along entry by entry"
                )
    if before == first and not allow_empty:
        raise DataError(f"no entries in {', '.join(places)}")


def _aliases(tree: Any, place: str) -> Mapping[str, str]:
    with reading(f"the aliases of {place} cannot be read"):
        return dict(tree.aliases or {}) if hasattr(tree, "aliases") else {}


class _Search:
    """Finds names in a tree, its aliases and its friends, and reads them."""

    def __init__(self, main: TreePart, friends: list[Friend], aliases: Mapping[str, str], before: int) -> None:
        self._main = main
        self._friends = friends
        self._aliases = aliases
        self._before = before
        self._found: dict[str, tuple[TreePart | Friend, str, tuple[str, ...], int]] = {}
        self._formulas: dict[str, Formula] = {}

    def require(self, names: Iterable[str], above: tuple[str, ...] = ()) -> None:
        """Find all names.

        Raises
        ------
        DataError
            For one that is not there.
        """
        for name in names:
            if name in self._found or name in self._formulas:
                continue
            own = self._main.names.find(name, self._main.place)
            if own is not None:
                self._found[name] = (self._main, *own, 0)
            elif name in self._aliases:
                if name in above:
                    raise DataError(f"the alias {name!r} of {self._main.place} needs itself")
                formula = Formula.parse(self._aliases[name])
                self.require(formula.names, (*above, name))
                self._formulas[name] = formula
            else:
                self._found[name] = self._of_friends(name)

    def _of_friends(self, name: str) -> tuple[TreePart | Friend, str, tuple[str, ...], int]:
        first, _, rest = name.partition(".")
        found = []
        for friend in self._friends:
            branches, place = friend.parts[0].names, friend.parts[0].place
            inner = rest if friend.name == first and rest else name
            at = branches.find(inner, place)
            if at is not None:
                if inner is rest:
                    return (friend, *at, self._before)
                found.append((friend, at))
        if not found:
            others = f" and its friends {', '.join(f.name for f in self._friends)}" if self._friends else ""
            raise DataError(f"no branch {name!r} in {self._main.place}{others}; {self._main.names.near(name)}")
        if len(found) > 1:
            listed = ", ".join(f"{friend.name}.{name}" for friend, _ in found)
            raise DataError(f"{name!r} could be one of several in the friends of {self._main.place}: {listed}")
        return (found[0][0], *found[0][1], self._before)

    def paths(self) -> list[str]:
        """The branches of the tree itself that are read."""
        return list(dict.fromkeys(path for part, path, _, _ in self._found.values() if part is self._main))

    def read(self, piece: tuple[int, int]) -> Columns:
        """The columns of the entries from a first one to that before another."""
        start, stop = piece
        arrays: dict[tuple[int, str], Any] = {}
        columns: dict[str, Any] = {}
        for name, (part, path, members, shift) in self._found.items():
            key = (id(part), path)
            if key not in arrays:
                if isinstance(part, Friend) and part.parts[-1].end < stop + shift:
                    raise DataError(
                        f"the friend {part.name} has {part.parts[-1].end} entries, fewer than {self._main.place}"
                    )
                arrays[key] = part.read(path, start + shift, stop + shift)
            columns[name] = member(arrays[key], name, members, self._main.place)
        for name, formula in self._formulas.items():
            now = Columns(columns, np.arange(start, stop), self._main.place, self._before)
            columns[name] = formula.evaluate(now)
        return Columns(columns, np.arange(start, stop), self._main.place, self._before)


def columns_of_arrays(arrays: Mapping[str, Any], size: int, formulas: Iterable[Formula], place: str) -> Columns:
    """What some formulas need of arrays in memory.

    Raises
    ------
    DataError
        For a name that is not there.
    """
    names = Branches.of_arrays(arrays)
    columns = {}
    for name in dict.fromkeys(name for formula in formulas for name in formula.names):
        found = names.find(name, place)
        if found is None:
            raise DataError(f"no branch {name!r} in {place}; {names.near(name)}")
        columns[name] = member(arrays[found[0]], name, found[1], place)
        if isinstance(columns[name], ak.Array):
            check_lists(columns[name], f"{name!r} of {place}")
    return Columns(columns, np.arange(size), place)
