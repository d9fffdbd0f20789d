"""What the branches, leaves and members of a tree may be called in a formula, as ROOT finds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pytmva_rnn.errors import DataError
from pytmva_rnn.packages import ak
from pytmva_rnn.suggestions import near

__all__ = ["Branches", "member"]

Place = tuple[str, tuple[str, ...]]
"""The path of a branch, and the members that lead to a value in it."""


class Branches:
    """The names of one tree.

    A branch is called by its own name and by its path with dots, both without the length of an array, `a[10]`. In the
    path of a split object, `evt/P3/P3.Px`, the repeated name is left out: `evt.P3.Px`. A leaf of a branch with several
    is `branch.leaf`. What is below the top may be called by its last name alone where nothing else is.
    """

    def __init__(self, places: Mapping[str, Place], short: Mapping[str, list[tuple[str, Place]]]) -> None:
        self.places = places
        self._short = short

    @classmethod
    def of_tree(cls, tree: Any) -> Branches:
        """The names of a tree of uproot."""
        places: dict[str, Place] = {}
        short: dict[str, list[tuple[str, Place]]] = {}
        for path, branch in tree.items(recursive=True):
            dotted: list[str] = []
            for segment in path.split("/"):
                name = re.sub(r"\[.*", "", segment).rstrip(".")
                if dotted and name.startswith(dotted[-1] + "."):
                    dotted.pop()
                dotted.append(name)
            whole = ".".join(dotted)
            if len(dotted) == 1:
                places[whole] = (path, ())
            else:
                places.setdefault(whole, (path, ()))
                short.setdefault(dotted[-1], []).append((whole, (path, ())))
            leaves = _leaves(branch)
            for leaf in leaves:
                short.setdefault(leaf, []).append((f"{whole}.{leaf}", (path, (leaf,))))
            last = whole.rpartition(".")[2]
            if last != dotted[-1]:
                short.setdefault(last, []).append((whole, (path, ())))
        return cls(places, short)

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Any]) -> Branches:
        """The names of arrays in memory, which are their own."""
        return cls({name: (name, ()) for name in arrays}, {})

    @classmethod
    def of_columns(cls, columns: Iterable[str]) -> Branches:
        """The names of an RDataFrame's columns: a leaf or a member, `branch.leaf`, goes by its last name alone, too."""
        places: dict[str, Place] = {name: (name, ()) for name in columns}
        short: dict[str, list[tuple[str, Place]]] = {}
        for name, place in places.items():
            if "." in name:
                short.setdefault(name.rpartition(".")[2], []).append((name, place))
        return cls(places, short)

    def find(self, name: str, place: str) -> Place | None:
        """The longest beginning of `name` that is a branch, and the members that follow; None if there is none.

        Raises
        ------
        DataError
            For a name that could be one of several.
        """
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            beginning, rest = ".".join(parts[:length]), tuple(parts[length:])
            if beginning in self.places:
                path, members = self.places[beginning]
                return path, members + rest
            found = self._short.get(beginning, [])
            if len(found) > 1:
                listed = ", ".join(whole + "".join(f".{part}" for part in rest) for whole, _ in found[:5])
                raise DataError(f"{name!r} could be one of several in {place}: {listed}; write one of these")
            if found:
                path, members = found[0][1]
                return path, members + rest
        return None

    def near(self, name: str) -> str:
        """Words that list names like this one."""
        whole = [full for found in self._short.values() for full, _ in found]
        return near(name, list(dict.fromkeys([*self.places, *whole, *self._short])))


def _leaves(branch: Any) -> list[str]:
    """The names of the leaves, if there are several."""
    leaves = branch.member("fLeaves", none_if_missing=True) if hasattr(branch, "member") else None
    names = [str(leaf.member("fName")) for leaf in leaves or []]
    return names if len(names) > 1 else []


def member(array: Any, name: str, path: tuple[str, ...], place: str) -> Any:
    """Of objects, the member that `path` leads to, for the name `name`."""
    last = ""
    for step in path:
        fields = ak.fields(array)
        field = step if step in fields else next((f for f in fields if f in (f"{last}.{step}", f"{step}.")), None)
        if field is None and not fields:
            raise DataError(f"no {name!r} in {place}: what stands before .{step} has no members")
        if field is None:
            raise DataError(f"no member {step!r} for {name!r} in {place}; {near(step, fields)}")
        array, last = array[field], step
    return array
