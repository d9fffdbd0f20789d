"""ROOT files and the trees in them, read with uproot a piece at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.formula.locations import Location, locations
from pytmva_rnn.formula.tree_reading import STEP, opened, read_trees
from pytmva_rnn.suggestions import near

__all__ = ["STEP", "Source", "count_entries", "read_columns"]


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
        Formula for the event weight.
    tree_weight : float
        Multiplies the weight of every event.
    """

    files: tuple[str, ...]
    tree: str | None = None
    selection: str | None = None
    weight: str | None = None
    tree_weight: float = 1.0
    friends: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        files: Any = self.files  # one string, or any list of them, is taken too
        object.__setattr__(self, "files", (files,) if isinstance(files, str) else tuple(files))
        if not self.files:
            raise DataError("a source of events needs at least one file")
        friends: Any = self.friends
        object.__setattr__(self, "friends", (friends,) if isinstance(friends, str) else tuple(friends))

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
        names = [field.name for field in fields(cls)]
        for key in values:
            if key not in names:
                raise DataError(f"a source of events has no key {key!r}; {near(key, names)}")
        if "files" not in values:
            raise DataError("a source of events needs the key 'files'")
        given = dict(values)
        for key in ("selection", "weight"):
            if given.get(key) is not None:
                given[key] = str(given[key])
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """The attributes that differ from their defaults, as plain data."""
        given = {key: value for key, value in asdict(self).items() if value not in (None, 1.0, (), {})}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}

    def locations(self) -> list[Location]:
        """Every file with the name of its tree, patterns expanded in sorted order.

        Raises
        ------
        DataError
            For a file, pattern or package that is not there.
        """
        return locations(self.files, self.tree)


def count_entries(source: Source) -> int:
    """Number of entries in all the trees of a source, before its selection."""
    total = 0
    for file, name in source.locations():
        with opened(file, name) as (tree, _):
            total += int(tree.num_entries)
    return total


def read_columns(source: Source, formulas: Iterable[Formula], *, step: int = STEP) -> Iterator[Columns]:
    """Read what some formulas need, in the tree's order, without applying the source's selection.

    Parameters
    ----------
    source : Source
        Where from.
    formulas : iterable of Formula
        Only the branches that these name are read.
    step : int
        Largest number of events at a time.

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
    return read_trees(source.locations(), formulas, step=step, friends=source.friends, aliases=source.aliases)
