"""A process in which atheris looks for inputs that take new branches: `python -m fuzz.guided`.

What it changes them with is ours, which knows their formats, and now and then its own.
"""

from __future__ import annotations

import logging
import math
import random
import sys
from importlib import import_module
from pathlib import Path

__all__ = ["run"]

# what Numba compiles is left as it is
_FOLLOWED = ("config", "data", "description", "export", "formula", "options", "weightfile")
_COMPILED = ("pytmva_rnn.data.padding",)

_FRESH = 200
"""Inputs that a corpus begins with."""

_LONGEST = 1 << 16
"""Bytes of an input: what is longer takes no other branches."""


def run(target_name: str, first: int, count: int, seconds: float, progress: Path, corpus: Path) -> None:
    """Read inputs that lead to others; the finds go to standard output, a line each.

    Parameters
    ----------
    first : int
        Seed of the search.
    count, seconds
        After which it ends.
    corpus : path
        Folder of the inputs that took new branches, which the next process begins with; read and written.
    """
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=[f"pytmva_rnn.{name}" for name in _FOLLOWED], exclude=list(_COMPILED)):
        from fuzz.targets import TARGETS
        from fuzz.trial import MEMORY, Progress, limit_memory, told, warm_up, wrong_with

    logging.disable(logging.CRITICAL)
    target, at = TARGETS[target_name], Progress(progress)

    def read(data: bytes) -> None:
        at.begin(data)
        what, kind = wrong_with(target, data)
        at.end()
        if what:
            print(told(what, kind, data), flush=True)

    def changed(data: bytes, largest: int, seed: int) -> bytes:
        generator = random.Random(seed)
        chosen = generator.random()
        if chosen < 0.1:
            return bytes(atheris.Mutate(data, largest))
        return (target.input(seed) if chosen < 0.2 or not data else target.change(generator, data))[:largest]

    if not any(corpus.iterdir()):
        for seed in range(first, first + _FRESH):
            (corpus / str(seed)).write_bytes(target.input(seed)[:_LONGEST])
    options = {
        "runs": count,
        "max_total_time": math.ceil(seconds),
        "max_len": _LONGEST,
        "seed": first % 2**31 + 1,
        "rss_limit_mb": 0,  # limited in another way, which leads to a MemoryError
        "verbosity": 0,
    }
    atheris.Setup(
        [sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), str(corpus)], read, custom_mutator=changed
    )
    warm_up(target)
    limit_memory(MEMORY)
    atheris.Fuzz()


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), Path(sys.argv[5]), Path(sys.argv[6]))
