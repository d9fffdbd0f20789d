"""Scores of the entries of ROOT files, a piece at a time, with what tells the entries apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import Column
from pytmva_rnn.data.rows import ListLengths, Rows
from pytmva_rnn.data.scoring_inputs import changed_by
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.formula.locations import Location
from pytmva_rnn.formula.tree_reading import STEP, opened, read_trees, stored_friends
from pytmva_rnn.model import Model
from pytmva_rnn.weightfile.model_inputs import recipe_of
from pytmva_rnn.weightfile.stored_recipe import TREE

__all__ = ["ScoredEvents", "Scoring"]


@dataclass(frozen=True, eq=False)
class ScoredEvents:
    """Events of one file with their scores.

    Attributes
    ----------
    scores : list of (n,) or (n, O) float32
        One array for each repetition of the recipe.
    spectators : list of (n,)
    kept : list of n numbers or lists of numbers
        Of the branches that are passed on.
    entries : (n,) int64
        Entry in the file.
    elements : (n,) int64, optional
        Element of the entry; None where no variable is a list, so that each entry is one event.
    place : str
        `file.root:tree`.
    not_finite : int
        Events with an input that is NaN or infinite.
    file : int
        Of the files that are scored.
    read : int
        Entries that these events were made of.
    """

    scores: list[NDArray[np.float32]]
    spectators: list[NDArray[Any]]
    kept: list[Any]
    entries: NDArray[np.int64]
    elements: NDArray[np.int64] | None
    place: str
    not_finite: int
    file: int
    read: int

    def __len__(self) -> int:
        return len(self.entries)


@dataclass(frozen=True, eq=False)
class _Inputs:
    """A piece before it is scored: inputs (n, ...) for each repetition, and everything else."""

    X: list[NDArray[np.float32]]
    events: ScoredEvents


class Scoring:
    """Scores what a weight file's recipe makes of the entries of trees.

    Neither a selection nor a weight is used: there is an event for each entry, or for each element of the lists that
    are variables.

    Parameters
    ----------
    model : Model
    keep : sequence of str
        Branches that are passed on: numbers or lists of numbers.
    spectators : bool
        Whether the spectators of the training are computed too.
    backend : str
    friends : sequence of str
        Of the trees, as in `pytmva_rnn.data.Source`.

    Attributes
    ----------
    model : Model
    recipe : Recipe
        As stored, or what the variables of a file by C++ TMVA stand for.
    keep : list of str
    spectators : list of (Column, number of the repetition)
        Those that the values of `for_each` change are there for each of these.
    stored_friends : set of str
        Files that the trees found so far name as those of their friends.

    Raises
    ------
    WeightFileError
        If the stored recipe cannot be understood.
    DataError
        For a name that cannot be one of a branch.
    """

    def __init__(
        self,
        model: Model,
        *,
        keep: Sequence[str] = (),
        spectators: bool = False,
        backend: str = "cpu",
        friends: Sequence[str] = (),
    ) -> None:
        self.model = model
        self.recipe = recipe_of(model, spectators=True)
        self.keep = list(keep)
        self._backend = backend
        self._friends = tuple(friends)
        self._kept = [_bare(name) for name in keep]
        self._chosen = [
            replace(self.recipe.at(values), allow_nan=True, spectators=()) for values in self.recipe.repetitions()
        ]
        self.stored_friends: set[str] = set()
        self._known = [ListLengths() for _ in self._chosen]
        wanted = self.recipe.spectators if spectators else ()
        self.spectators: list[tuple[Column, int]] = [
            (replace(column, label=given.label or given.expression), number)
            for number, values in enumerate(self.recipe.repetitions())
            for given, column in zip(wanted, self.recipe.at(values).spectators if wanted else (), strict=True)
            if number == 0 or changed_by(self.recipe, given, values)
        ]

    def locate(self, location: Location) -> tuple[Location, int]:
        """A file with its tree, and the number of its entries.

        Where no tree is named and the file holds several, that of the training is taken.

        Raises
        ------
        DataError
            If it cannot be opened.
        """
        file, tree = location
        trained_on = dict(self.model.info).get(TREE)
        try:
            with opened(file, tree) as (found, place):
                return location, self._looked_at(found, place, file)
        except DataError:
            if tree is not None or trained_on is None:
                raise
        with opened(file, trained_on) as (found, place):
            return (file, trained_on), self._looked_at(found, place, file)

    def _looked_at(self, tree: Any, place: str, file: str) -> int:
        """The number of entries; the files of the tree's friends are remembered."""
        self.stored_friends |= {path for _, path, _ in stored_friends(tree, place, file)}
        return int(tree.num_entries)

    def events(
        self, files: Sequence[tuple[Location, int]], before: int = 0, step: int = STEP
    ) -> Iterator[ScoredEvents]:
        """The scored events of files, one after the other.

        Parameters
        ----------
        files : sequence of (location, entries)
            As `locate` returns them.
        before : int
            Entries of the files before these, which `Entry$` counts.
        step : int
            Largest number of entries at a time; a piece never has events of two files. Of a network with RememberState
            all events are scored at once, since their scores depend on all before.

        Raises
        ------
        DataError
            For what cannot be read, a branch that is missing, a file that has not the entries that were counted, and
            several files with friends, each of which goes along with one.
        """
        if self._friends and len(files) > 1:
            raise DataError(f"a friend goes along with one file, and there are {len(files)}: score them one by one")
        pieces = self._pieces(files, before, step)
        if self.model.remembers:
            yield from self._scored_together(list(pieces))
            return
        for piece in pieces:
            scores = [self.model.predict(X, backend=self._backend) for X in piece.X]
            yield replace(piece.events, scores=scores)

    def _scored_together(self, pieces: list[_Inputs]) -> Iterator[ScoredEvents]:
        ends = np.cumsum([len(piece.events) for piece in pieces])[:-1]
        together = [
            np.split(self.model.predict(np.concatenate(every), backend=self._backend), ends)
            for every in zip(*(piece.X for piece in pieces), strict=True)
        ]
        for piece, *scores in zip((piece.events for piece in pieces), *together, strict=True):
            yield replace(piece, scores=scores)

    def _pieces(self, files: Sequence[tuple[Location, int]], before: int, step: int) -> Iterator[_Inputs]:
        formulas = [formula for recipe in self._chosen for formula in recipe.formulas()]
        formulas += self._kept
        formulas += [self._chosen[number].formula(column.expression) for column, number in self.spectators]
        for number, (location, counted) in enumerate(files):
            found = 0
            if counted:
                for columns in read_trees([location], formulas, step=step, before=before, friends=self._friends):
                    found += len(columns)
                    yield self._piece(columns, number)
            if found != counted:
                raise DataError(
                    f"{location[0]} had {counted:,} entries when they were counted, and has {found:,} now: it was "
                    "replaced while it was read; run this again"
                )
            before += counted

    def _piece(self, columns: Columns, file: int) -> _Inputs:
        every = [recipe.rows(columns, lengths) for recipe, lengths in zip(self._chosen, self._known, strict=True)]
        rows = every[0]
        if any(not np.array_equal(other.entry, rows.entry) for other in every[1:]):
            raise DataError(
                f"the values of for_each make different numbers of events of the entries of {columns.place}, which "
                "cannot stand side by side"
            )
        X = [recipe.build(columns, each)[0] for recipe, each in zip(self._chosen, every, strict=True)]
        finite = np.ones(len(rows), bool)
        for inputs in X:
            finite &= np.isfinite(inputs).all(axis=tuple(range(1, inputs.ndim)))
        spectators = [
            column.numbers(columns, self._chosen[number].define, every[number]) for column, number in self.spectators
        ]
        kept = [_kept(formula, columns, rows) for formula in self._kept]
        entries = columns.entries[rows.entry]
        bad = int((~finite).sum())
        return _Inputs(
            X, ScoredEvents([], spectators, kept, entries, rows.element, columns.place, bad, file, len(columns))
        )


