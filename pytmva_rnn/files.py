"""Writing files so that nobody ever finds one half-written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["atomic_path"]


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary name beside `path`, renamed to `path` when the block ends well.

    Parameters
    ----------
    path : path-like
        The file to be written. Missing folders are made. A file that is there already is kept until the new one is
        complete, and for good when the block raises.

    Yields
    ------
    Path
        An existing empty file in the same folder with the same suffix, to be written or overwritten.

    Examples
    --------
    >>> with atomic_path("weights.xml") as temporary:  # doctest: +SKIP
    ...     temporary.write_text("<MethodSetup/>")
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        # mkstemp makes files private; the result should have the permissions of any newly created file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
