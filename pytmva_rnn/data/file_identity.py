"""What tells whether a file is still the one that was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.opened_trees import reading
from pytmva_rnn.formula.remote_files import check_remote, is_remote, remote_identity

__all__ = ["identity"]

_LARGE = 1_000_000
"""Versions of ROOT's format from which on some numbers of the header have eight bytes."""

_UUID = {False: 47, True: 59}
"""Where in a file the 16 bytes of its UUID are, after two of a version; see ROOT's TFile. True for large ones."""


def identity(file: str) -> dict[str, Any]:
    """Where a file is, its size, when it was changed and its UUID, as plain data.

    Parameters
    ----------
    file : str
        A path or a URL. Of the latter, what its server says: its size, and an ETag or a time where it has them.

    Raises
    ------
    DataError
        For a file that is not there, or that its server does not give.
    MissingExtraError
        If a package is missing that reads such URLs.
    """
    if is_remote(file):
        with reading(f"{file}: cannot be read"):
            return {"file": file, **remote_identity(file), "uuid": _uuid(check_remote(file))}
    try:
        path = Path(file).resolve(strict=True)
        status = path.stat()
        with path.open("rb") as stream:
            begin = stream.read(128)
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error
    return {"file": str(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns, "uuid": _uuid(begin)}


def _uuid(begin: bytes) -> str:
    """Of a ROOT file that begins so, in hexadecimal digits; empty for what is none."""
    if begin[:4] != b"root":
        return ""
    start = _UUID[int.from_bytes(begin[4:8], "big") >= _LARGE]
    return begin[start : start + 16].hex()
