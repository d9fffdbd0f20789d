"""Suggestions for mistyped names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["near"]


def near(name: str, known: Iterable[str]) -> str:
    """Words that list what `known` has that is like `name`, or all of it when nothing is."""
    names = list(known)
    found = difflib.get_close_matches(name, names, n=5, cutoff=0.5)
    lower = name.lower()
    found += [n for n in names if n not in found and (lower in n.lower() or n.lower() in lower)][: 5 - len(found)]
    if found:
        return "near names: " + ", ".join(found)
    if not names:
        return "there are none"
    return "there are: " + ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
