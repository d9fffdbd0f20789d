"""Events of files within a limit of memory: read piece by piece into a cache on disk, and mapped from there."""

from __future__ import annotations

import json
import logging
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pytmva_rnn.data.cache_limit import trim_cache
from pytmva_rnn.data.dataset import OF_EVENTS, Dataset
from pytmva_rnn.data.event_cache import DESCRIPTION, EventCache
from pytmva_rnn.data.file_identity import identity
from pytmva_rnn.data.gathering import Gathering, InFiles, arrays_of_files
from pytmva_rnn.data.in_memory import ArrayTree
from pytmva_rnn.data.memory_limit import MemoryLimit, in_words
from pytmva_rnn.data.reading_progress import ReadingProgress
from pytmva_rnn.data.same_numbers import is_same
from pytmva_rnn.data.sources import Source, files_read
from pytmva_rnn.data.storage import Storage
from pytmva_rnn.errors import DataError, OutputError
from pytmva_rnn.files import FolderUse, atomic_folder
from pytmva_rnn.formula.friends import stored_friends
from pytmva_rnn.formula.opened_trees import opened

__all__ = ["streamed"]

log = logging.getLogger("pytmva_rnn")

Sources = Sequence[Source | ArrayTree] | Mapping[str, Sequence[Source | ArrayTree]]


def streamed(
    limit: MemoryLimit,
    sources: Sources,
    read: Callable[[Gathering], tuple[float, ...]],
    known: Mapping[str, Any],
    asked: Mapping[str, Any],
    most: int,
) -> Dataset:
    """The events of sources, from the cache if they are there.

    Parameters
    ----------
    limit : MemoryLimit
    sources : sequence of Source, or mapping of class name -> sequence of Source
    read : callable
        Reads all events into what it is given, and returns the fraction of each class that is selected.
    known : mapping of str -> attribute of Dataset
        What is known of it without reading.
    asked : mapping of str -> plain data
        What `read` depends on beside that.
    most : int
        Bytes that the cache may take, whose older events go then.

    Raises
    ------
    DataError
        For events in memory, a limit that does not suffice, and whatever reading raises.
    OutputError
        If the cache cannot be written.
    """
    every = _listed(sources)
    cache = EventCache.of(files_read([source for _, source in every]), **_depends_on(every, known), **asked)
    use = FolderUse(cache.folder)
    try:
        found = _from_cache(cache)
        if found is None:
            use.close()
            _fill(cache, limit, [source for _, source in every], read)
            use = FolderUse(cache.folder)
            found = _from_cache(cache)
            if found is None:
                raise OutputError(f"the events in {cache.folder} were removed while they were written; run this again")
            trim_cache(most, cache.folder)
        data = _within(limit, Dataset(**found, **known), cache)
    except BaseException:
        use.close()
        raise
    if data.storage is None:  # they are in memory
        use.close()
    else:
        weakref.finalize(data.storage, use.close)
    return data


def _listed(sources: Sources) -> list[tuple[str, Source]]:
    """Class, or nothing, and source."""
    named = sources if isinstance(sources, Mapping) else {"": sources}
    found = []
    for name, some in named.items():
        for source in some:
            if not isinstance(source, Source):
                raise DataError("memory is for events of files; arrays are in memory already: leave it out")
            found.append((name, source))
    return found


def _depends_on(sources: Sequence[tuple[str, Source]], known: Mapping[str, Any]) -> dict[str, Any]:
    """What the events depend on, as plain data."""
    recipe, split = known["recipe"], known["read_for"]
    return {
        "recipe": recipe.to_dict(),
        "names": known["classes"],
        "targets": [target.to_dict() for target in known["targets"]],
        "sources": [[name, source.to_dict(), source.locations()] for name, source in sources],
        "split": [*split.formulas_of_samples, split.fold_by],
    }


def _from_cache(cache: EventCache) -> dict[str, Any] | None:
    """The attributes of a Dataset that are in the cache, if they are."""
    told = cache.description()
    if told is None:
        return None
    try:
        arrays = arrays_of_files(cache.folder, told["arrays"])
        files, efficiencies = tuple(map(str, told["files"])), tuple(map(float, told["efficiencies"]))
    except (ValueError, KeyError, TypeError, OSError) as error:
        cache.discard(str(error))
        return None
    log.info("the events are in the cache, %s", cache.folder)
    return {**arrays, "files": files, "efficiencies": efficiencies}


def _fill(
    cache: EventCache, limit: MemoryLimit, sources: Sequence[Source], read: Callable[[Gathering], tuple[float, ...]]
) -> None:
    """Read the events into the cache."""
    entries, others = _surveyed(sources)
    log.info("reading %s entries into the cache, %s", f"{entries:,}", cache.folder)
    try:
        with (
            atomic_folder(cache.folder) as folder,
            ReadingProgress(entries) as progress,
            InFiles(folder, limit.piece, progress) as gathering,
        ):
            efficiencies = read(gathering)
            arrays = gathering.close()
            cache.check_unchanged()
            told = {
                "asked": cache.asked,
                "events": arrays["X"]["shape"][0],
                "files": gathering.files,
                "others": [identity(file) for file in others],
                "efficiencies": efficiencies,
                "arrays": arrays,
            }
            (folder / DESCRIPTION).write_text(json.dumps(told, indent=1, default=str) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"the events cannot be written to {cache.folder.parent}: {error.strerror or error}; the environment "
            "variable PYTMVA_RNN_CACHE names another folder"
        ) from error


def _surveyed(sources: Sequence[Source]) -> tuple[int, list[str]]:
    """How many entries there are to read, and the files of friends that trees name themselves."""
    entries = 0
    friends: dict[str, None] = {}
    for source in sources:
        for file, name in source.locations():
            with opened(file, name) as (tree, place):
                entries += int(tree.num_entries)
                friends |= dict.fromkeys(path for _, path, _ in stored_friends(tree, place, file))
    return entries, list(friends)


def _within(limit: MemoryLimit, data: Dataset, cache: EventCache) -> Dataset:
    """The events in memory where they fit into it, else with the place for what does not."""
    width = int(np.prod(data.X.shape[1:]))
    if limit.holds(len(data), width):
        arrays: dict[str, Any] = {name: getattr(data, name) for name in OF_EVENTS}
        copies: dict[str, Any] = {name: a if is_same(a) else np.array(a) for name, a in arrays.items()}
        return replace(data, **copies)
    share = limit.share(len(data), width, several=bool(len(data)) and int(data.repetition[-1]) > 0)
    log.info(
        "%s events of %s do not fit into %s: they stay on disk, and are worked on in pieces of up to %s",
        f"{len(data):,}",
        in_words(4 * width),
        in_words(limit.size),
        in_words(share),
    )
    return replace(data, storage=Storage(cache.folder.parent.parent / "samples", share))
