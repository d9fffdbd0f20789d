"""How large the cache of events may become, and what goes when it is larger: what was not used for longest."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

from pytmva_rnn.data.event_cache import event_folders
from pytmva_rnn.data.memory_limit import bytes_of, in_words
from pytmva_rnn.errors import DataError
from pytmva_rnn.files import last_used, remove_unused_folder

__all__ = ["LIMIT_VARIABLE", "cache_limit", "trim_cache"]

log = logging.getLogger("pytmva_rnn")

LIMIT_VARIABLE = "PYTMVA_RNN_CACHE_LIMIT"
"""Environment variable with the limit."""

_DEFAULT = 100_000_000_000


def cache_limit(given: int | str | None) -> int:
    """Bytes that the cache may take: as given, else by the environment variable PYTMVA_RNN_CACHE_LIMIT, else 100 GB.

    Raises
    ------
    DataError
        For what is no size, or not above 0.
    """
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    if given is None and not text:
        return _DEFAULT
    what = f"the environment variable {LIMIT_VARIABLE}" if given is None else "the limit of the cache"
    size = bytes_of(text if given is None else given, what)
    if size < 1:
        raise DataError(f"{what} is a size above 0, not {text if given is None else given!r}")
    return size


def trim_cache(limit: int, keep: Path) -> None:
    """Remove the events that were not used for longest until the rest is within a limit; never those in use.

    Parameters
    ----------
    limit : int
        Bytes.
    keep : Path
        The folder of events that will be used next.
    """
    sizes: dict[Path, int] = {}
    used: dict[Path, float] = {}
    for folder in event_folders():
        with suppress(OSError):  # which another process removes at the same time
            sizes[folder] = sum(file.stat().st_size for file in folder.iterdir())
            used[folder] = last_used(folder)
    total = sum(sizes.values())
    for folder in sorted(used, key=used.__getitem__):
        if total <= limit:
            return
        with suppress(OSError):
            if folder != keep and remove_unused_folder(folder):
                total -= sizes[folder]
                log.info("removed %s from the cache of events, above its limit", in_words(sizes[folder]))
    if total > limit:
        words = in_words(total), in_words(limit)
        log.warning("the cache of events has %s, more than its limit of %s, and all of it is in use", *words)
