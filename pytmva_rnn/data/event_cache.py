"""Events kept on disk between trainings: where, under which key, and how they are removed."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pytmva_rnn._version import __version__
from pytmva_rnn.data.file_identity import identity
from pytmva_rnn.errors import DataError
from pytmva_rnn.files import remove_stale_folders

__all__ = [
    "CACHE_VARIABLE",
    "DESCRIPTION",
    "CachedEvents",
    "EventCache",
    "cache_folder",
    "cached_events",
    "clear_cache",
    "event_folders",
]

log = logging.getLogger("pytmva_rnn")

CACHE_VARIABLE = "PYTMVA_RNN_CACHE"
"""Environment variable with the folder to use."""

DESCRIPTION = "description.json"

_KEY = re.compile("[0-9a-f]{64}")
"""What a folder of events is called: the folder above may be one that the user has other things in."""

_FORMAT = 1
_PACKAGES = ("awkward", "numpy", "uproot")
"""Of which another version may read other numbers."""
_READERS = ("data", "formula", "options")
"""Packages of ours whose code makes events of entries."""


def cache_folder() -> Path:
    """Where events are kept: the environment variable PYTMVA_RNN_CACHE, or where the system has its caches."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given).expanduser()
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "pytmva_rnn"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "pytmva_rnn" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "pytmva_rnn"


@dataclass(frozen=True)
class EventCache:
    """The place for the events that certain files give for a certain recipe.

    Attributes
    ----------
    folder : Path
        There when the events are.
    asked : mapping of str -> plain data
        All that the events depend on.
    """

    folder: Path
    asked: Mapping[str, Any]

    @classmethod
    def of(cls, files: Sequence[str], **asked: Any) -> EventCache:
        """For events of files, and of plain data that say how they are made; raises as `identity`."""
        from importlib.metadata import version  # which imports what reads e-mail

        given = {
            "format": _FORMAT,
            "program": [__version__, _code(), *(f"{name} {version(name)}" for name in _PACKAGES)],
            "files": [identity(file) for file in dict.fromkeys(files)],
            **asked,
        }
        # in the order given, which for the inputs of a sequence and the names of for_each is that of the arrays
        key = hashlib.sha256(json.dumps(given, default=str).encode()).hexdigest()
        return cls(cache_folder() / "events" / key, given)

    def description(self) -> dict[str, Any] | None:
        """What was written about the events, if there are some; also None, with a warning, for what is damaged."""
        was_there = self.folder.exists()  # else another process may put it there at any moment, complete
        try:
            told: Any = json.loads((self.folder / DESCRIPTION).read_text(encoding="utf-8"))
        except FileNotFoundError:
            if was_there:
                shutil.rmtree(self.folder, ignore_errors=True)  # what somebody has removed half of
            return None
        except (OSError, ValueError) as error:
            self.discard(str(error))
            return None
        try:
            changed = any(identity(each["file"]) != each for each in told["others"])
        except (DataError, KeyError, TypeError):  # it is no longer there, or the description is damaged
            changed = True
        if changed:
            self.discard("a friend of the files has changed, or the description is damaged")
            return None
        found: dict[str, Any] = told
        return found

    def check_unchanged(self) -> None:
        """Make sure that the files are still those that were asked for.

        Raises
        ------
        DataError
            Naming one that has changed.
        """
        for given in self.asked["files"]:
            if identity(given["file"]) != given:
                raise DataError(f"{given['file']} was replaced while it was read; run this again")

    def discard(self, why: str) -> None:
        """Remove events that cannot be used, and say so."""
        log.warning("the cached events in %s are not used and made again: %s", self.folder, why)
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def _code() -> str:
    """A digest of the code that reads events, which may change without another version of the package."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for path in sorted(path for name in _READERS for path in (root / name).rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class CachedEvents:
    """Events that are kept.

    Attributes
    ----------
    folder : Path
    size : int
        Bytes.
    events : int
    files : tuple of str
        Where they come from, each `file.root:tree`.
    made : float
        When, in seconds since 1970.
    """

    folder: Path
    size: int
    events: int
    files: tuple[str, ...]
    made: float


def cached_events() -> Iterator[CachedEvents]:
    """All that is kept."""
    for path in (folder / DESCRIPTION for folder in event_folders()):
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads(path.read_text(encoding="utf-8"))
            size = sum(file.stat().st_size for file in path.parent.iterdir())
            yield CachedEvents(
                path.parent, size, int(told["events"]), tuple(map(str, told["files"])), path.stat().st_mtime
            )


def event_folders() -> list[Path]:
    """Those of events, complete or not, but for what another process is writing."""
    folder = cache_folder() / "events"
    return sorted(path for path in folder.glob("*") if _KEY.fullmatch(path.name) and path.is_dir())


def clear_cache() -> int:
    """Remove all events that are kept; trainings that use them go on, where the system allows that.

    Whatever else is in the folder of the cache stays.

    Returns
    -------
    int
        Bytes that were removed.

    Raises
    ------
    OSError
        If something cannot be removed.

    Examples
    --------
    >>> from pytmva_rnn import clear_cache
    >>> clear_cache()  # doctest: +SKIP
    1320000417
    """
    size = 0
    folder = cache_folder() / "events"
    if folder.is_dir():
        remove_stale_folders(folder)
        for entry in event_folders():
            size += sum(file.stat().st_size for file in entry.iterdir())
            shutil.rmtree(entry)
    return size
