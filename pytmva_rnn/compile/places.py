"""Where compiled code is kept: in the folders that Numba has for it, in its order, found without its import."""

from __future__ import annotations

import hashlib
import importlib
import linecache
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from inspect import getfile
from pathlib import Path
from typing import Any

from pytmva_rnn.compile.numba_settings import cache_folder

__all__ = ["can_be_written", "file_stem", "folders", "source_stamp"]


def folders(function: Any) -> Iterator[Path]:
    """The folders for a function, the first choice first, whether they are there or not."""
    file = getfile(function)
    for place in PLACES:
        found = place(file)
        if found is not None:
            yield found


def can_be_written(folder: Path) -> bool:
    """Whether files can be made in a folder, which is made if it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def file_stem(function: Any) -> str:
    """How the names of a function's files begin."""
    version = f"py{sys.version_info[0]}{sys.version_info[1]}{getattr(sys, 'abiflags', '')}"
    # < and > are not for names of files on Windows
    name = f"{Path(getfile(function)).stem}.{function.__qualname__}".replace("<", "").replace(">", "")
    return f"{name}-{function.__code__.co_firstlineno}.{version}"


def source_stamp(function: Any) -> str:
    """Hash of a function's file as it is now, or of what stands for it in a notebook or an archive."""
    file = getfile(function)
    path = Path(sys.executable if getattr(sys, "frozen", False) else file)
    with suppress(OSError):
        found = path.stat()
        return _hash_of(path, found.st_mtime_ns, found.st_size)
    return hashlib.sha256("".join(linecache.getlines(file, function.__globals__)).encode()).hexdigest()


@cache
def _hash_of(path: Path, changed: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _below(folder: str, file: str) -> Path:
    parent = os.path.dirname(os.path.abspath(file))  # noqa: PTH100, PTH120 - as Numba hashes it
    return Path(folder, f"{os.path.basename(parent)}_{hashlib.sha1(parent.encode()).hexdigest()}")  # noqa: PTH119


def _chosen(file: str) -> Path | None:
    """NUMBA_CACHE_DIR."""
    chosen = cache_folder()
    return _below(chosen, file) if chosen and Path(file).exists() else None


def _beside(file: str) -> Path | None:
    return Path(file).parent / "__pycache__" if Path(file).exists() else None


def _of_user(file: str) -> Path | None:
    # a program made of one file has no sources, and what lies in an archive is in no folder
    known = Path(file).exists() or getattr(sys, "frozen", False)
    folder = _user_folder() if known else None
    return _below(folder, file) if folder else None


def _of_notebook(file: str) -> Path | None:
    parent = Path(file).parent.name
    if not (file.startswith("<ipython-") or parent.startswith("ipykernel_")):
        return None
    try:
        return Path(importlib.import_module("IPython.paths").get_ipython_cache_dir(), "numba_cache")
    except (ImportError, OSError):
        return None


def _of_archive(file: str) -> Path | None:
    folder = _user_folder() if ".zip" in file else None
    return _below(folder, file) if folder else None


PLACES: tuple[Callable[[str], Path | None], ...] = (_chosen, _beside, _of_user, _of_notebook, _of_archive)
"""By a file's name a folder, or None."""


def _user_folder() -> str | None:
    """Numba's among the caches of a user; None for one who has no home: a folder called `~` would be made."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return os.path.join(local, "numba", "Cache") if local else None  # noqa: PTH118
    caches = "~/Library/Caches" if sys.platform == "darwin" else os.environ.get("XDG_CACHE_HOME", "~/.cache")
    found = os.path.join(os.path.expanduser(caches), "numba")  # noqa: PTH111, PTH118
    return None if found.startswith("~") else found
