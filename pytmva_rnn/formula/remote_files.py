"""Files on other machines, by fsspec: what is needed to read them, what tells them apart, and patience with them."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, TypeVar

from pytmva_rnn import extras
from pytmva_rnn.errors import DataError, first_line
from pytmva_rnn.packages import fsspec

__all__ = ["check_remote", "is_remote", "patiently", "remote_identity"]

log = logging.getLogger("pytmva_rnn")

T = TypeVar("T")

WAITS = (1.0, 4.0, 15.0)
"""Seconds before what failed on the way is tried again."""

_PACKAGES: Mapping[str, Callable[[], ModuleType]] = {
    "root": extras.fsspec_xrootd,
    "xroot": extras.fsspec_xrootd,
    "http": extras.aiohttp,
    "https": extras.aiohttp,
}
"""What reads a scheme of URLs; others are fsspec's own, which says what they need."""

_ON_THE_WAY = ("aiohttp", "fsspec", "fsspec_xrootd", "XRootD")
"""Packages whose errors are about the way to a file, not about what it holds."""

_TELLING = ("ETag", "etag", "Last-Modified", "LastModified", "mtime", "Content-MD5", "Digest")
"""What servers say of a version of a file, beside its size."""


_REFUSED = re.compile(r"Server responded with an error: \[30(10|11|16)\]")
"""XRootD's words for a file that may not be read, is not there, or is a folder: as an OSError, like all else.

The numbers are kXR_NotAuthorized, kXR_NotFound and kXR_isDirectory of its protocol.
"""


def is_remote(file: str) -> bool:
    """Whether this is a URL."""
    return "://" in file


def patiently(file: str, action: Callable[[], T]) -> T:
    """Do something with a file; where it is on another machine, and the way to it fails, several times.

    Raises
    ------
    MissingExtraError
        If a package is missing that reads such files.
    Exception
        What `action` raises: at once where another try would not help, else in the last one.
    """
    if not is_remote(file):
        return action()
    package = _PACKAGES.get(file.partition("://")[0].lower())
    if package is not None:
        package()
    for number, seconds in enumerate(WAITS, start=1):
        try:
            return action()
        except Exception as error:
            if not _may_pass(error):
                raise
            log.warning("%s: %s; trying again in %g s (%d of %d)", file, first_line(error), seconds, number, len(WAITS))
        time.sleep(seconds)
    return action()


def _may_pass(error: BaseException) -> bool:
    """Whether what failed may succeed a little later: a connection, not a file that is not there or is damaged."""
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return False
    if _REFUSED.search(str(error)):
        return False
    status = getattr(error, "status", None)  # of HTTP
    if isinstance(status, int):
        return status in (408, 425, 429) or status >= 500
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _ON_THE_WAY


def check_remote(file: str) -> bytes:
    """The first bytes of a file on another machine, with a look at whether its server gives parts of files.

    Raises
    ------
    DataError
        If it gives the whole file for a part, of which uproot would read another place than it asked for.
    """
    system, path = patiently(file, lambda: fsspec.core.url_to_fs(file))
    begin: bytes = patiently(file, lambda: system.cat_file(path, start=0, end=_BEGIN))
    if len(begin) > _BEGIN:
        raise DataError(
            f"{file}: its server gives the whole file where a part is asked for (HTTP Range), which ROOT files need; "
            "copy the file here, or use another server"
        )
    return begin


_BEGIN = 128
"""Bytes that hold the header of a ROOT file."""


def remote_identity(file: str) -> dict[str, Any]:
    """Size and whatever else a server says of the version of a file, as plain data."""
    system, path = patiently(file, lambda: fsspec.core.url_to_fs(file))
    system.invalidate_cache()
    told: Mapping[str, Any] = patiently(file, lambda: system.info(path))
    return {"size": told.get("size"), **{key: str(told[key]) for key in _TELLING if told.get(key) is not None}}
