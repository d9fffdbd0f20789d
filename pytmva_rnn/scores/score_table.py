"""The scores of all events of some files as a table: awkward array or DataFrame."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.data.rows import check_digits
from pytmva_rnn.data.scoring_inputs import joined_elements
from pytmva_rnn.ensemble import Ensemble
from pytmva_rnn.errors import DataError
from pytmva_rnn.model import Model
from pytmva_rnn.packages import ak
from pytmva_rnn.scores.branch_names import branch_names, with_values
from pytmva_rnn.scores.scored_events import Scoring
from pytmva_rnn.weightfile.model_inputs import source_of

__all__ = ["score"]


def score(
    model: Model | Ensemble,
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
    model : Model or Ensemble
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
        network with `for_each` one for each value, `<title>_<name><value>`; of an ensemble each with `_spread` as well.

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
    scoring = Scoring(model, spectators=spectators, backend=backend)
    pieces = list(scoring.events_of(source_of(scoring.model, files, tree)))
    lengths = [len(piece) for piece in pieces]
    places = list(dict.fromkeys(piece.place for piece in pieces))
    file = np.repeat([places.index(piece.place) for piece in pieces], lengths)
    columns: dict[str, NDArray[Any]] = {"entry": np.concatenate([piece.entries for piece in pieces])}
    elements = joined_elements([piece.elements for piece in pieces], lengths)
    if elements is not None:
        columns["element"] = elements
    for number, spectator in enumerate(scoring.spectators):
        name = with_values(spectator.column.name, spectator.values)
        _add(columns, name, _joined(name, [piece.spectators[number] for piece in pieces]))
    for number, values in enumerate(scoring.recipe.repetitions()):
        names = branch_names(scoring.model, model.title, values)
        for ending, every in (("", "scores"), ("_spread", "spreads")) if scoring.has_spread else (("", "scores"),):
            found = np.concatenate([getattr(piece, every)[number] for piece in pieces]).reshape(-1, model.outputs)
            for name, column in zip(names, found.T, strict=True):
                _add(columns, f"{name}{ending}", column)
    if "file" in columns:
        raise DataError("a spectator or score is called 'file', as the column that tells the file is")
    if pandas is not None:
        return pandas.DataFrame({"file": pandas.Categorical.from_codes(file, places), **columns})
    of_files = ak.contents.IndexedArray(ak.index.Index64(file.astype(np.int64)), ak.Array(places).layout)
    return ak.zip({"file": ak.Array(of_files), **columns}, depth_limit=1)


def _joined(name: str, pieces: list[NDArray[Any]]) -> NDArray[Any]:
    """The values of a spectator in all pieces, which may hold them in different types."""
    if np.result_type(*pieces).kind == "f":
        for piece in pieces:
            check_digits(name, piece)
    return np.concatenate(pieces)


def _add(columns: dict[str, NDArray[Any]], name: str, values: NDArray[Any]) -> None:
    if name in columns:
        raise DataError(f"two columns would be called {name!r}: rename the spectator, or the method")
    columns[name] = values
