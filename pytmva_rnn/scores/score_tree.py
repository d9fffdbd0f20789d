"""A tree of scores: its branches, and their values of each event."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.flat_variables import internal_name
from pytmva_rnn.errors import DataError
from pytmva_rnn.packages import ak
from pytmva_rnn.scores.branch_names import branch_names, with_values
from pytmva_rnn.scores.scored_events import ScoredEvents, Scoring

__all__ = ["ScoreTree", "score_columns"]


def score_columns(names: list[str], scores: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Scores (n,) or (n, O) under the names of their branches."""
    return dict(zip(names, scores.reshape(len(scores), len(names)).T, strict=True))


class ScoreTree:
    """The branches: scores, `entry`, perhaps `file` and `element`, spectators, and the branches that are kept.

    Parameters
    ----------
    scoring : Scoring
        That has located a file, where patterns stand for the branches that are kept.
    base : str
        Where the names of the scores begin.

    Attributes
    ----------
    scores : list of str
        Names of the scores.
    classifies : bool
        Whether they are those of a classification.

    Raises
    ------
    DataError
        If two branches would have the same name.
    """

    def __init__(self, scoring: Scoring, base: str) -> None:
        repetitions = scoring.recipe.repetitions()
        self._of_repetitions = [branch_names(scoring.model, base, values) for values in repetitions]
        self.scores = [name for names in self._of_repetitions for name in names]
        if len(set(self.scores)) < len(self.scores):
            raise DataError(f"several values of for_each would share a branch name: {', '.join(self.scores)}")
        self._spreads = [[f"{name}_spread" for name in names] for names in self._of_repetitions if scoring.has_spread]
        self.classifies = scoring.model.analysis == "Classification"
        self._spectators = [
            _plain(with_values(internal_name(each.column.label), each.values)) for each in scoring.spectators
        ]
        self._kept = [_plain(name) for name in scoring.keep]
        self._types: dict[str, tuple[Any, str]] = {}
        self._check_names()

    def _check_names(self) -> None:
        taken: dict[str, str] = {}
        spreads = [name for names in self._spreads for name in names]
        for what, names in (
            ("a score", self.scores),
            ("the spread of a score", spreads),
            ("of every tree of scores", ["entry", "file", "element"]),
            ("a spectator", self._spectators),
            ("kept", self._kept),
        ):
            for name in names:
                if name in taken:
                    raise DataError(
                        f"two branches would be called {name}: one is {taken[name]}, one {what}; "
                        "give the scores another name with --branch, or keep fewer branches"
                    )
                taken[name] = what

    def columns(self, events: ScoredEvents, file: int | None = None) -> dict[str, Any]:
        """The values of every branch; `file`, the number of the file, is one where it is given.

        Raises
        ------
        DataError
            For a branch that holds something else than in the files before.
        """
        columns: dict[str, Any] = {}
        for names, scores in zip(self._of_repetitions, events.scores, strict=True):
            columns |= score_columns(names, scores)
        for names, spreads in zip(self._spreads, events.spreads, strict=True):
            columns |= score_columns(names, spreads)
        columns["entry"] = events.entries
        if file is not None:
            columns["file"] = np.full(len(events), file, np.int32)
        if events.elements is not None:
            columns["element"] = events.elements
        columns |= zip(self._spectators, events.spectators, strict=True)
        columns |= zip(self._kept, events.kept, strict=True)
        for name in self._types:
            if name not in columns:
                raise DataError(f"the variables are lists in the files before {events.place}, and numbers in it")
        return {name: self._as_before(name, values, events.place) for name, values in columns.items()}

    def types(self) -> dict[str, Any]:
        """Of every branch, what uproot makes it of; known when the first values are."""
        return {name: kind for name, (kind, _) in self._types.items()}

    def _as_before(self, name: str, values: Any, place: str) -> Any:
        kind = _kind(values)
        before, where = self._types.setdefault(name, (kind, place))
        if kind == before:
            return values
        if isinstance(values, np.ndarray) and not isinstance(before, str) and before.shape == values.shape[1:]:
            with np.errstate(all="ignore"):
                cast = values.astype(before.base)
            if np.array_equal(cast, values, equal_nan=values.dtype.kind == "f"):
                return cast
        raise DataError(f"the branch {name!r} holds {kind} in {place}, where it holds {before} in {where}")


def _kind(values: Any) -> Any:
    """What uproot makes a branch of: a NumPy type, or a text for lists of any length."""
    if isinstance(values, np.ndarray):
        return np.dtype((values.dtype, values.shape[1:]))
    return f"var * {ak.type(ak.flatten(values, axis=1)).content}"


def _plain(name: str) -> str:
    return re.sub(r"\W", "_", name)