def _bare(name: str) -> Formula:
    """A branch, whose name may need back quotes in formulas."""
    for text in (name, f"`{name}`"):
        try:
            formula = Formula.parse(text)
        except DataError:
            continue
        if formula.column is not None:
            return formula
    raise DataError(f"{name!r} is no name of a branch; branches can be kept, formulas cannot")


def _kept(formula: Formula, columns: Columns, rows: Rows) -> Any:
    """The values of a branch for each event: an array of numbers, or an awkward array of lists of numbers."""
    array = columns.arrays[formula.names[0]]
    try:
        values = ak.to_numpy(array, allow_missing=False)
    except ValueError:
        values = array
        content = ak.flatten(array, axis=1) if array.ndim == 2 else None
        if content is None or not _numbers(ak.type(content).content):
            raise _not_kept(formula.names[0], ak.type(array).content, columns.place) from None
    else:
        if values.dtype.kind not in "biuf" or values.ndim > 2:
            raise _not_kept(formula.names[0], ak.type(array).content, columns.place)
    return values if rows.element is None else values[rows.entry]


def _numbers(kind: Any) -> bool:
    return isinstance(kind, ak.types.NumpyType) and kind.parameter("__array__") is None


def _not_kept(name: str, kind: Any, place: str) -> DataError:
    return DataError(f"the branch {name!r} of {place} holds {kind}; numbers and lists of numbers can be kept")
