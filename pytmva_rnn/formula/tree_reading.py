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

from pytmva_rnn.ahead import read_ahead
from pytmva_rnn.errors import DataError, MissingExtraError
from pytmva_rnn.formula.basket_checks import checked_interpretation
from pytmva_rnn.formula.branches import Branches, member
from pytmva_rnn.formula.class_definitions import own_definitions
from pytmva_rnn.formula.event_columns import Columns
from pytmva_rnn.formula.formula import Formula
from pytmva_rnn.formula.list_bounds import check_lists
from pytmva_rnn.formula.locations import Location, locations
from pytmva_rnn.formula.page_checks import check_pages
from pytmva_rnn.formula.pieces import pieces_of_tree
from pytmva_rnn.formula.remote_files import check_remote, is_remote, patiently
from pytmva_rnn.suggestions import near

__all__ = ["STEP", "columns_of_arrays", "friend_name", "opened", "read_trees", "stored_friends"]

STEP = 250_000
"""Events read at a time: enough for speed, few enough for memory."""

_COUNTERS_KEPT = 10_000_000
"""Bytes of the lengths of lists, which several branches may share; what is read itself is not asked for again."""

_TREES = ("TTree", "TNtuple", "TNtupleD", "TChain", "ROOT::RNTuple", "ROOT::Experimental::RNTuple")


@contextmanager
def opened(file: str, tree: str | None) -> Iterator[tuple[Any, str]]:
    """A tree of a file, and `file:tree` for messages; the tree may be left out where a file holds just one.

    Raises
    ------
    DataError
        If it cannot be opened; at the end, if the file is another by then.
    """
    if Path(file).is_file():
        with Path(file).open("rb") as stream:
            if stream.read(4) != b"root":
                raise DataError(f"{file} is not a ROOT file")
    with own_definitions(), _unchanged(file), ExitStack() as stack:
        with reading(f"{file}: cannot be opened as a ROOT file"):
            if is_remote(file) and check_remote(file)[:4] != b"root":
                raise DataError(f"{file} is not a ROOT file")
            # friends are told then
            given = patiently(file, lambda: uproot.open(file, minimal_ttree_metadata=False, array_cache=_COUNTERS_KEPT))
            directory = stack.enter_context(given)
        with reading(f"{file}: what it holds cannot be read"):
            kinds = patiently(file, lambda: directory.classnames(cycle=False))
            trees = [name for name, kind in kinds.items() if kind in _TREES]
        trees = list(dict.fromkeys(trees))
        if tree is None:
            if len(trees) != 1:
                listed = f"several trees: {', '.join(trees)}; name one" if trees else "no tree"
                raise DataError(f"{file} holds {listed}" + (f", e.g. {file}:{trees[0]}" if trees else ""))
            tree = trees[0]
        elif tree.split(";")[0] not in trees:
            raise DataError(f"{file} holds no tree {tree!r}; {near(tree, trees)}")
        with reading(f"the tree {file}:{tree} cannot be read"):
            found = patiently(file, lambda: directory[tree])
            if int(found.num_entries) < 0:
                raise DataError(f"the tree {file}:{tree} says that it has {found.num_entries} entries")
            if isinstance(found, uproot.behaviors.RNTuple.RNTuple):
                patiently(file, lambda: check_pages(found, f"{file}:{tree}"))
        yield found, f"{file}:{tree}"


@contextmanager
def _unchanged(file: str) -> Iterator[None]:
    """Around the use of a file, which uproot opens anew for each basket: one may be of another file than the others.

    Raises
    ------
    DataError
        If it was replaced, written to or removed, whatever else was wrong then.
    """
    before = _state(file)
    try:
        yield
    except DataError as error:
        if _state(file) != before:
            raise _changed(file) from error
        raise
    if _state(file) != before:
        raise _changed(file)


