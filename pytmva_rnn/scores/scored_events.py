"""Scores of the entries of trees, a piece at a time, with what tells the entries apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import ArrayTree, Column, Source
from pytmva_rnn.data.file_identity import identity
from pytmva_rnn.data.in_memory import read
from pytmva_rnn.data.rows import Rows
from pytmva_rnn.data.sampling import Sampling
from pytmva_rnn.data.scoring_inputs import Repetitions, changed_by
from pytmva_rnn.description import padded_steps
from pytmva_rnn.ensemble import Ensemble
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.formula.friends import stored_friends
from pytmva_rnn.formula.locations import Location
from pytmva_rnn.formula.opened_trees import opened
from pytmva_rnn.formula.tree_reading import STEP, read_trees
from pytmva_rnn.model import Model
from pytmva_rnn.network.events import mask_of
from pytmva_rnn.scores.kept_branches import bare_name, is_pattern, kept_values, matching_branches
from pytmva_rnn.weightfile.model_inputs import recipe_of
from pytmva_rnn.weightfile.stored_recipe import TREE, stored_inputs

__all__ = ["ScoredEvents", "Scoring", "Spectator"]

_VALUES = 8_000_000
"""Input values held at a time (32 MB in float32)."""
_FEWEST_ENTRIES = 1_000


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
    spreads : list of (n,) or (n, O) float32
        Of an ensemble the standard deviation of its members, for each repetition; else empty.
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
    spreads: list[NDArray[np.float32]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.entries)


@dataclass(frozen=True)
class Spectator:
    """A spectator of the training that goes along with the scores.

    Attributes
    ----------
    column : Column
        Its label is never empty.
    repetition : int
        Number of the repetition of the recipe that it is computed in.
    values : mapping
        Those of the values of `for_each` on which it depends.
    """

    column: Column
    repetition: int
    values: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class _Unscored:
    """A piece before it is scored: inputs (n, ...) for each repetition, and everything else."""

    X: list[NDArray[np.float32]]
    events: ScoredEvents
    folds: NDArray[np.int64] | None = None


class Scoring:
    """Scores what a weight file's recipe makes of the entries of trees: the one way to do so, for files and memory.

    Neither a selection nor a weight is used: there is an event for each entry, or for each element of the lists that
    are variables.

    Parameters
    ----------
    model : Model or Ensemble
        An ensemble of folds scores each event by the networks that have not seen its fold.
    keep : sequence of str
        Branches that are passed on: numbers or lists of numbers. A pattern, `Jet_*`, stands for all of these that it
        matches in the first tree.
    spectators : bool
        Whether the spectators of the training are computed too.
    backend : str
    friends : sequence of str
        Of the trees in files, as in `pytmva_rnn.data.Source`.

    Attributes
    ----------
    model : Model
        Of an ensemble the first, which has all but the weights in common with the others.
    recipe : Recipe
        As stored, or what the variables of a file by C++ TMVA stand for.
    keep : list of str
        Names, once the first tree was located.
    spectators : list of Spectator
    identities : dict of str -> dict
        By what each file that was located is known again, with the tree in it and its entries.
    stored_friends : dict of str -> str
        Files, with the trees in them, that the trees found so far name as their friends.

    Raises
    ------
    WeightFileError
        If the stored recipe cannot be understood.
    DataError
        For a name that cannot be one of a branch.
    """

    def __init__(
        self,
        model: Model | Ensemble,
        *,
        keep: Sequence[str] = (),
        spectators: bool = False,
        backend: str = "cpu",
        friends: Sequence[str] = (),
    ) -> None:
        self._ensemble = model if isinstance(model, Ensemble) else None
        self.model = model.members[0] if isinstance(model, Ensemble) else model
        if self._ensemble is not None and self._ensemble.remembers:
            raise DataError("networks with RememberState score an event by all before it, and cannot be an ensemble")
        self.recipe = recipe_of(self.model, spectators=True)
        self.keep = list(keep)
        for name in self.keep:
            if not is_pattern(name):
                bare_name(name)
        self._backend = backend
        self._friends = tuple(friends)
        self._repetitions = Repetitions(replace(self.recipe, spectators=()))
        by = None if self._ensemble is None or self._ensemble.rule is None else self._ensemble.rule.by
        self._fold_rule = Sampling(fold_by=None if by is None else self._repetitions.recipes[0].formula(by))
        self.spectators = self._spectators() if spectators else []
        self.identities: dict[str, dict[str, Any]] = {}
        self.stored_friends: dict[str, str] = {}

    def _spectators(self) -> list[Spectator]:
        """Those that the values of `for_each` change are there for each of these."""
        found: list[Spectator] = []
        for number, values in enumerate(self.recipe.repetitions()):
            for given, column in zip(self.recipe.spectators, self.recipe.at(values).spectators, strict=True):
                label = given.label or given.expression
                used = changed_by(self.recipe, given, values)
                if not any(other.column.label == label and other.values == used for other in found):
                    found.append(Spectator(replace(column, label=label), number, used))
        return found

    @property
    def has_spread(self) -> bool:
        """Whether there are `spreads`."""
        return self._ensemble is not None

    @property
    def step(self) -> int:
        """Entries to read at a time, by the memory that their inputs take."""
        return max(_FEWEST_ENTRIES, min(STEP, _VALUES // max(1, len(self.model.variables))))

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
        """The number of entries; what else is known of a file is remembered."""
        self.identities[file] = {**identity(file), "tree": str(tree.name), "entries": int(tree.num_entries)}
        self.stored_friends |= {path: inside for _, path, inside in stored_friends(tree, place, file)}
        if any(map(is_pattern, self.keep)):
            self.keep = matching_branches(tree, place, self.keep)
        return int(tree.num_entries)

    def events(
        self, files: Sequence[tuple[Location, int]], before: int = 0, *, allow_empty: bool = False
    ) -> Iterator[ScoredEvents]:
        """The scored events of files, one after the other.

        Parameters
        ----------
        files : sequence of (location, entries)
            As `locate` returns them.
        before : int
            Entries of the files before these, which `Entry$` counts.
        allow_empty : bool
            Give a piece without events of a file that has none, by which the types of everything are known.

        Raises
        ------
        DataError
            For what cannot be read, a branch that is missing, a file that has not the entries that were counted, and
            several files with friends, each of which goes along with one.
        """
        if self._friends and len(files) > 1:
            raise DataError(f"a friend goes along with one file, and there are {len(files)}: score them one by one")
        return self._scored(self._columns(files, before, allow_empty))

    def events_of(self, source: Source | ArrayTree) -> Iterator[ScoredEvents]:
        """The scored events of a source, with the friends and aliases that it says; raises as `events`."""

        def numbered() -> Iterator[tuple[int, Columns]]:
            places: dict[str, int] = {}
            for columns in read(source, self._formulas(), step=self.step):
                yield places.setdefault(columns.place, len(places)), columns

        return self._scored(numbered())

    def _formulas(self) -> list[Formula]:
        """What must be read."""
        recipes = self._repetitions.recipes
        return [
            *self._repetitions.formulas(),
            *map(bare_name, self.keep),
            *(recipes[each.repetition].formula(each.column.expression) for each in self.spectators),
            *self._fold_rule.formulas(),
        ]

    def _folds(self, columns: Columns, rows: Rows, entries: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """The fold of each event, where there are folds."""
        if self._ensemble is None or self._ensemble.rule is None:
            return None
        rule = self._ensemble.rule
        numbers = entries if rule.by is None else self._fold_rule.build(columns, rows)["fold_values"]
        return numbers % rule.folds

    def _columns(
        self, files: Sequence[tuple[Location, int]], before: int, allow_empty: bool
    ) -> Iterator[tuple[int, Columns]]:
        formulas = self._formulas()
        for number, (location, counted) in enumerate(files):
            found = 0
            if counted or allow_empty:
                for columns in read_trees(
                    [location],
                    formulas,
                    step=self.step,
                    before=before,
                    friends=self._friends,
                    allow_empty=allow_empty,
                ):
                    found += len(columns)
                    yield number, columns
            if found != counted:
                raise DataError(
                    f"{location[0]} had {counted:,} entries when they were counted, and has {found:,} now: it was "
                    "replaced while it was read; run this again"
                )
            before += counted

    def _scored(self, every: Iterator[tuple[int, Columns]]) -> Iterator[ScoredEvents]:
        """With RememberState all events are scored at once, since their scores depend on all before."""
        pieces = self._explained(self._unscored(columns, file) for file, columns in every)
        if self.model.remembers:
            yield from self._scored_together(list(pieces))
            return
        for piece in pieces:
            if self._ensemble is None:
                scores = [self._predicted(X) for X in piece.X]
                yield replace(piece.events, scores=scores)
                continue
            given: dict[str, Any] = {"folds": piece.folds, "backend": self._backend}
            answers = [self._ensemble.answers(X, mask=self._mask(X), **given) for X in piece.X]
            scores, spreads = ([answer[number] for answer in answers] for number in (0, 1))
            yield replace(piece.events, scores=scores, spreads=spreads)

    def _predicted(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.model.predict(X, mask=self._mask(X), backend=self._backend)

    def _mask(self, X: NDArray[np.float32]) -> NDArray[np.bool_] | None:
        """Which steps are there, where the recipe knows it; variables one by one have to be marked."""
        return mask_of(self.model, X) if self.recipe.mask_padding else None

    def _explained(self, pieces: Iterator[_Unscored]) -> Iterator[_Unscored]:
        """Where the recipe is only guessed, what is wrong may be that."""
        try:
            yield from pieces
        except DataError as error:
            if stored_inputs(self.model) is not None:
                raise
            hint = "the weight file does not tell how its variables were made, so that their expressions are taken"
            raise DataError(f"{error} ({hint})") from error

    def _scored_together(self, pieces: list[_Unscored]) -> Iterator[ScoredEvents]:
        ends = np.cumsum([len(piece.events) for piece in pieces])[:-1]
        together = [
            np.split(self._predicted(np.concatenate(every)), ends)
            for every in zip(*(piece.X for piece in pieces), strict=True)
        ]
        for piece, *scores in zip((piece.events for piece in pieces), *together, strict=True):
            yield replace(piece, scores=scores)

    def _unscored(self, columns: Columns, file: int) -> _Unscored:
        every = self._repetitions.rows(columns)
        rows = every[0]
        if any(not np.array_equal(other.entry, rows.entry) for other in every[1:]):
            raise DataError(
                f"the values of for_each make different numbers of events of the entries of {columns.place}, which "
                "cannot stand side by side"
            )
        inputs = self._repetitions.inputs(columns, every)
        finite = np.ones(len(rows), bool)
        for each in inputs:
            numbers = np.isfinite(each.X)
            if self.model.mask_padding:
                steps, width = self.model.event_shape
                there_not = padded_steps(each.X.reshape(len(each.X), steps, width))
                numbers = numbers.reshape(len(numbers), steps, width) | there_not[:, :, np.newaxis]
            finite &= numbers.all(axis=tuple(range(1, numbers.ndim)))
        recipes = self._repetitions.recipes
        spectators = [
            each.column.numbers(columns, recipes[each.repetition].define, every[each.repetition])
            for each in self.spectators
        ]
        kept = [kept_values(bare_name(name), columns, rows) for name in self.keep]
        bad = int((~finite).sum())
        events = ScoredEvents(
            [], spectators, kept, inputs[0].entries, rows.element, columns.place, bad, file, len(columns)
        )
        return _Unscored([each.X for each in inputs], events, self._folds(columns, rows, inputs[0].entries))
