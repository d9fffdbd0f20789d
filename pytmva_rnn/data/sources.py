"""ROOT files and the trees in them, read with uproot a piece at a time."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.formula.friends import friend_name
from pytmva_rnn.formula.locations import Location, locations
from pytmva_rnn.formula.opened_trees import opened
from pytmva_rnn.formula.tree_reading import STEP, read_trees
from pytmva_rnn.suggestions import check_keys

__all__ = [
    "SAMPLES",
    "STEP",
    "Source",
    "check_sample",
    "count_entries",
    "files_read",
    "formula_text",
    "read_columns",
    "tree_factor",
]

SAMPLES = ("training", "validation", "test")
"""What a source may give its events to."""


@dataclass(frozen=True)
class Source:
    """Events: one tree, in one file or in many.

    Attributes
    ----------
    files : tuple of str
        Paths, patterns (`data/*.root`, `data/**/*.root`), URLs that uproot can open, each perhaps followed by the
        tree (`file.root:tree`), or `package://name/path/in/package.root` for a file inside an installed package.
    tree : str, optional
        Name of the tree; found by itself when a file holds just one.
    selection : str, optional
        Formula that is true for the events to keep.
    weight : str, optional
        Formula for the event weight; a number is taken too.
    tree_weight : float or str
        Multiplies the weight of every event: a number, or arithmetic with numbers, such as
        `"59.7 * 831.76e3 / 2.5e7"`, luminosity times cross section over generated events.
    friends : tuple of str
        `file.root:tree` or `name = file.root:tree`, entry by entry beside all the trees.
    aliases : mapping of str -> str
        Names for formulas, beside those that the trees have.
    sample : "training", "validation" or "test", optional
        Where all its events go; by default they are divided.
    share : (int, int)
        Which part, from 0 on, of how many equal parts of the entries of each file is read: of several processes each
        may read its own.
    """

    files: tuple[str, ...]
    tree: str | None = None
    selection: str | None = None
    weight: str | None = None
    tree_weight: float | str = 1.0
    friends: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    sample: str | None = None
    share: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        for key in ("files", "friends"):
            given: Any = getattr(self, key)  # one path, or any list of them, is taken too
            listed = (given,) if isinstance(given, str | os.PathLike) else given
            if not isinstance(listed, list | tuple) or not all(isinstance(path, str | os.PathLike) for path in listed):
                raise DataError(f"the {key} of a source are a path or a list of paths, not {given!r}")
            object.__setattr__(self, key, tuple(os.fspath(path) for path in listed))
        if not self.files:
            raise DataError("a source of events needs at least one file")
        tree: Any = self.tree
        aliases: Any = self.aliases
        if tree is not None and not isinstance(tree, str):
            raise DataError(f"the tree of a source is its name, not {tree!r}")
        if not isinstance(aliases, Mapping):
            raise DataError(f"the aliases of a source are a mapping of names to formulas, not {aliases!r}")
        for key in ("selection", "weight"):
            object.__setattr__(self, key, formula_text(getattr(self, key), key))
        check_sample(self.sample)
        share: Any = self.share
        whole = isinstance(share, tuple | list) and len(share) == 2 and all(type(each) is int for each in share)
        if not whole or not 0 <= share[0] < share[1]:
            raise DataError(f"the share of a source is (part, parts), such as (0, 4), (1, 4) ..., not {share!r}")
        self.factor  # noqa: B018  (refuses what is no number)

    @property
    def factor(self) -> float:
        """`tree_weight` as a number; raises as `tree_factor`."""
        return tree_factor(self.tree_weight)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Source:
        """From plain data, e.g. a TOML table.

        Parameters
        ----------
        values : mapping
            The attributes; `files` may be one string and `weight` may be a number.

        Raises
        ------
        DataError
            For a key that is unknown or missing, or an expression that cannot be understood.
        """
        check_keys(values, [field.name for field in fields(cls)], "a source of events has no key")
        if "files" not in values:
            raise DataError("a source of events needs the key 'files'")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The attributes that differ from their defaults, as plain data."""
        given = {key: value for key, value in asdict(self).items() if value not in (None, 1.0, (), {}, (0, 1))}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}

    def locations(self) -> list[Location]:
        """Every file with the name of its tree, patterns expanded in sorted order.

        Raises
        ------
        DataError
            For a file, pattern or package that is not there.
        """
        return locations(self.files, self.tree)


def formula_text(given: Any, key: str) -> str | None:
    """A formula, of which a number is one, as text; `key` names it in the message.

    Raises
    ------
    DataError
        For what is neither.
    """
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool):
        return repr(float(given)) if isinstance(given, float | np.floating) else str(int(given))
    raise DataError(f"the {key} of a source is a formula in quotes, not {given!r:.80}")


def check_sample(sample: Any) -> None:
    """Refuse what is no sample.

    Raises
    ------
    DataError
        Naming those that are.
    """
    if sample is not None and sample not in SAMPLES:
        raise DataError(f"the sample of a source is one of {', '.join(SAMPLES)}, not {sample!r}")


def tree_factor(given: Any) -> float:
    """The number that a tree's weight stands for.

    Raises
    ------
    DataError
        If it is none, and no arithmetic with numbers; if it is 0 or infinite.
    """
    if isinstance(given, str):
        formula = Formula.parse(given)
        if formula.names:
            raise DataError(
                f"tree_weight = {given!r}: {formula.names[0]} is no number; what differs from event to event is for "
                "the key 'weight'"
            )
        factor = float(formula.per_event(Columns({}, np.zeros(1, np.int64), "tree_weight"))[0])
    elif isinstance(given, bool) or not isinstance(given, int | float | np.number):
        raise DataError(f"tree_weight is a number or arithmetic in quotes, not {given!r}")
    else:
        factor = float(given)
    if not math.isfinite(factor) or factor == 0:
        raise DataError(f"tree_weight = {given!r} is {factor:g}; events need a weight that counts")
    return factor


def files_read(sources: Any) -> list[str]:
    """The files of sources and their friends: of one, or of lists and mappings of such.

    Raises
    ------
    DataError
        For a file, pattern or package that is not there.
    """
    if isinstance(sources, Source):
        friends = tuple(friend_name(friend)[1] for friend in sources.friends)
        return [file for file, _ in (*sources.locations(), *locations(friends))]
    if isinstance(sources, Mapping):
        sources = sources.values()
    return [file for source in sources for file in files_read(source)]


def count_entries(source: Source) -> int:
    """Number of entries in all the trees of a source, before its selection."""
    total = 0
    for file, name in source.locations():
        with opened(file, name) as (tree, _):
            total += int(tree.num_entries)
    return total


def read_columns(
    source: Source, formulas: Iterable[Formula], *, step: int = STEP, room: int | None = None
) -> Iterator[Columns]:
    """Read what some formulas need, in the tree's order, without applying the source's selection.

    Parameters
    ----------
    source : Source
        Where from.
    formulas : iterable of Formula
        Only the branches that these name are read.
    step : int
        Largest number of events at a time.
    room : int, optional
        Bytes that these may take.

    Yields
    ------
    Columns
        Up to `step` events of one file.

    Raises
    ------
    DataError
        For a file or tree that cannot be read, a source without any entry, or a branch that is missing (naming the
        near ones).
    """
    return read_trees(
        source.locations(),
        formulas,
        step=step,
        room=room,
        friends=source.friends,
        aliases=source.aliases,
        share=source.share,
    )
