"""The events of one source, with class, targets and weight."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.data.flat_variables import Column
from pytmva_rnn.data.in_memory import ArrayTree, read
from pytmva_rnn.data.recipe import Recipe, insert
from pytmva_rnn.data.rows import ListLengths, Rows
from pytmva_rnn.data.same_numbers import same
from pytmva_rnn.data.sampling import Sampling
from pytmva_rnn.data.sequences import Steps
from pytmva_rnn.data.sources import Source
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.options.split import SplitOptions

__all__ = ["LabelledPiece", "Reading", "labelled"]

log = logging.getLogger("pytmva_rnn")


@dataclass(frozen=True)
class Reading:
    """Everything that is computed for the events of a source, for one repetition of the recipe.

    Attributes
    ----------
    recipe : Recipe
    selection, weight : Formula, optional
    tree_weight : float
    classes : mapping of class name -> Formula
    targets : tuple of Column
    weighting : tuple of Formula
        What factors on the weights depend on.
    sampling : Sampling
        Which sample each event goes to.
    """

    recipe: Recipe
    selection: Formula | None
    weight: Formula | None
    tree_weight: float
    classes: Mapping[str, Formula]
    targets: tuple[Column, ...]
    weighting: tuple[Formula, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)

    def formulas(self) -> list[Formula]:
        """All that must be read."""
        given = [e for e in (self.selection, self.weight) if e is not None]
        targets = [self.recipe.formula(target.expression) for target in self.targets]
        formulas = [*self.recipe.formulas(), *given, *self.classes.values(), *targets, *self.weighting]
        return [*formulas, *self.sampling.formulas()]

    def build(self, columns: Columns, known: ListLengths | None = None) -> tuple[Dataset, int]:
        """The selected events, and the number of events before the selection.

        Their dataset has no names of classes and no efficiencies yet.

        Parameters
        ----------
        columns : Columns
            Some entries of a source.
        known : ListLengths, optional
            The same for all of the source.

        Raises
        ------
        DataError
            For inputs, targets or weights that are NaN or infinite, and whatever an expression raises.
        """
        known = known or ListLengths()
        chosen, rows = self._selected(columns, known)
        before = len(columns) if rows.element is None else len(self.recipe.rows(columns, known))
        class_index: NDArray[np.int64] = np.zeros(len(rows), dtype=np.int64)
        if self.classes:
            chosen, rows, class_index = self._classified(chosen, rows)
        X, spectators = self.recipe.build(chosen, rows)
        targets = [target.build(chosen, self.recipe.define, rows) for target in self.targets]
        target_values = np.concatenate([np.empty((len(rows), 0), np.float32), *targets], axis=1)
        if not np.isfinite(target_values).all():
            event, target = (int(i) for i in np.argwhere(~np.isfinite(target_values))[0])
            raise DataError(
                f"target {self.targets[target].name} is {target_values[event, target]} in {rows.event(event, chosen)}"
            )
        sampled: dict[str, Any] = self.sampling.build(chosen, rows)
        found = Dataset(
            X,
            class_index,
            self._weights(chosen, rows),
            (),
            target_values,
            self.targets,
            spectators,
            chosen.entries[rows.entry],
            (),
            recipe=self.recipe,
            files=(columns.place,),
            elements=same(0, len(rows)) if rows.element is None else rows.element,
            weighting_values=self._weighting_values(chosen, rows),
            **sampled,
        )
        return found, before

    def _selected(self, columns: Columns, known: ListLengths) -> tuple[Columns, Rows]:
        if self.selection is None:
            return columns, self.recipe.rows(columns, known)
        value = self.selection.raw(columns)
        if value.levels and not value.holds_single_elements:
            columns = columns.select(self.selection.anywhere(columns))
            rows = self.recipe.rows(columns, known)
            return columns, rows.take(rows.truth(self.selection, columns))
        columns = columns.select(self.selection.passed(self.selection.single(value, columns), columns))
        return columns, self.recipe.rows(columns, known)

    def _classified(self, columns: Columns, rows: Rows) -> tuple[Columns, Rows, NDArray[np.int64]]:
        member = np.array([rows.truth(expression, columns) for expression in self.classes.values()])
        twice = member.sum(axis=0) > 1
        if twice.any():
            event = int(np.argmax(twice))
            both = " and ".join(repr(name) for name, is_in in zip(self.classes, member[:, event], strict=True) if is_in)
            raise DataError(
                f"{rows.event(event, columns)} belongs to {both}; the classes' expressions must exclude each other"
            )
        some = np.asarray(member.any(axis=0))
        index = np.argmax(member, axis=0)[some]
        if isinstance(self.recipe.inputs, Steps):  # what sequences of no class hold does not matter
            return columns.select(some), Rows.each(len(index), rows.known), index
        return columns, rows.take(some), index

    def _weights(self, columns: Columns, rows: Rows) -> NDArray[np.float64]:
        if self.weight is None:
            return np.full(len(rows), float(self.tree_weight))
        return _finite(self.weight, columns, rows, "the weight") * self.tree_weight

    def _weighting_values(self, columns: Columns, rows: Rows) -> NDArray[np.float64]:
        values = [_finite(formula, columns, rows, "the variable of the reweighting") for formula in self.weighting]
        return np.stack(values, axis=1) if values else np.empty((len(rows), 0))


def _finite(formula: Formula, columns: Columns, rows: Rows, what: str) -> NDArray[np.float64]:
    values = rows.numbers(formula, columns).astype(np.float64)
    if not np.isfinite(values).all():
        event = int(np.argmin(np.isfinite(values)))
        raise DataError(f"{what} {formula.text!r} is {values[event]} in {rows.event(event, columns)}")
    return values


@dataclass(frozen=True, eq=False)
class LabelledPiece:
    """Some events of a source.

    Attributes
    ----------
    repetition : int
        Of the recipe.
    events : Dataset
        Those that are selected.
    before : int
        How many there were before any selection.
    entries : int
        That were read for these, and not for a repetition before.
    following : int
        How many events are to come of the same tree, if it goes on as here.
    """

    repetition: int
    events: Dataset
    before: int
    entries: int
    following: int


def labelled(
    recipe: Recipe,
    source: Source | ArrayTree,
    *,
    number: int = 0,
    classes: Mapping[str, str] | None = None,
    targets: tuple[Column, ...] = (),
    weighting: tuple[str, ...] = (),
    split: SplitOptions | None = None,
    has_others: bool = True,
    room: int | None = None,
) -> Iterator[LabelledPiece]:
    """Events of a source, piece by piece; of each there is one for every repetition.

    Parameters
    ----------
    recipe : Recipe
    source : Source or ArrayTree
    number : int
        Of the source among those of its class.
    classes : mapping of class name -> expression, optional
    targets : tuple of Column
    weighting : tuple of str
        Expressions that factors on the weights depend on.
    split : SplitOptions, optional
        Whose expressions tell the sample or the fold of an event.
    has_others : bool
        Whether events come from other sources too, so that nothing of this one is worth a warning.
    room : int, optional
        Bytes that a piece may take.
    """
    readings = []
    for values in recipe.repetitions():
        chosen = recipe.at(values)

        def parsed(text: str, values: Mapping[str, Any] = values, chosen: Recipe = chosen) -> Formula:
            return chosen.formula(insert(text, values))

        readings.append(
            Reading(
                chosen,
                None if source.selection is None else parsed(source.selection),
                None if source.weight is None else parsed(source.weight),
                source.factor,
                {name: parsed(text) for name, text in (classes or {}).items()},
                tuple(replace(target, expression=insert(target.expression, values)) for target in targets),
                tuple(parsed(text) for text in weighting),
                Sampling.of(source.sample, split or SplitOptions(), parsed),
            )
        )
    known = [ListLengths() for _ in readings]
    kept = before = 0
    places: dict[str, None] = {}
    for columns in read(source, [formula for reading in readings for formula in reading.formulas()], room=room):
        places[columns.place] = None
        for repetition, reading in enumerate(readings):
            found, entries = reading.build(columns, known[repetition])
            kept += len(found)
            before += entries
            numbers: dict[str, Any] = {"repetition": same(repetition, len(found)), "source": same(number, len(found))}
            events = replace(found, recipe=recipe, targets=targets, **numbers)
            following = columns.following * len(found) // max(1, len(columns))
            yield LabelledPiece(repetition, events, entries, 0 if repetition else len(columns), following)
    if not kept:
        nothing = f"none of the {before} events of {', '.join(places)} is selected"
        if source.sample is not None:
            raise DataError(f"the {source.sample} sample gets nothing of a source: {nothing}")
        if has_others:  # otherwise there is an error about all of them
            log.warning("a source gives nothing: %s", nothing)
