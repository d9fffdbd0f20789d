"""Trees of ROOT files, their friends and aliases, read with uproot a piece at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.branches import Branches, member
from pytmva_rnn.formula.event_columns import Columns
from pytmva_rnn.formula.formula import Formula
from pytmva_rnn.formula.locations import Location, locations
from pytmva_rnn.suggestions import near

__all__ = ["STEP", "columns_of_arrays", "friend_name", "opened", "read_trees"]

STEP = 250_000
"""Events read at a time: enough for speed, few enough for memory."""

_TREES = ("TTree", "TNtuple", "TNtupleD", "TChain", "ROOT::RNTuple", "ROOT::Experimental::RNTuple")


@contextmanager
def opened(file: str, tree: str | None) -> Iterator[tuple[Any, str]]:
    """A tree of a file, and `file:tree` for messages; the tree may be left out where a file holds just one.

    Raises
    ------
    DataError
        If it cannot be opened.
    """
    if Path(file).is_file():
        with Path(file).open("rb") as stream:
            if stream.read(4) != b"root":
                raise DataError(f"{file} is not a ROOT file")
    try:
        directory = uproot.open(file, minimal_ttree_metadata=False)  # friends are told then
    except Exception as error:  # uproot raises many kinds on a file that is damaged or no ROOT file
        raise DataError(f"{file}: cannot be opened as a ROOT file: {_reason(error)}") from error
    with directory:
        trees = [name for name, kind in directory.classnames(cycle=False).items() if kind in _TREES]
        trees = list(dict.fromkeys(trees))
        if tree is None:
            if len(trees) != 1:
                listed = f"several trees: {', '.join(trees)}; name one" if trees else "no tree"
                raise DataError(f"{file} holds {listed}" + (f", e.g. {file}:{trees[0]}" if trees else ""))
            tree = trees[0]
        elif tree.split(";")[0] not in trees:
            raise DataError(f"{file} holds no tree {tree!r}; {near(tree, trees)}")
        yield directory[tree], f"{file}:{tree}"


@dataclass(frozen=True)
class _Part:
    """A tree that entries are read from: the tree itself, or a piece of a friend.

    Attributes
    ----------
    tree : tree of uproot
    place : str
    names : Branches
    first : int
        Number, in the main tree, of its first entry.
    """

    tree: Any
    place: str
    names: Branches
    first: int = 0

    @property
    def end(self) -> int:
        return self.first + int(self.tree.num_entries)

    def read(self, path: str, start: int, stop: int) -> Any:
        what = f"branch {path!r} of {self.place}"
        try:
            return self.tree[path].array(entry_start=start - self.first, entry_stop=stop - self.first, library="ak")
        except Exception as error:  # uproot raises many kinds for what it cannot interpret or decompress
            raise DataError(f"{what} cannot be read: {_reason(error)}") from error


@dataclass(frozen=True)
class _Friend:
    """A friend: one tree, or several one after the other."""

    name: str
    parts: tuple[_Part, ...]

    def read(self, path: str, start: int, stop: int) -> Any:
        pieces = [
            part.read(path, max(start, part.first), min(stop, part.end))
            for part in self.parts
            if part.first < stop and start < part.end
        ]
        return pieces[0] if len(pieces) == 1 else ak.concatenate(pieces)


def read_trees(
    where: list[Location],
    formulas: Iterable[Formula],
    *,
    step: int = STEP,
    friends: tuple[str, ...] = (),
    aliases: Mapping[str, str] | None = None,
    before: int = 0,
) -> Iterator[Columns]:
    """Read what some formulas need, in the trees' order.

    Parameters
    ----------
    where : list of (file, tree)
    formulas : iterable of Formula
        Only the branches that these name are read.
    step : int
        Largest number of events at a time.
    friends : tuple of str
        `file.root:tree` or `name = file.root:tree`, entry by entry beside all the trees.
    aliases : mapping of str -> str
        Names for formulas, beside those that the trees have.
    before : int
        Entries of trees that were read before these, which `Entry$` counts too.

    Raises
    ------
    DataError
        For a file or tree that cannot be read, no entry at all, a friend of another length, or a name that is not there
        or could be several.
    """
    names = list(dict.fromkeys(name for formula in formulas for name in formula.names))
    places = []
    first = before
    with ExitStack() as stack:
        beside = [_friend(spec, stack) for spec in friends]
        for file, tree_name in where:
            with ExitStack() as files:
                tree, place = files.enter_context(opened(file, tree_name))
                places.append(place)
                entries = int(tree.num_entries)
                main = _Part(tree, place, Branches.of_tree(tree))
                known = {**dict(tree.aliases or {}), **(aliases or {})} if hasattr(tree, "aliases") else aliases or {}
                stored = _stored(tree, place, before, file, files, {friend.name for friend in beside})
                search = _Search(main, [*beside, *stored], known, before)
                search.require(names)
                for start in range(0, entries, step):
                    yield search.read(start, min(start + step, entries))
                before += entries
        for friend in beside:
            if friend.parts[-1].end != before:
                raise DataError(f"the friend {friend.name} has {friend.parts[-1].end} entries, the tree {before}")
    if before == first:
        raise DataError(f"no entries in {', '.join(places)}")


class _Search:
    """Finds names in a tree, its aliases and its friends, and reads them."""

    def __init__(self, main: _Part, friends: list[_Friend], aliases: Mapping[str, str], before: int) -> None:
        self._main = main
        self._friends = friends
        self._aliases = aliases
        self._before = before
        self._found: dict[str, tuple[_Part | _Friend, str, tuple[str, ...], int]] = {}
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

    def _of_friends(self, name: str) -> tuple[_Part | _Friend, str, tuple[str, ...], int]:
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

    def read(self, start: int, stop: int) -> Columns:
        """The columns of the entries from `start` to `stop`."""
        arrays: dict[tuple[int, str], Any] = {}
        columns: dict[str, Any] = {}
        for name, (part, path, members, shift) in self._found.items():
            key = (id(part), path)
            if key not in arrays:
                if isinstance(part, _Friend) and part.parts[-1].end < stop + shift:
                    raise DataError(
                        f"the friend {part.name} has {part.parts[-1].end} entries, fewer than {self._main.place}"
                    )
                arrays[key] = part.read(path, start + shift, stop + shift)
            columns[name] = member(arrays[key], name, members, self._main.place)
        for name, formula in self._formulas.items():
            now = Columns(columns, np.arange(start, stop), self._main.place, self._before)
            columns[name] = formula.evaluate(now)
        return Columns(columns, np.arange(start, stop), self._main.place, self._before)


def friend_name(spec: str) -> tuple[str, str]:
    """The name, if there is one, and the path of a friend, `name = file.root:tree`."""
    name, assigned, path = (part.strip() for part in spec.partition("="))
    return (name, path) if assigned and name.isidentifier() else ("", spec)


def _friend(spec: str, stack: ExitStack) -> _Friend:
    """A friend that the user names."""
    name, path = friend_name(spec)
    parts: list[_Part] = []
    for file, tree_name in locations((path,)):
        tree, place = stack.enter_context(opened(file, tree_name))
        parts.append(_Part(tree, place, Branches.of_tree(tree), parts[-1].end if parts else 0))
    return _Friend(name or str(parts[0].tree.name), tuple(parts))


def _stored(tree: Any, place: str, before: int, file: str, stack: ExitStack, given_by_user: set[str]) -> list[_Friend]:
    """The friends that a tree in a file names itself; `before` is the number, among all trees, of its first entry."""
    entries = int(tree.num_entries)
    listed = tree.member("fFriends", none_if_missing=True) if hasattr(tree, "member") else None
    friends = []
    for given in listed or []:
        name, of_file, inside = (str(given.member(key)) for key in ("fName", "fTitle", "fTreeName"))
        if name in given_by_user:
            continue
        paths = [of_file] if of_file else [file]
        if of_file and "://" not in of_file:
            paths.append(str(Path(file).parent / of_file))
        path = next((p for p in paths if "://" in p or Path(p).is_file()), None)
        if path is None:
            continue  # a name that would be found there is not found
        other, other_place = stack.enter_context(opened(path, inside or name))
        if int(other.num_entries) != entries:
            raise DataError(f"the friend {name} of {place} has {other.num_entries} entries, the tree {entries}")
        friends.append(_Friend(name, (_Part(other, other_place, Branches.of_tree(other), before),)))
    return friends


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
    return Columns(columns, np.arange(size), place)


def _reason(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
