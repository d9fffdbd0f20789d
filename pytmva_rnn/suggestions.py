"""Mistyped names: refused, with suggestions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from pytmva_rnn.errors import DataError, TMVAError

__all__ = ["check_keys", "near"]


def near(name: str, names: Iterable[str]) -> str:
    """Words that list which of `names` are like `name`, or all of them when none is."""
    every = list(names)
    found = difflib.get_close_matches(name, every, n=5, cutoff=0.5)
    lower = name.lower()
    found += [n for n in every if n not in found and (lower in n.lower() or n.lower() in lower)][: 5 - len(found)]
    if found:
        return "near names: " + ", ".join(found)
    if not every:
        return "there are none"
    return "there are: " + ", ".join(every[:20]) + (f" and {len(every) - 20} more" if len(every) > 20 else "")


def check_keys(given: Iterable[str], names: Iterable[str], message: str, error: type[TMVAError] = DataError) -> None:
    """Refuse a key that is none of `names`; what is raised begins with `message`, and lists those near."""
    every = list(names)
    for key in given:
        if key not in every:
            raise error(f"{message} {key!r}; {near(key, every)}")
