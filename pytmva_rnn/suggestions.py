"""Suggestions for mistyped names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["near"]


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
