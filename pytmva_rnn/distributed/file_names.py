"""What the files of scores are called, one for each input, and which inputs belong to a shard."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.locations import Location
from pytmva_rnn.formula.remote_files import is_remote

__all__ = ["file_stem", "output_names", "real_path", "shard_of"]


def output_names(locations: Sequence[Location]) -> list[str]:
    """A name for each input, in the folder of the scores: its own, below as many of its folders as tell it apart.

    Parameters
    ----------
    locations : sequence of (file, tree)
        Different ones.

    Returns
    -------
    list of str
        `run1.root`; of `a/run1.root` and `b/run1.root` `a/run1.root` and `b/run1.root`; of two trees of a file
        `run1_tree.root` and `run1_other.root`.

    Raises
    ------
    DataError
        For files that cannot be told apart so.
    """
    files = Counter(real_path(file) for file, _ in locations)
    parts = []
    for file, tree in locations:
        several = files[real_path(file)] > 1
        of_tree = re.sub(r"\W", "_", f"_{tree}") if several and tree is not None else ""
        parts.append([*_parts(file)[:-1], file_stem(file) + of_tree])
    depths = [1] * len(parts)
    while True:
        names = ["/".join(each[-depth:]) + ".root" for each, depth in zip(parts, depths, strict=True)]
        # a case-insensitive file system takes two names for one
        count = Counter(name.casefold() for name in names)
        same = [number for number, name in enumerate(names) if count[name.casefold()] > 1]
        if not same:
            return names
        if all(depths[number] == len(parts[number]) for number in same):
            one, other = (locations[number][0] for number in same[:2])
            raise DataError(f"the scores of {one} and {other} would go to one file: score them into two folders")
        for number in same:
            depths[number] = min(depths[number] + 1, len(parts[number]))


def file_stem(file: str) -> str:
    """The name of a file without its ending."""
    name = _parts(file)[-1]
    return name[: -len(".root")] if name.lower().endswith(".root") else name


def real_path(file: str) -> str:
    """A file under one name, also where links lead to it; a URL as it is."""
    return file if is_remote(file) else os.path.realpath(file)


def _parts(file: str) -> list[str]:
    """The host, the folders and the name of a file."""
    if is_remote(file):
        url = urlsplit(file)
        found = [url.netloc, *unquote(url.path).split("/")]
    else:
        found = list(Path(os.path.abspath(file)).parts)  # noqa: PTH100  (links keep their names)
    return [re.sub(r'[\\/:*?"<>|]', "_", part) for part in found if part not in ("", "/", ".", "..")]


def shard_of(locations: Sequence[Location], shard: tuple[int, int]) -> list[int]:
    """The numbers of the inputs that belong to one of several equal parts.

    Each input is in one of them, whatever the order in which the inputs are given: job k of n takes shard (k, n).

    Parameters
    ----------
    locations : sequence of (file, tree)
    shard : (number, of how many)
        The number from 1 on.

    Raises
    ------
    DataError
        For a shard that cannot be.
    """
    given: Any = shard
    if not (isinstance(given, tuple | list) and len(given) == 2 and all(type(each) is int for each in given)):
        raise DataError(f"a shard is its number and how many there are, such as (3, 50), not {given!r:.80}")
    number, count = shard
    if not 1 <= number <= count:
        raise DataError(f"shard {number}/{count}: shards are counted from 1/{count} to {count}/{count}")
    places = [(real_path(file), tree or "") for file, tree in locations]
    ordered = sorted(range(len(places)), key=places.__getitem__)
    return sorted(ordered[number - 1 :: count])
