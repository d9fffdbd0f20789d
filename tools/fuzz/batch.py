"""A process that reads the inputs of many seeds within limits: `python -m fuzz.batch`."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

__all__ = ["run"]


def run(target_name: str, first: int, count: int, seconds: float, progress: Path) -> None:
    """Read the inputs of seeds from `first` on; the finds go to standard output, a line each.

    It ends after `count` inputs, after some seconds, or with what has cost too much: the next process is fresh again.
    """
    from fuzz.targets import TARGETS
    from fuzz.trial import MEMORY, Progress, limit_memory, told, warm_up, wrong_with

    logging.disable(logging.CRITICAL)
    target, at = TARGETS[target_name], Progress(progress)
    warm_up(target)
    limit_memory(MEMORY)
    end = time.monotonic() + seconds
    for seed in range(first, first + count):
        data = target.input(seed)
        at.begin(data)
        what, kind = wrong_with(target, data)
        at.end()
        if what:
            print(told(what, kind, data), flush=True)
        if time.monotonic() > end or kind.startswith(("memory", "time")):
            break


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), Path(sys.argv[5]))
