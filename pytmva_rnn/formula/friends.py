"""What entries are read from: a tree, and the friends beside it, named by the user or by the tree itself."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytmva_rnn.errors import DataError
from pytmva_rnn.first_imports import importing
from pytmva_rnn.formula.branches import Branches
from pytmva_rnn.formula.list_bounds import check_lists
from pytmva_rnn.formula.locations import locations
from pytmva_rnn.formula.opened_trees import decompression_of, opened, reading
from pytmva_rnn.formula.remote_files import patiently
from pytmva_rnn.packages import ak, uproot

__all__ = ["Friend", "TreePart", "branches_of", "friend_name", "friends_of_tree", "named_friend", "stored_friends"]


@dataclass(frozen=True)
class TreePart:
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
                with importing:
                    from pytmva_rnn.formula.basket_checks import checked_interpretation  # it extends uproot's classes

                given["interpretation"] = checked_interpretation(branch, what)
                given["decompression_executor"] = decompression_of(branch)
            array = patiently(self.file, lambda: branch.array(**given))
        if len(array) != stop - start:
            raise DataError(f"{what} gives {len(array)} of the {stop - start} entries from {first} on")
        check_lists(array, what, first)
        return array


@dataclass(frozen=True)
class Friend:
    """A friend: one tree, or several one after the other."""

    name: str
    parts: tuple[TreePart, ...]

    def read(self, path: str, start: int, stop: int) -> Any:
        pieces = [
            part.read(path, max(start, part.first), min(stop, part.end))
            for part in self.parts
            if part.first < stop and start < part.end
        ] or [self.parts[0].read(path, self.parts[0].first, self.parts[0].first)]
        return pieces[0] if len(pieces) == 1 else ak.concatenate(pieces)


def branches_of(tree: Any, place: str) -> Branches:
    with reading(f"the branches of {place} cannot be read"):
        return Branches.of_tree(tree)


def friend_name(spec: str) -> tuple[str, str]:
    """The name, if there is one, and the path of a friend, `name = file.root:tree`."""
    name, assigned, path = (part.strip() for part in spec.partition("="))
    return (name, path) if assigned and name.isidentifier() else ("", spec)


def named_friend(spec: str, stack: ExitStack) -> Friend:
    """A friend that the user names."""
    name, path = friend_name(spec)
    parts: list[TreePart] = []
    for file, tree_name in locations((path,)):
        tree, place = stack.enter_context(opened(file, tree_name))
        parts.append(TreePart(tree, place, file, branches_of(tree, place), parts[-1].end if parts else 0))
    return Friend(name or str(parts[0].tree.name), tuple(parts))


def friends_of_tree(
    tree: Any, place: str, before: int, file: str, stack: ExitStack, given_by_user: set[str]
) -> list[Friend]:
    """The friends that a tree in a file names itself; `before` is the number, among all trees, of its first entry."""
    entries = int(tree.num_entries)
    friends = []
    for name, path, inside in stored_friends(tree, place, file):
        if name in given_by_user:
            continue
        other, other_place = stack.enter_context(opened(path, inside))
        if int(other.num_entries) != entries:
            raise DataError(f"the friend {name} of {place} has {other.num_entries} entries, the tree {entries}")
        friends.append(Friend(name, (TreePart(other, other_place, path, branches_of(other, other_place), before),)))
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
