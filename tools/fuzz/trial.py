"""One input within limits, and a note of it that outlives the process."""

from __future__ import annotations

import base64
import json
import mmap
import time
import traceback
from contextlib import suppress
from pathlib import Path

from fuzz.targets import LARGEST, ROOT, Target

__all__ = ["MEMORY", "SECONDS", "Progress", "limit_memory", "told", "warm_up", "wrong_with"]

SECONDS = 2.0
"""Of processor time for an input; more is a find."""

MEMORY = 500 << 20
"""Bytes that an input may add to what the process had."""

_WARMING = 20
"""Inputs after which what is loaded, compiled and kept once is there."""


def limit_memory(more: int) -> None:
    """Let the process have so many bytes more than now, where the system can limit that."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        size = pages * resource.getpagesize() + more
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def warm_up(target: Target) -> None:
    """Read a few inputs that do not count."""
    for seed in range(-_WARMING, 0):
        with suppress(Exception):
            target.run(target.input(seed))


def wrong_with(target: Target, data: bytes) -> tuple[str, str]:
    """Read an input.

    Returns
    -------
    what, kind : str
        What happened that should not have, and a text that is the same for all inputs that the same fault lets through;
        both empty if nothing did.
    """
    begun = time.process_time()
    try:
        target.run(data)
    except MemoryError as error:
        return f"more than {MEMORY >> 20} MB{_place(error)}", "memory" + _place(error)
    except Exception as error:
        kind = type(error).__name__ + _place(error)
        return f"{kind}: {str(error).strip()[:300]}", kind
    taken = time.process_time() - begun
    if taken > SECONDS:  # which is also what a first time, or a machine that does much else, may take
        begun = time.process_time()
        target.run(data)
        taken = min(taken, time.process_time() - begun)
    return (f"{taken:.1f} s", "time") if taken > SECONDS else ("", "")


def _place(error: BaseException) -> str:
    """The last line of the package that an error came through, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT / "pytmva_rnn")]
    places = [f"{'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno}" for frame in (*own[-1:], *frames[-1:])]
    return " at " + " through ".join(dict.fromkeys(places))


def told(what: str, kind: str, data: bytes) -> str:
    """A find as a line of JSON."""
    return json.dumps({"what": what, "kind": kind, "data": base64.b64encode(data).decode()})


class Progress:
    """How many inputs a process has read, and which it reads: in a file, which a crash leaves as it is.

    Parameters
    ----------
    path : path
        Made by `create`.
    """

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 16 + LARGEST)
        self._count = 0

    @staticmethod
    def create(path: Path) -> None:
        """An empty one."""
        with path.open("wb") as file:
            file.truncate(16 + LARGEST)

    @staticmethod
    def read(path: Path) -> tuple[int, bytes]:
        """The number of inputs that were read, and the one after them."""
        with path.open("rb") as file:
            count, size = (int.from_bytes(file.read(8), "little") for _ in range(2))
            return count, file.read(size)

    def begin(self, data: bytes) -> None:
        """An input is about to be read."""
        self._map[16 : 16 + len(data)] = data
        self._map[8:16] = len(data).to_bytes(8, "little")

    def end(self) -> None:
        """It was read."""
        self._count += 1
        self._map[:8] = self._count.to_bytes(8, "little")
