"""Arrays in files, mapped to memory: their pages come when they are looked at, and go when memory is short."""

from __future__ import annotations

import mmap
import os
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["PageKeeper", "allocate", "let_pages_go", "mapped"]

_maps: weakref.WeakValueDictionary[int, mmap.mmap] = weakref.WeakValueDictionary()
"""All that are open, by their ids: a WeakSet cannot be gone through while another thread adds to it."""


def mapped(file: IO[bytes], dtype: DTypeLike, shape: tuple[int, ...], *, writable: bool = False) -> NDArray[Any]:
    """The array that a file holds; the file may be closed, and on most systems removed, while the array is in use.

    Parameters
    ----------
    file : file
        Of the array's size at least.
    dtype, shape
    writable : bool
        Whether what is written to the array goes to the file.
    """
    kind = np.dtype(dtype)
    size = kind.itemsize * int(np.prod(shape, dtype=np.int64))
    if not size:
        return np.empty(shape, kind)
    pages = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ)
    _maps[id(pages)] = pages
    return np.frombuffer(pages, kind).reshape(shape)


def allocate(file: IO[bytes], size: int) -> None:
    """Make a file as long as is asked for, with its space on the disk: a full one would end the program later.

    Raises
    ------
    OSError
        If there is not enough.
    """
    if not size:
        return
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    nothing = bytes(1 << 20)
    for first in range(0, size, len(nothing)):
        file.write(nothing[: size - first])
    file.flush()


def let_pages_go() -> None:
    """Give back the memory of all pages that are mapped; they come again from the system's cache or from the disk."""
    if hasattr(mmap, "MADV_DONTNEED"):
        for each in _maps.valuerefs():
            pages = each()
            with suppress(ValueError, OSError):  # closed meanwhile
                if pages is not None:
                    pages.madvise(mmap.MADV_DONTNEED)


class PageKeeper:
    """Lets pages go whenever more than a number of bytes of mapped files are in memory, as long as somebody holds it.

    The system would take them back itself when memory is short, but what counts the memory of a job may count them.
    Where it does not tell how much is mapped (it is Linux that does) nothing is done.

    Parameters
    ----------
    most : int
        Bytes beyond those that are mapped now, which are the program's.
    """

    def __init__(self, most: int) -> None:
        self._stop = threading.Event()
        before = _in_memory()
        if before is not None and hasattr(mmap, "MADV_DONTNEED"):
            arguments = (self._stop, before + most)
            threading.Thread(target=_keep, args=arguments, name="pages", daemon=True).start()
        weakref.finalize(self, self._stop.set)


_SECONDS = 0.05
"""Between two looks: more of them would hold up the program on a busy machine."""


def _keep(stop: threading.Event, most: int) -> None:
    while not stop.is_set():
        now = _in_memory()
        if now is not None and now > most:
            let_pages_go()
        time.sleep(_SECONDS)


def _in_memory() -> int | None:
    """Bytes of mapped files that are in this process's memory."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[2]) * mmap.PAGESIZE
    except (OSError, ValueError, IndexError):
        return None
