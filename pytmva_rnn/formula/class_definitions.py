"""Keeps what a ROOT file says of ROOT's classes to that file.

uproot builds readers from the definitions in a file and keeps them for all files of the process. A damaged definition
of one file would then be the way that all later ones are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pytmva_rnn.packages import uproot

__all__ = ["own_definitions"]


@contextmanager
def own_definitions() -> Iterator[None]:
    """While a file is open; in the end uproot knows what it knew before."""
    before = _known()
    try:
        yield
    finally:
        for name, (reader, versions) in _known().items():
            if name not in before or before[name][0] is not reader:
                _restore(name, before)
            elif versions != before[name][1]:
                reader.known_versions.clear()
                reader.known_versions.update(before[name][1])


def _known() -> dict[str, tuple[Any, dict[int, Any]]]:
    """uproot's reader of each class, and those of its versions."""
    return {name: (reader, dict(getattr(reader, "known_versions", ()))) for name, reader in [*uproot.classes.items()]}


def _restore(name: str, before: dict[str, tuple[Any, dict[int, Any]]]) -> None:
    if name in before:
        uproot.classes[name] = before[name][0]
    else:
        uproot.classes.pop(name, None)
