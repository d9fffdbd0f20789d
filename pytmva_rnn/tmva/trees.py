"""What scripts hand over as trees -> events to read."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.data import Source
from pytmva_rnn.data.in_memory import ArrayTree, as_source
from pytmva_rnn.errors import DataError

__all__ = ["Tree", "as_tree"]


Tree = Source | ArrayTree


def as_tree(tree: Any) -> Tree:
    """Understand a tree.

    Parameters
    ----------
    tree : object
        `"file.root:tree"` (patterns, URLs and a file with one tree as well), a tree of uproot, a TTree or TChain of
        PyROOT that is in a file, or events in memory: a mapping of names to arrays, an awkward array of records, or a
        structured NumPy array.

    Raises
    ------
    DataError
        For anything else, a tree that was not found in its file, one of PyROOT that lives in memory, and arrays of
        different lengths.
    """
    return _of_pyroot(tree) if hasattr(tree, "InheritsFrom") else as_source(tree)


def _of_pyroot(tree: Any) -> Source:
    """A TTree's file and path, for uproot to read; nothing of it is read through ROOT."""
    if not tree:
        raise DataError("the tree is a null pointer: its file has no tree of this name")
    if not tree.InheritsFrom("TTree"):
        raise DataError(f"{tree.GetName()} is a {tree.ClassName()}, not a TTree")
    if tree.InheritsFrom("TChain"):
        files = tuple(f"{element.GetTitle()}:{element.GetName()}" for element in tree.GetListOfFiles())
        if not files:
            raise DataError(f"the TChain {tree.GetName()} has no files")
        return Source(files, friends=_friends(tree), aliases=_aliases(tree))
    directory = tree.GetDirectory()
    file = tree.GetCurrentFile()
    if not file or not directory:
        raise DataError(
            f"the TTree {tree.GetName()} lives in memory: write it to a file first, or give its columns as arrays"
        )
    inside = str(directory.GetPath()).rpartition(":")[2].strip("/")
    name = f"{inside}/{tree.GetName()}" if inside else str(tree.GetName())
    return Source((str(file.GetName()),), name, friends=_friends(tree), aliases=_aliases(tree))


def _aliases(tree: Any) -> dict[str, str]:
    return {str(alias.GetName()): str(alias.GetTitle()) for alias in tree.GetListOfAliases() or ()}


def _friends(tree: Any) -> tuple[str, ...]:
    """Friends that were added in this session or are stored in the file, as a Source takes them."""
    found = []
    for element in tree.GetListOfFriends() or ():
        friend = element.GetTree()
        if not friend:
            raise DataError(f"the friend {element.GetName()} of {tree.GetName()} is not there")
        if friend.GetTreeIndex():
            raise DataError(
                f"the friend {element.GetName()} of {tree.GetName()} has an index; friends go along entry by entry here"
            )
        source = _of_pyroot(friend)
        if len(source.files) > 1:
            raise DataError(f"the friend {element.GetName()} of {tree.GetName()} is a chain of several files")
        (file,) = source.files
        found.append(f"{element.GetName()} = {file if source.tree is None else f'{file}:{source.tree}'}")
    return tuple(found)
