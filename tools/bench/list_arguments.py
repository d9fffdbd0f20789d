"""What arguments of the command line are parsed with: lists of names and of numbers."""

from __future__ import annotations

import argparse
from collections.abc import Callable

__all__ = ["count", "counts", "some_of"]


def some_of(names: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """A parser of lists of these names, which gives them in their own order."""

    def parsed(text: str) -> tuple[str, ...]:
        given = [word.strip() for word in text.split(",")]
        known = {name.upper(): name for name in names}
        for word in given:
            if word.upper() not in known:
                raise argparse.ArgumentTypeError(f"{word!r} is none of {', '.join(names)}")
        return tuple(name for name in names if name.upper() in {word.upper() for word in given})

    return parsed


def count(text: str) -> int:
    """A number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def counts(text: str) -> tuple[int, ...]:
    """Numbers of 1 or more, with commas between them, in order."""
    return tuple(sorted({count(word.strip()) for word in text.split(",")}))
