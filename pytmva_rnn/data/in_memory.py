"""Events in memory as a source: mappings of names to arrays, awkward arrays of records, DataFrames."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytmva_rnn.data.sources import STEP, Source, check_sample, formula_text, read_columns, tree_factor
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.formula.sources_of_events import arrays_of
from pytmva_rnn.formula.tree_reading import columns_of_arrays

__all__ = ["ArrayTree", "as_source", "read"]


@dataclass(frozen=True, eq=False)
class ArrayTree:
    """Events in memory; what a `Source` says of those in files, this says of them.

    Attributes
    ----------
    arrays : mapping of name -> awkward array of n events
    size : int
        n.
    selection, weight : str, optional
    tree_weight : float or str
    sample : "training", "validation" or "test", optional
    place : str
        What messages call the events.
    """

    arrays: Mapping[str, Any]
    size: int
    selection: str | None = None
    weight: str | None = None
    tree_weight: float | str = 1.0
    sample: str | None = None
    place: str = "the arrays"

    def __post_init__(self) -> None:
        for key in ("selection", "weight"):
            object.__setattr__(self, key, formula_text(getattr(self, key), key))
        check_sample(self.sample)
        self.factor  # noqa: B018  (refuses what is no number)

    @property
    def factor(self) -> float:
        """`tree_weight` as a number; raises as `tree_factor`."""
        return tree_factor(self.tree_weight)

    @classmethod
    def of(
        cls,
        data: Any,
        *,
        selection: str | None = None,
        weight: str | None = None,
        tree_weight: float | str = 1.0,
        sample: str | None = None,
        place: str = "the arrays",
    ) -> ArrayTree:
        """From a mapping of names to arrays, an awkward array of records, a structured array or a DataFrame.

        Raises
        ------
        DataError
            For anything else, and for columns of different lengths.
        """
        return cls(*arrays_of(data), selection, weight, tree_weight, sample, place)


def as_source(given: Any, place: str = "the arrays") -> Source | ArrayTree:
    """A source of events from whatever holds some.

    Parameters
    ----------
    given : Source, `"file.root:tree"`, path, tree of uproot, or events in memory as `ArrayTree.of` takes them
    place : str
        What messages call events in memory.

    Raises
    ------
    DataError
        For anything else.
    """
    if isinstance(given, Source | ArrayTree):
        return given
    if isinstance(given, str | os.PathLike):
        return Source((os.fspath(given),))
    if hasattr(given, "object_path") and hasattr(given, "file"):  # a tree of uproot
        return Source((str(given.file.file_path),), given.object_path.split(";")[0].lstrip("/"))
    return ArrayTree.of(given, place=place)


def read(
    source: Source | ArrayTree, formulas: Iterable[Formula], *, step: int = STEP, room: int | None = None
) -> Iterator[Columns]:
    """What some formulas need of every event, a piece at a time; raises as `read_columns`."""
    if isinstance(source, Source):
        yield from read_columns(source, formulas, step=step, room=room)
        return
    if source.size == 0:
        raise DataError(f"no entries in {source.place}")
    yield columns_of_arrays(source.arrays, source.size, formulas, source.place)
