"""The events of a sample as a report needs them: scored piece by piece, without their inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import Dataset
from pytmva_rnn.errors import DataError
from pytmva_rnn.model import Model
from pytmva_rnn.report.event_inputs import EventInputs
from pytmva_rnn.report.performance import check_fits
from pytmva_rnn.report.scored_sample import ScoredSample, finite_rows
from pytmva_rnn.report.statistics.moments import InputMoments, InputSums

__all__ = ["ALL", "CollectedSample", "collect"]

ALL = "all"
"""What the events of a regression are called, which have no classes."""

_BLOCK = 50_000
"""Events whose inputs are summed up at a time."""


@dataclass(frozen=True, eq=False)
class CollectedSample:
    """A scored sample without its inputs; events whose score is NaN or infinite are left out.

    Attributes
    ----------
    scored : ScoredSample
        With weights that count the classes as the training does.
    weights : (n,) float64
        The events' own weights.
    values : mapping of formula -> (n,) float64
    groups : (n,) int64, optional
        A number for the events of one entry, where there are several.
    layout : EventInputs
    inputs : tuple of InputMoments
        Of each class.
    chosen : (m, T, D) float32
        Inputs of some events, for the importance.
    places : (m,) int64
        Which events these are.
    files : tuple of str
    failed : int
        Events whose score is NaN, or -999 of a classifier.
    """

    scored: ScoredSample
    weights: NDArray[np.float64]
    values: Mapping[str, NDArray[np.float64]]
    groups: NDArray[np.int64] | None
    layout: EventInputs
    inputs: tuple[InputMoments, ...]
    chosen: NDArray[np.float32]
    places: NDArray[np.int64]
    files: tuple[str, ...]
    failed: int

    def __len__(self) -> int:
        return len(self.weights)


def collect(
    model: Model,
    data: Dataset | Iterable[Dataset],
    against: tuple[str, ...] | None = (),
    *,
    most: int = 0,
    random: np.random.Generator | None = None,
    inputs: bool = True,
    backend: str = "cpu",
) -> CollectedSample:
    """Score labelled events, and keep of them what a report needs.

    Parameters
    ----------
    model : Model
    data : Dataset, or iterable of them
        Of several, one after the other is taken and let go.
    against : tuple of str, optional
        Formulas over the events; None: `EventInputs.variables`.
    most : int
        Events whose inputs are kept.
    random : Generator, optional
        Chooses them.
    inputs : bool
        Whether the inputs are summed up.
    backend : str
        As for `Model.predict`.

    Raises
    ------
    DataError
        For events that are not those of the model, none at all, and several pieces for a network with RememberState,
        whose scores depend on all events before.
    """
    layout: EventInputs | None = None
    sums: list[InputSums] = []
    choice = _Choice(most, random or np.random.default_rng(0), in_order=model.remembers)
    pieces: list[dict[str, NDArray[Any]]] = []
    files: dict[str, int] = {}
    columns: dict[str, list[NDArray[np.float64]]] = {}
    units: list[NDArray[np.int64]] = []
    for number, piece in enumerate(_pieces(data, whole=model.remembers)):
        if number and model.remembers:
            raise DataError("a network with RememberState scores an event by all before it: give one Dataset")
        check_fits(model, piece)
        if layout is None:
            layout = EventInputs.of(model, piece)
            against = layout.variables() if against is None else against
            sums = [InputSums(layout.steps, len(layout.names)) for _ in piece.classes]
        scores = model.predict(piece, backend=backend)
        pieces.append(
            {
                "scores": scores,
                "weights": piece.weights,
                "comparable": piece.comparable_weights,
                "class_index": piece.class_index,
                "target_values": piece.target_values,
            }
        )
        for text, values in layout.values(against or (), piece).items():
            columns.setdefault(text, []).append(values)
        for name in piece.files:
            files.setdefault(name, len(files))
        if piece.recipe is not None:
            of_files = np.array([files[name] for name in piece.files])
            units.append(np.stack([of_files[piece.file_index], piece.entries]))
        X = layout.shaped(piece.X)
        choice.add(X)
        if inputs:
            _sum_up(sums, layout, X, piece)
    if layout is None or not sum(len(piece["weights"]) for piece in pieces):
        raise DataError("a report needs events, and there are none")
    joined = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    scored = ScoredSample(joined["scores"], joined["comparable"], joined["class_index"], joined["target_values"])
    known, failed = finite_rows(scored.scores), int((~scored.has_score).sum())
    if not known.any():
        raise DataError("no event has a score that is a number")
    groups = _grouped(units) if len(units) == len(pieces) else None
    names = (ALL,) if model.analysis == "Regression" else model.classes
    chosen = known[choice.places]
    return CollectedSample(
        scored.take(known),
        joined["weights"][known],
        {text: np.concatenate(values)[known] for text, values in columns.items()},
        None if groups is None else groups[known],
        layout,
        tuple(each.moments(name) for each, name in zip(sums, names, strict=True)) if inputs else (),
        choice.X[chosen],
        (np.cumsum(known) - 1)[choice.places[chosen]],
        tuple(files),
        failed,
    )


def _pieces(data: Dataset | Iterable[Dataset], *, whole: bool) -> Iterator[Dataset]:
    if isinstance(data, Dataset):
        yield from [data] if whole else data.pieces()
        return
    try:
        pieces = iter(data)
    except TypeError:
        raise DataError(
            f"a report takes a Dataset, or several, not {type(data).__name__}: make one with load or "
            "Dataset.from_arrays"
        ) from None
    yield from pieces


def _sum_up(sums: list[InputSums], layout: EventInputs, X: NDArray[np.float32], piece: Dataset) -> None:
    weights = piece.comparable_weights
    for first in range(0, len(X), _BLOCK):
        block = slice(first, first + _BLOCK)
        there = layout.there(X[block])
        for index, each in enumerate(sums):
            chosen = piece.class_index[block] == index
            each.add(X[block][chosen], there[chosen], weights[block][chosen])


def _grouped(units: list[NDArray[np.int64]]) -> NDArray[np.int64] | None:
    """A number for each file and entry (2, n); None where no entry gives several events."""
    if not units:
        return None
    file, entry = np.concatenate(units, axis=1)
    every, group = np.unique(file * (entry.max() + 1) + entry, return_inverse=True)
    return group if len(every) < len(group) else None


class _Choice:
    """Some events of a stream, each with the same chance; or the first, where their order matters."""

    def __init__(self, most: int, random: np.random.Generator, *, in_order: bool) -> None:
        self._most, self._random, self._in_order = most, random, in_order
        self._keys = np.empty(0)
        self._seen = 0
        self.X = np.empty((0, 0, 0), np.float32)
        self.places = np.empty(0, np.int64)

    def add(self, X: NDArray[np.float32]) -> None:
        """Of the next events (n, T, D), keep some, and let some others go."""
        numbers = np.arange(self._seen, self._seen + len(X))
        self._seen += len(X)
        if not self._most or not len(X):
            return
        keys = numbers.astype(np.float64) if self._in_order else self._random.random(len(X))
        bound = self._keys.max() if len(self._keys) == self._most else np.inf
        some = np.flatnonzero(keys < bound)
        some = some[np.argsort(keys[some], kind="stable")[: self._most]]
        keys, places = np.append(self._keys, keys[some]), np.append(self.places, numbers[some])
        kept = np.argsort(keys, kind="stable")[: self._most]
        kept = kept[np.argsort(places[kept])]
        self.X = (np.concatenate([self.X, X[some]]) if len(self.X) else X[some])[kept]
        self._keys, self.places = keys[kept], places[kept]
