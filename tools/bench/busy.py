"""Other work on the machine, made on purpose: what a comparison is worth where cores are taken."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["busy_cores"]


@contextmanager
def busy_cores(processes: int) -> Iterator[None]:
    """As many processes that do nothing but take cores, of the same priority, for as long as the block lasts."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()
