"""Writing files so that nobody ever finds one half-written."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pytmva_rnn.interruption import Held

if sys.platform != "win32":
    import fcntl

__all__ = [
    "FolderUse",
    "atomic_folder",
    "atomic_path",
    "digest_of",
    "last_used",
    "remove_stale_folders",
    "remove_unused_folder",
    "replaceable",
]

_FULL = {getattr(errno, name) for name in ("ENOSPC", "EFBIG", "EDQUOT") if hasattr(errno, name)}
"""What only writing can meet: no space, a file that grows too large."""

_DAY = 86_400.0


def digest_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def replaceable(path: str | os.PathLike[str]) -> Path:
    """The file that writing to a path makes or replaces: where symbolic links lead to.

    Raises
    ------
    OSError
        If that is no file (a folder, a device, a pipe), or the links go in a circle.
    """
    try:
        kind = Path(path).stat().st_mode
    except FileNotFoundError:
        return Path(path).resolve()
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, "that is a folder; name a file in it", str(path))
    if not stat.S_ISREG(kind):
        raise OSError(errno.EINVAL, "that is a device, a pipe or a socket; name a file", str(path))
    return Path(path).resolve()


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary name beside `path`, renamed to `path` when the block ends well.

    Ctrl-C, SIGTERM and SIGHUP wait for the end of the block; who writes for long checks for them with an
    `Interruption` around it. What a process that was killed has left behind, the next to write the same file removes.

    Parameters
    ----------
    path : path-like
        The file to be written; through a symbolic link, the file that it leads to. Missing folders are made. A file
        that is there already is kept until the new one is complete, which has its permissions, and for good when the
        block raises.

    Yields
    ------
    Path
        An existing empty file in the same folder with the same suffix, to be written or overwritten.

    Raises
    ------
    OSError
        If `path` is a folder or a device, or the file cannot be written; names `path`.

    Examples
    --------
    >>> with atomic_path("weights.xml") as temporary:  # doctest: +SKIP
    ...     temporary.write_text("<MethodSetup/>")
    """
    with Held():
        target = replaceable(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(target)
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
        try:
            # a new file's permissions are what the system makes of these, by the umask or by the folder's own rules
            temporary, lock = _created(target, 0o666 if mode is None else 0o600)
        except OSError as error:
            error.filename = str(target)
            raise
        try:
            yield temporary
            with temporary.open("r+b") as file:
                os.fsync(file)  # or the name could reach the disk before the content
            if mode is not None:
                temporary.chmod(mode)
            temporary.replace(target)
        except OSError as error:
            named = error.filename is not None and Path(os.fsdecode(error.filename)) == temporary
            if named or (error.filename is None and error.errno in _FULL):
                error.filename, error.filename2 = str(target), None
            raise
        finally:
            temporary.unlink(missing_ok=True)
            if lock is not None:
                os.close(lock)


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary folder beside `path`, renamed to `path` when the block ends well; one that is there already stays.

    Signals are not held back: the block may take long. What a process that was killed has left behind, the next to
    write into the same folder removes.

    Parameters
    ----------
    path : path-like
        The folder to be written. Those above it are made.

    Yields
    ------
    Path
        An empty folder on the same disk.

    Raises
    ------
    OSError
        If it cannot be made or renamed.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_stale_folders(target.parent)
    temporary = target.with_name(f"{_PARTIAL}{secrets.token_hex(8)}")
    lock: int | None = None
    try:
        temporary.mkdir()
        mark = temporary / _LOCK
        lock = os.open(mark, os.O_CREAT | os.O_RDWR, 0o600)
        if sys.platform == "win32":  # which renames no folder with an open file
            os.close(lock)
            lock = None
        else:
            _locked(lock)
        yield temporary
        with Held():
            mark.unlink()
            try:
                temporary.rename(target)
            except OSError:
                if not target.is_dir():  # else another process has made the same
                    raise
    finally:
        with Held():
            if lock is not None:
                os.close(lock)
            shutil.rmtree(temporary, ignore_errors=True)


_PARTIAL, _LOCK = ".partial-", "lock"
_OURS = re.compile(re.escape(_PARTIAL) + "[0-9a-f]{16}")


def remove_stale_folders(folder: Path) -> None:
    """Remove from a folder the temporary folders of processes that were killed."""
    with suppress(OSError):  # it is only tidying
        for found in [path for path in folder.glob(f"{_PARTIAL}*") if _OURS.fullmatch(path.name)]:
            mark = found / _LOCK
            with suppress(OSError):
                if _stale(mark if mark.exists() else found):
                    shutil.rmtree(found, ignore_errors=True)


class FolderUse:
    """Tells other processes of this machine that a folder is in use, until it is closed or the process ends.

    Where that cannot be told (Windows, some network disks, a folder that nobody may write to), the time of the last use
    has to do.

    Parameters
    ----------
    folder : Path
        Need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self._file: int | None = None
        with suppress(OSError):
            self._file = os.open(folder / _IN_USE, os.O_CREAT | os.O_RDWR, 0o600)
            os.utime(folder / _IN_USE)
            if sys.platform == "win32":
                self.close()
            else:
                fcntl.flock(self._file, fcntl.LOCK_SH)  # waits for who is removing it

    def close(self) -> None:
        """The folder is no longer in use here."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


_IN_USE = "in-use"


def last_used(folder: Path) -> float:
    """When somebody began to use a folder, in seconds since 1970; when it was made, if that is not known."""
    mark = folder / _IN_USE
    return (mark if mark.exists() else folder).stat().st_mtime


def remove_unused_folder(folder: Path) -> bool:
    """Remove a folder that no process uses; where that cannot be known, if its last use is a day ago.

    Returns
    -------
    bool
        Whether it is gone.
    """
    locked, file = None, None
    with suppress(OSError):
        file = os.open(folder / _IN_USE, os.O_RDWR)
        locked = _locked(file)
    try:
        if time.time() - last_used(folder) > _DAY if locked is None else locked:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        if file is not None:
            os.close(file)
    return not folder.exists()


def _name(target: Path) -> tuple[str, str]:
    """How the names of a file's temporary ones begin and end; the name of the file may be as long as is allowed."""
    stem, suffix = (os.fsencode(part)[:64].decode(errors="ignore") for part in (target.stem, target.suffix))
    return f".{stem}.", suffix


def _created(target: Path, mode: int) -> tuple[Path, int | None]:
    """A new temporary file, and what is held open to show that somebody writes it."""
    begin, end = _name(target)
    while True:
        temporary = target.with_name(f"{begin}{secrets.token_hex(8)}{end}")
        file = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode)
        if sys.platform == "win32":  # which renames no file that is open
            os.close(file)
            return temporary, None
        if _locked(file) is not False and temporary.exists():
            return temporary, file
        os.close(file)  # taken for a stale one before it was locked


def _remove_stale(target: Path) -> None:
    """Remove the temporary files of processes that were killed: nobody holds them."""
    begin, end = _name(target)
    ours = re.compile(rf"{re.escape(begin)}[0-9a-f]{{16}}{re.escape(end)}")
    with suppress(OSError):  # it is only tidying
        for found in [Path(entry) for entry in os.scandir(target.parent) if ours.fullmatch(entry.name)]:
            if _stale(found):
                found.unlink(missing_ok=True)


def _stale(temporary: Path) -> bool:
    """Whether no process on this machine writes to it; where that cannot be known, whether it is a day old."""
    locked = None
    if stat.S_ISREG(temporary.lstat().st_mode):
        file = os.open(temporary, os.O_RDWR)
        try:
            locked = _locked(file)
        finally:
            os.close(file)
    return time.time() - temporary.lstat().st_mtime > _DAY if locked is None else locked


def _locked(file: int) -> bool | None:
    """Lock a file; False if another process has done so, None where the system cannot."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
