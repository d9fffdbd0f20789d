"""Compiled code kept on disk, where there is a folder that can be written."""

from __future__ import annotations

import hashlib
import os
import pickle
from contextlib import suppress
from functools import cache
from inspect import getfile
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, NullCache
from numba.core.serialize import dumps

from pytmva_rnn.compile.waiting import making_ready, nothing_kept, saved

__all__ = ["CodeCache", "kept_files"]


class CodeCache(NullCache):
    """A compiled function's cache in place of Numba's own, which it uses where it can.

    Numba's raises an error at the import where no folder can be written, and after the compilation where a disk is
    full. Here the function is compiled without, with a warning.
    """

    def __init__(self, function: Any) -> None:
        self._function = function
        self._kept: _Kept | None = None
        self._missing = False

    def load_overload(self, signature: Any, context: Any) -> Any:
        """What is kept for a signature, or None: where nothing is, or where it cannot be read."""
        with making_ready():
            kept = self._folder()
            if kept is None:
                return None
            try:
                return kept.load_overload(signature, context)
            except Exception:
                # whatever is wrong with what was kept, it can be compiled again
                return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep what was compiled, if that is possible."""
        try:
            kept = self._folder()
            if kept is not None:
                kept.save_overload(signature, compiled)
        except OSError as error:
            nothing_kept(str(error))
        saved()

    def _read(self, label: str, key: Any) -> Any:
        """What another compiler's code of the function was kept as, under a label of its own; None if it was not."""
        kept = self._folder()
        with suppress(Exception):
            return None if kept is None else kept.files(label).load(key)
        return None

    def _keep(self, label: str, key: Any, data: Any) -> None:
        """Keep that, if it is possible."""
        try:
            kept = self._folder()
            if kept is not None:
                kept.check_writable()
                kept.files(label).save(key, data)
        except OSError as error:
            nothing_kept(str(error))

    def _folder(self) -> _Kept | None:
        """Numba's cache in the first of its folders that can be written; looked for when it is first needed.

        Where none can, the first that holds compiled code is read.
        """
        if self._kept is None and not self._missing:
            self._kept = _first(_Kept, self._function) or _first(_OnlyRead, self._function)
            if self._kept is None:
                self._missing = True
                nothing_kept("no folder for it can be written")
        return self._kept


def kept_files(function: Any) -> list[str]:
    """Names of the files of compiled code, by the sources as they are, of all functions of a function's file."""
    kept = _first(_Kept, function) or _first(_OnlyRead, function)
    if kept is None:
        return []
    paths = Path(kept.cache_path).glob(f"{Path(getfile(function)).stem}.*.nbc")
    files = kept.files("")
    return sorted(path.name for path in paths if files.payload(path) is not None)


def _first(kind: type[_Kept], function: Any) -> _Kept | None:
    """The cache in the first folder that is right for it, or None."""
    try:
        return kind(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return None


class _Places(CompileResultCacheImpl):
    @property
    def _locator_classes(self) -> list[Any]:  # type: ignore[override]
        """Numba's folders, but not that in the home folder of a user who has none: it would make one called `~`."""
        places: list[Any] = CompileResultCacheImpl._locator_classes
        return places if _home() else [each for each in places if "UserWide" not in each.__name__]


class _FilledPlaces(_Places):
    @property
    def _locator_classes(self) -> list[Any]:  # type: ignore[override]
        """The same folders, where they hold compiled code, whether they can be written or not."""
        return [_filled(each) for each in super()._locator_classes]


@cache
def _filled(place: Any) -> Any:
    return type(place.__name__, (place,), {"ensure_cache_path": _ensure_filled})


def _ensure_filled(place: Any) -> None:
    path = place.get_cache_path()
    if not any(Path(path).glob("*.nbc")):
        raise OSError(f"{path} holds no compiled code")


def _home() -> bool:
    try:
        return "XDG_CACHE_HOME" in os.environ or Path("~").expanduser().is_absolute()
    except RuntimeError:
        return False


class _Kept(FunctionCache):
    """Numba's cache of a function, in files of our own."""

    _impl_class = _Places

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._stamp = (self._impl.locator.get_source_stamp(), _sources())
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, self._stamp)

    def files(self, label: str) -> _Files:
        """For another compiler's code, under a label."""
        return _Files(self._cache_path, f"{self._impl.filename_base}.{label}", self._stamp)

    def check_writable(self) -> None:
        """Refuse to write.

        Raises
        ------
        OSError
            Where that is not possible.
        """


class _OnlyRead(_Kept):
    """The same in a folder that cannot be written, as of a container that was made with its code compiled."""

    _impl_class = _FilledPlaces

    def save_overload(self, signature: Any, compiled: Any) -> None:
        self.check_writable()

    def check_writable(self) -> None:
        raise OSError(f"{self._cache_path} can only be read, and holds other code")


class _Files(IndexDataCacheFile):
    """A file for each signature of a function, sealed with a hash of the sources and of its content.

    Numba numbers a function's files and has an index of them. When two processes add a signature each at the same time
    the index of one replaces that of the other, and a number may lead to code that was compiled for other arguments.
    """

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
        payload = dumps((key, data))
        with self._open_for_write(str(self._path(key))) as file:
            file.write(self._seal(payload) + payload)

    def _path(self, key: Any) -> Path:
        name = hashlib.sha256(str(key).encode()).hexdigest()[:16]
        return Path(self._cache_path, f"{self._index_name.removesuffix('.nbi')}.{name}.nbc")

    def _seal(self, payload: bytes) -> bytes:
        return hashlib.sha256(repr((numba.__version__, self._source_stamp)).encode() + payload).digest()


@cache
def _sources() -> str:
    """Hash of the files that compiled functions are made of.

    Numba looks at a function's own file only; but a kernel is made of what other files hold, and a mistaken layout of
    memory would not raise an error.
    """
    package = Path(__file__).parents[1]
    files = [path for part in ("compile", "kernels", "transformations") for path in (package / part).rglob("*.py")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()


_sources()  # as they are imported: a package that is updated meanwhile must not have the code of the older one
