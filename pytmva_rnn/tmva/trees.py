"""What scripts hand over as trees -> events to read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np

from pytmva_rnn.data import Source
from pytmva_rnn.data.sources import member, read_columns, resolve
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Expression
from pytmva_rnn.formula.expressions import Columns

__all__ = ["ArrayTree", "Tree", "as_tree", "read"]


@dataclass(frozen=True, eq=False)
class ArrayTree:
    """Events in memory.

    Attributes
    ----------
    arrays : mapping of name -> awkward array of n events
    size : int
        n.
    """

    arrays: Mapping[str, Any]
    size: int


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
    if isinstance(tree, Source | ArrayTree):
        return tree
    if isinstance(tree, str | os.PathLike):
        return Source((os.fspath(tree),))
    if hasattr(tree, "InheritsFrom"):
        return _of_pyroot(tree)
    if hasattr(tree, "object_path") and hasattr(tree, "file"):
        return Source((str(tree.file.file_path),), tree.object_path.split(";")[0].lstrip("/"))
    if isinstance(tree, ak.Array) and ak.fields(tree):
        return _arrays({name: tree[name] for name in ak.fields(tree)})
    if isinstance(tree, np.ndarray) and tree.dtype.names:
        return _arrays({name: tree[name] for name in tree.dtype.names})
    if isinstance(tree, Mapping):
        return _arrays(tree)
    raise DataError(
        f"{type(tree).__name__} is no tree: give 'file.root:tree', a tree of uproot or PyROOT, or a mapping of names "
        "to arrays"
    )


def read(tree: Tree, expressions: Iterable[Expression]) -> Iterator[Columns]:
    """What the expressions need of every event, a piece at a time; raises as `read_columns`."""
    if isinstance(tree, Source):
        yield from read_columns(tree, expressions)
        return
    place = "the arrays"
    fields = {name: name for name in tree.arrays}
    columns = {}
    for name in dict.fromkeys(name for expression in expressions for name in expression.names):
        field, path = resolve(name, fields, place)
        columns[name] = member(tree.arrays[field], name, path, place)
    if tree.size == 0:
        raise DataError("no entries in the arrays")
    yield Columns(columns, np.arange(tree.size), place)


def _arrays(columns: Mapping[str, Any]) -> ArrayTree:
    arrays = {str(name): array if isinstance(array, ak.Array) else ak.Array(array) for name, array in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"arrays of events must have the same length each: {listed or 'there are none'}")
    return ArrayTree(arrays, next(iter(lengths.values())))


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
        return Source(files)
    directory = tree.GetDirectory()
    file = tree.GetCurrentFile()
    if not file or not directory:
        raise DataError(
            f"the TTree {tree.GetName()} lives in memory: write it to a file first, or give its columns as arrays"
        )
    inside = str(directory.GetPath()).rpartition(":")[2].strip("/")
    return Source((str(file.GetName()),), f"{inside}/{tree.GetName()}" if inside else str(tree.GetName()))
