"""Writing files so that nobody ever finds one half-written."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["atomic_path", "replaceable"]


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
        If `path` is a folder or a device, or the file cannot be written.

    Examples
    --------
    >>> with atomic_path("weights.xml") as temporary:  # doctest: +SKIP
    ...     temporary.write_text("<MethodSetup/>")
    """
    target = replaceable(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    # the name of the file may be as long as the system allows
    temporary = target.with_name(f".{target.stem[:40]}.{secrets.token_hex(8)}{target.suffix[:40]}")
    try:
        # a new file's permissions are what the system makes of these, by the umask or by the folder's own rules
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666 if mode is None else 0o600))
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
    finally:
        temporary.unlink(missing_ok=True)
