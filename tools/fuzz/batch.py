"""A process that reads a number of inputs within limits, and says which one it is at: `python -m fuzz.batch`."""

from __future__ import annotations

import json
import logging
import mmap
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

__all__ = ["MEMORY", "SECONDS", "limit_memory", "run"]

SECONDS = 2.0
"""Of processor time for an input; more is a find."""

MEMORY = 500 << 20
"""Bytes that an input may add to what the process had."""


def limit_memory(more: int) -> None:
    """Let the process have so many bytes more than now, where the system can limit that."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        size = pages * resource.getpagesize() + more
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def run(target_name: str, first: int, count: int, progress: Path) -> None:
    """Read the inputs of `count` seeds; the finds go to standard output, a line of JSON each.

    Parameters
    ----------
    progress : path
        A file of 8 bytes that always says how many inputs were read: it outlives the process.
    """
    from fuzz.targets import TARGETS

    logging.disable(logging.CRITICAL)
    target = TARGETS[target_name]
    with progress.open("r+b") as file, mmap.mmap(file.fileno(), 8) as done:
        for number in range(count):
            done[:] = number.to_bytes(8, "little")
            data = target.input(first + number)
            if number == 0:
                # what is loaded and compiled once does not count
                with suppress(Exception):
                    target.run(data)
                limit_memory(MEMORY)
            begun = time.process_time()
            try:
                target.run(data)
            except RecursionError:
                found = "RecursionError"
            except MemoryError:
                found = "more than 500 MB"
            except Exception:
                found = "".join(traceback.format_exc().strip().splitlines(keepends=True)[-3:])
            else:
                taken = time.process_time() - begun
                found = f"{taken:.1f} s" if taken > SECONDS else ""
            if found:
                print(json.dumps({"seed": first + number, "what": found}), flush=True)
        done[:] = count.to_bytes(8, "little")


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
