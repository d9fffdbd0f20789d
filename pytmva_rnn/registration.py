"""Tables to which one may add: the layers of backends, layouts, weight files and exports stand in such."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["Registry"]

Key = TypeVar("Key")
Entry = TypeVar("Entry")


class Registry(Generic[Key, Entry]):
    """Entries under keys that are theirs alone; iterating gives the keys in the order of registration.

    Parameters
    ----------
    what : str
        What an entry is, for messages: "layer of the CPU backend".
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._entries: dict[Key, Entry] = {}

    def add(self, key: Key, entry: Entry) -> None:
        """Enter something.

        Raises
        ------
        ValueError
            If the key is taken.
        """
        if key in self._entries:
            raise ValueError(f"there is a {self._what} {_name(key)} already; remove it first")
        self._entries[key] = entry

    def remove(self, key: Key) -> None:
        """Take an entry out again.

        Raises
        ------
        ValueError
            If there is none.
        """
        self.find(key)
        del self._entries[key]

    def find(self, key: Key) -> Entry:
        """The entry of a key.

        Raises
        ------
        ValueError
            If there is none; says what there is.
        """
        if key not in self._entries:
            raise ValueError(f"there is no {self._what} {_name(key)}; there are {', '.join(map(_name, self))}")
        return self._entries[key]

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[Key]:
        return iter(self._entries)


def _name(key: object) -> str:
    return key.__name__ if isinstance(key, type) else str(key)
