"""Compiled code kept on disk, where there is a folder that can be written."""

from __future__ import annotations

import hashlib
import os
import pickle
import uuid
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from inspect import getfile
from pathlib import Path
from typing import Any

from pytmva_rnn.compile.places import can_be_written, file_stem, folders, source_stamp
from pytmva_rnn.compile.waiting import nothing_kept

__all__ = ["CodeCache", "kept_files"]


class CodeCache:
    """The compiled code of a function, on disk where that is possible, else with a warning.

    It is read from whichever folder for it has it, and written to the first that can be written.
    """

    def __init__(self, function: Any) -> None:
        self._function = function
        self._writable: Path | None = None
        self._missing = False

    def _read(self, label: str, key: Any) -> Any:
        """What is kept under a key, with a label of the compiler's own; None if it has to be compiled."""
        for folder in folders(self._function):
            # whatever is wrong with what was kept, it can be compiled again
            with suppress(Exception):
                found = self._files(folder, label).load(key)
                if found is not None:
                    return found
        self._find_folder()  # users learn from it that they will wait again
        return None

    def _keep(self, label: str, key: Any, data: Any) -> None:
        """Keep that, if it is possible."""
        folder = self._find_folder()
        if folder is None:
            for other in self._filled():
                nothing_kept(f"{other} can only be read, and holds other code")
            return
        try:
            self._files(folder, label).save(key, data)
        except OSError as error:
            nothing_kept(str(error))

    def _files(self, folder: Path, label: str) -> _Files:
        stem = file_stem(self._function)
        return _Files(folder, f"{stem}.{label}" if label else stem, (source_stamp(self._function), _sources()))

    def _find_folder(self) -> Path | None:
        """The first folder that can be written, or None; looked for when something has to be."""
        if self._writable is None and not self._missing:
            self._writable = next(filter(can_be_written, folders(self._function)), None)
            self._missing = self._writable is None
            if self._missing and not any(self._filled()):
                nothing_kept("no folder for it can be written")
        return self._writable

    def _filled(self) -> Iterator[Path]:
        """Folders with compiled code, as of a container that was made with its own."""
        return (folder for folder in folders(self._function) if any(folder.glob("*.nbc")))


def kept_files(function: Any) -> list[str]:
    """Names of the files of compiled code, by the sources as they are, of all functions of a function's file."""
    files = CodeCache(function)._files(Path(), "")
    pattern = f"{Path(getfile(function)).stem}.*.nbc"
    paths = {path.name: path for folder in folders(function) for path in folder.glob(pattern)}
    return sorted(name for name, path in paths.items() if files.payload(path) is not None)


class _Files:
    """A file for each key of a function, sealed with a hash of the sources and of its content.

    Numba numbers a function's files and has an index of them. When two processes add a signature each at the same time
    the index of one replaces that of the other, and a number may lead to code that was compiled for other arguments.
    """

    def __init__(self, folder: Path, stem: str, stamp: Any) -> None:
        self._folder, self._stem, self._stamp = folder, stem, stamp

    def load(self, key: Any) -> Any:
        """What is kept under a key, or None."""
        payload = self.payload(self._path(key))
        if payload is None:
            return None
        found, data = pickle.loads(payload)
        return data if found == key else None

    def payload(self, path: Path) -> bytes | None:
        """The content of a file, or None if its seal is not of that, or of other sources."""
        content = path.read_bytes()
        seal, payload = content[:32], content[32:]
        return payload if seal == self._seal(payload) else None

    def save(self, key: Any, data: Any) -> None:
        """Keep data under a key; the file appears complete or not at all."""
        payload = pickle.dumps((key, data))
        path = self._path(key)
        unfinished = path.with_name(f"{path.name}.tmp.{uuid.uuid4().hex[:16]}")
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_bytes(self._seal(payload) + payload)
            # Windows does not replace what another process is reading, which has the same
            os.replace(unfinished, path)  # noqa: PTH105 - tests let it fail
        except PermissionError:
            if os.name != "nt":
                raise
        finally:
            unfinished.unlink(missing_ok=True)

    def _path(self, key: Any) -> Path:
        name = hashlib.sha256(str(key).encode()).hexdigest()[:16]
        return self._folder / f"{self._stem}.{name}.nbc"

    def _seal(self, payload: bytes) -> bytes:
        return hashlib.sha256(repr(self._stamp).encode() + payload).digest()


@cache
def _sources() -> str:
    """Hash of the files that compiled functions are made of.

    A function's own file is not enough: a kernel is made of what other files hold, and a mistaken layout of memory
    would not raise an error.
    """
    package = Path(__file__).parents[1]
    parts = ("compile", "kernels", "transformations")
    if package.is_dir():
        files = [path for part in parts for path in (package / part).rglob("*.py")]
        contents = [path.read_bytes() for path in sorted(files)]
    else:  # in an archive
        from importlib import resources  # which takes time to import

        known = resources.files(__package__.partition(".")[0])
        contents = [content for part in parts for content in _contents(known / part)]
    return hashlib.sha256(b"".join(contents)).hexdigest()


def _contents(place: Any) -> Iterator[bytes]:
    """Of all files of Python that are somewhere below."""
    if place.is_file() and place.name.endswith(".py"):
        yield place.read_bytes()
    elif place.is_dir():
        for each in sorted(place.iterdir(), key=lambda found: found.name):
            yield from _contents(each)


_sources()  # as they are imported: a package that is updated meanwhile must not have the code of the older one