def _state(file: str) -> tuple[int, ...] | None:
    """Which file has a name, and when it was written to; None where there is none, as for what is not on disk."""
    try:
        found = Path(file).stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _changed(file: str) -> DataError:
    return DataError(f"{file} was changed while it was read; read it again when nobody writes to it")


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Around all use of uproot, which raises many kinds of errors on what is damaged: one of ours, with its reason.

    Raises
    ------
    DataError
        `what`, and why.
    """
    try:
        yield
    except (DataError, MissingExtraError):
        raise
    except Exception as error:
        raise DataError(f"{what}: {_reason(error)}") from error


@dataclass(frozen=True)
class _Part:
    """A tree that entries are read from: the tree itself, or a piece of a friend.

    Attributes
    ----------
    tree : tree of uproot
    place : str
    file : str
    names : Branches
    first : int
        Number, in the main tree, of its first entry.
    """

    tree: Any
    place: str
    file: str
    names: Branches
    first: int = 0

    @property
    def end(self) -> int:
        return self.first + int(self.tree.num_entries)

    def read(self, path: str, start: int, stop: int) -> Any:
        what = f"branch {path!r} of {self.place}"
        first, last = start - self.first, stop - self.first
        with reading(f"{what} cannot be read"):
            branch = self.tree[path]
            has = int(getattr(branch, "num_entries", self.tree.num_entries))
            if has != self.tree.num_entries:
                raise DataError(f"{what} has {has} entries, the tree {self.tree.num_entries}")
            given = {"entry_start": first, "entry_stop": last, "library": "ak", "array_cache": None}
            if isinstance(branch, uproot.TBranch):
                given["interpretation"] = checked_interpretation(branch, what)
            array = patiently(self.file, lambda: branch.array(**given))
        if len(array) != stop - start:
            raise DataError(f"{what} gives {len(array)} of the {stop - start} entries from {first} on")
        check_lists(array, what, first)
        return array


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
        ] or [self.parts[0].read(path, self.parts[0].first, self.parts[0].first)]
        return pieces[0] if len(pieces) == 1 else ak.concatenate(pieces)


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
        beside = [_friend(spec, stack) for spec in friends]
        for file, tree_name in where:
            with ExitStack() as files:
                tree, place = files.enter_context(opened(file, tree_name))
                places.append(place)
                entries = int(tree.num_entries)
                main = _Part(tree, place, file, _branches(tree, place))
                known = {**_aliases(tree, place), **(aliases or {})}
                stored = _stored(tree, place, before, file, files, {friend.name for friend in beside})
                search = _Search(main, [*beside, *stored], known, before)
                search.require(names)
                part, parts = share
                first, last = entries * part // parts, entries * (part + 1) // parts
                pieces = pieces_of_tree(tree, search.paths(), entries, step, room)
                own = [(max(begin, first), min(end, last)) for begin, end in pieces if begin < last and end > first]
                yield from read_ahead(search.read, own or [(first, first)] * allow_empty)
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


def _branches(tree: Any, place: str) -> Branches:
    with reading(f"the branches of {place} cannot be read"):
        return Branches.of_tree(tree)


def _aliases(tree: Any, place: str) -> Mapping[str, str]:
    with reading(f"the aliases of {place} cannot be read"):
        return dict(tree.aliases or {}) if hasattr(tree, "aliases") else {}


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
        parts.append(_Part(tree, place, file, _branches(tree, place), parts[-1].end if parts else 0))
    return _Friend(name or str(parts[0].tree.name), tuple(parts))


def _stored(tree: Any, place: str, before: int, file: str, stack: ExitStack, given_by_user: set[str]) -> list[_Friend]:
    """The friends that a tree in a file names itself; `before` is the number, among all trees, of its first entry."""
    entries = int(tree.num_entries)
    friends = []
    for name, path, inside in stored_friends(tree, place, file):
        if name in given_by_user:
            continue
        other, other_place = stack.enter_context(opened(path, inside))
        if int(other.num_entries) != entries:
            raise DataError(f"the friend {name} of {place} has {other.num_entries} entries, the tree {entries}")
        friends.append(_Friend(name, (_Part(other, other_place, path, _branches(other, other_place), before),)))
    return friends


def stored_friends(tree: Any, place: str, file: str) -> list[tuple[str, str, str]]:
    """Name, file and tree of the friends that a tree names itself, as far as they are there."""
    with reading(f"the friends of {place} cannot be read"):
        listed = tree.member("fFriends", none_if_missing=True) if hasattr(tree, "member") else None
        keys = ("fName", "fTitle", "fTreeName")
        named = [tuple(str(given.member(key)) for key in keys) for given in listed or []]
    found = []
    for name, of_file, inside in named:
        paths = [of_file, str(Path(file).parent / of_file)] if of_file and "://" not in of_file else [file]
        if "://" in of_file:
            paths = [of_file] if "://" in file else []  # a file on disk sends nobody into the network
        path = next((p for p in paths if "://" in p or Path(p).is_file()), None)
        if path is not None:  # else a name that would be found there is not found
            found.append((name, path, inside or name))
    return found


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


_LONGEST_REASON = 200


def _reason(error: Exception) -> str:
    """The first line of what an error of uproot says, as the end of a sentence."""
    if isinstance(error, RecursionError):
        return "it refers to itself; the file is damaged"
    if isinstance(error, OSError) and "expected Chunk of length" in str(error):
        return "it ends too early, as a file whose copy was broken off; copy or write it again"
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "").rstrip(" :,;.")
    if len(said) > _LONGEST_REASON:
        said = said[:_LONGEST_REASON] + "…"
    kind = type(error).__name__
    return f"{said} ({kind})" if said else kind
