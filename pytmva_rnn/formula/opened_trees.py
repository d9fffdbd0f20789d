"""Trees of ROOT files, opened with uproot, whose errors on what is damaged become ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pytmva_rnn.errors import DataError, MissingExtraError
from pytmva_rnn.formula.class_definitions import own_definitions
from pytmva_rnn.formula.page_checks import check_pages
from pytmva_rnn.formula.remote_files import check_remote, is_remote, patiently
from pytmva_rnn.packages import uproot
from pytmva_rnn.suggestions import near

__all__ = ["decompression_of", "opened", "reading"]

_THREADS = 4
"""That decompress: what comes of more could not be made use of as quickly."""

_SMALL = 65_536
"""Bytes of a basket that is decompressed sooner than another thread is told to."""

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
            options = {
                "minimal_ttree_metadata": False,  # friends are told then
                "array_cache": _COUNTERS_KEPT,
                "decompression_executor": stack.enter_context(_decompression()),
            }
            directory = stack.enter_context(patiently(file, lambda: uproot.open(file, **options)))
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
def _decompression() -> Iterator[Any]:
    """What decompresses the baskets of a file: threads, which Python's lock does not hold up, unless there is one core.

    Yields
    ------
    executor of uproot
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores == 1:
        yield uproot.source.futures.TrivialExecutor()
        return
    threads = uproot.source.futures.ThreadPoolExecutor(min(cores, _THREADS))
    try:
        yield threads
    finally:
        threads.shutdown()


def decompression_of(branch: Any) -> Any:
    """What decompresses the baskets of a branch: who reads it where they are small, else the threads of its file.

    LZMA takes ten times as long as others and is worth a thread always.
    """
    file = branch.file
    if branch.uncompressed_bytes < _SMALL * branch.num_baskets and not isinstance(file.compression, uproot.LZMA):
        return uproot.source.futures.TrivialExecutor()
    return file.decompression_executor


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
