"""A formula on whatever holds events."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.formula import Formula
from pytmva_rnn.formula.locations import Location, locations
from pytmva_rnn.formula.tree_reading import columns_of_arrays, read_trees
from pytmva_rnn.packages import ak, is_awkward

__all__ = ["arrays_of", "evaluate"]


@runtime_checkable
class _Files(Protocol):
    """A `pytmva_rnn.data.Source`."""

    friends: tuple[str, ...]
    aliases: Mapping[str, str]

    def locations(self) -> list[Location]: ...


def evaluate(text: str, source: Any, *, define: Mapping[str, str] | None = None) -> Any:
    """The value of a formula for every event.

    Parameters
    ----------
    text : str
        In ROOT's language: `Sum$(pt * (abs(eta) < 2))`, `n > 2 ? x[2] : -1`, `lv.Pt()`.
    source : str, path, Source, uproot tree, mapping of columns, array of records
        Where the events are: `"file.root:tree"` (patterns and URLs as well), or arrays in memory.
    define : mapping of str -> str, optional
        Names for formulas that `text` and one another may use.

    Returns
    -------
    awkward array
        One entry an event, in its order: a number, or a list of numbers.

    Raises
    ------
    DataError
        For a formula that is not understood, a name that is not there, an event that lacks an element.

    Examples
    --------
    >>> from pytmva_rnn.formula import evaluate
    >>> evaluate("(x > 0) + (y > 0)", {"x": [1, -1], "y": [1, 1]}).to_list()
    [2.0, 1.0]
    """
    formula = Formula.parse(text, define)
    if hasattr(source, "object_path") and hasattr(source, "file"):  # a tree of uproot
        source = f"{source.file.file_path}:{source.object_path.split(';')[0].lstrip('/')}"
    if isinstance(source, str | os.PathLike):
        pieces = list(read_trees(locations((os.fspath(source),)), [formula]))
    elif isinstance(source, _Files):
        pieces = list(read_trees(source.locations(), [formula], friends=source.friends, aliases=source.aliases))
    else:
        arrays, size = arrays_of(source)
        pieces = [columns_of_arrays(arrays, size, [formula], "the arrays")]
    values = [formula.evaluate(columns) for columns in pieces]
    return values[0] if len(values) == 1 else ak.concatenate(values)


def arrays_of(source: Any) -> tuple[dict[str, Any], int]:
    """The columns of events in memory, and their number.

    Raises
    ------
    DataError
        For what holds no events, and for columns of different lengths.
    """
    if is_awkward(source) and ak.fields(source):
        source = {name: source[name] for name in ak.fields(source)}
    elif isinstance(source, np.ndarray) and source.dtype.names:
        source = {name: source[name] for name in source.dtype.names}
    elif hasattr(source, "iloc") and hasattr(source, "columns"):  # a DataFrame
        if not source.columns.is_unique:
            raise DataError(f"several columns have one name: {', '.join(map(str, source.columns))}")
        source = {name: _column(source.iloc[:, number]) for number, name in enumerate(source.columns)}
    if isinstance(source, np.ndarray):
        raise DataError(
            "an array without names is no source of events: give a mapping of names to arrays, or take it as finished "
            "inputs with load(None, ...) or Dataset.from_arrays"
        )
    if not isinstance(source, Mapping):
        raise DataError(
            f"{type(source).__name__} is no tree: give 'file.root:tree', a tree of uproot or PyROOT, a mapping of "
            "names to arrays, an awkward array of records or a DataFrame"
        )
    arrays = {str(name): array if is_awkward(array) else ak.Array(array) for name, array in source.items()}
    for name, array in arrays.items():
        if "datetime64" in str(array.type) or "timedelta64" in str(array.type):
            raise DataError(f"column {name} holds times; make numbers of them first, e.g. seconds")
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"arrays of events must have the same length each: {listed or 'there are none'}")
    return arrays, next(iter(lengths.values()))


def _column(series: Any) -> Any:
    """A column of a DataFrame; of objects, which are lists or texts, element by element."""
    values = series.to_numpy()
    return ak.Array(values.tolist()) if values.dtype == object else values
