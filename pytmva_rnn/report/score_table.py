"""The scores of all events of some files as a table: awkward array or DataFrame."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.data import Inputs, Recipe
from pytmva_rnn.data.flat_variables import internal_name
from pytmva_rnn.data.scoring_inputs import changed_by, elements_of_pieces, iterate_repetitions
from pytmva_rnn.errors import DataError
from pytmva_rnn.model import Model
from pytmva_rnn.weightfile.model_inputs import recipe_of, source_of

__all__ = ["branch_names", "score", "with_values"]


def branch_names(model: Model, base: str, repetition: Mapping[str, Any] | None = None) -> list[str]:
    """Names of the branches for the scores of a model.

    Parameters
    ----------
    model : Model
    base : str
        Where they begin: `DL`.
    repetition : mapping, optional
        Values of `for_each`, which follow: `DL_jet1`.

    Returns
    -------
    list of str
        One name, or one for each output, `DL_<class>` or `DL_<target>`.

    Raises
    ------
    DataError
        If two outputs would have the same name.
    """
    base = with_values(base, repetition or {})
    names = [base]
    if model.outputs > 1:
        of_outputs = [t.label for t in model.targets] if model.analysis == "Regression" else list(model.classes)
        names = [f"{base}_{name}" for name in of_outputs]
    names = [re.sub(r"\W", "_", internal_name(name)) for name in names]
    if len(set(names)) < len(names):
        raise DataError(f"outputs would share a branch name: {', '.join(names)}")
    return names


def score(
    model: Model,
    files: Any,
    *,
    tree: str | None = None,
    library: Literal["ak", "pd"] = "ak",
    spectators: bool = True,
    backend: str = "cpu",
) -> Any:
    """The scores of every event of files, with what tells which event it is.

    Parameters
    ----------
    model : Model
        Whose weight file tells how the inputs are made; of one by C++ TMVA its variables tell.
    files : path, list of paths, `Source`, or columns in memory
        As for `pytmva_rnn.load`. Neither selection nor weight of a `Source` is used: every entry has its row.
    tree : str, optional
        The name of the tree.
    library : "ak" or "pd"
        What to return.
    spectators : bool
        Whether the spectators of the training are wanted too, whose branches must be there then.
    backend : str
        As for `Model.predict`.

    Returns
    -------
    awkward array of records, or DataFrame
        With the fields `file` (`file.root:tree`), `entry` (in its file), `element` (of the lists, where variables are
        lists), the spectators, and one field for each output, `<title>`, `<title>_<class>` or `<title>_<target>`; of a
        network with `for_each` one for each value, `<title>_<name><value>`.

    Raises
    ------
    DataError
        For fields of one name, events that differ between the values of `for_each`, and whatever reading raises.
    MissingExtraError
        For "pd" without pandas.
    """
    if library not in ("ak", "pd"):
        raise DataError(f"library is 'ak' or 'pd', not {library!r}")
    pandas = extras.pandas() if library == "pd" else None  # if it is missing, this is to be known before the work
    source = source_of(model, files, tree)
    recipe = recipe_of(model, spectators=spectators)
    pieces = list(zip(*iterate_repetitions(recipe, source), strict=True))
    first = pieces[0]
    places = list(dict.fromkeys(piece.place for piece in first))
    file = np.repeat([places.index(piece.place) for piece in first], [len(piece.X) for piece in first])
    entries = _joined(first, "entries")
    columns: dict[str, NDArray[Any]] = {"entry": entries}
    elements = elements_of_pieces(first)
    if elements is not None:
        columns["element"] = elements
    scored: dict[str, NDArray[Any]] = {}
    for values, some in zip(recipe.repetitions(), pieces, strict=True):
        X = _joined(some, "X")
        if not np.array_equal(_joined(some, "entries"), entries):
            raise DataError("the values of for_each make different events of the entries, which cannot share rows")
        for name, column in _spectators(recipe, values, _joined(some, "spectators")):
            _add(columns, name, column)
        scores = model.predict(X, backend=backend)
        for name, column in zip(
            branch_names(model, model.title, values), scores.reshape(len(X), model.outputs).T, strict=True
        ):
            _add(scored, name, column)
    for name, column in scored.items():
        _add(columns, name, column)
    if "file" in columns:
        raise DataError("a spectator or score is called 'file', as the column that tells the file is")
    if pandas is not None:
        return pandas.DataFrame({"file": pandas.Categorical.from_codes(file, places), **columns})
    names = ak.contents.IndexedArray(ak.index.Index64(file.astype(np.int64)), ak.Array(places).layout)
    return ak.zip({"file": ak.Array(names), **columns}, depth_limit=1)


def _joined(pieces: Sequence[Inputs], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(piece, name) for piece in pieces])


def _spectators(recipe: Recipe, values: Mapping[str, Any], rows: NDArray[Any]) -> Iterable[tuple[str, NDArray[Any]]]:
    """Names and values; those that do not change with `for_each` come once."""
    is_first = list(values.values()) == [every[0] for every in recipe.for_each.values()]
    for number, column in enumerate(recipe.spectators):
        used = changed_by(recipe, column, values)
        if used or is_first:
            yield with_values(column.name, used), rows[:, number]


def with_values(base: str, values: Mapping[str, Any]) -> str:
    """The name of what there is for each value of `for_each`: `DL_jet1`."""
    return "_".join([base, *(f"{name}{value}" for name, value in values.items())])


def _add(columns: dict[str, NDArray[Any]], name: str, values: NDArray[Any]) -> None:
    if name in columns:
        raise DataError(f"two columns would be called {name!r}: rename the spectator, or the method")
    columns[name] = values
