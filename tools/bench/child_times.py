"""What a command takes, with all processes that it starts."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from pathlib import Path

__all__ = ["timed"]


def timed(command: list[str], folder: Path, **environment: str) -> tuple[float, float]:
    """Seconds of the processors, and of the clock, that a command takes with all that it starts."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    clock, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, clock
