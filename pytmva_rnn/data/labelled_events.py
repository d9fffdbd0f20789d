"""The events of one source, with class, targets and weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.data.flat_variables import Column
from pytmva_rnn.data.in_memory import ArrayTree, read
from pytmva_rnn.data.recipe import Recipe, insert
from pytmva_rnn.data.sources import Source
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula

__all__ = ["Reading", "labelled"]


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
    """

    recipe: Recipe
    selection: Formula | None
    weight: Formula | None
    tree_weight: float
    classes: Mapping[str, Formula]
    targets: tuple[Column, ...]
    weighting: tuple[Formula, ...] = ()

    def formulas(self) -> list[Formula]:
        """All that must be read."""
        given = [e for e in (self.selection, self.weight) if e is not None]
        targets = [self.recipe.formula(target.expression) for target in self.targets]
        return [*self.recipe.formulas(), *given, *self.classes.values(), *targets, *self.weighting]

    def build(self, columns: Columns) -> Dataset:
        """The selected events; their dataset has no names of classes and no efficiencies yet.

        Raises
        ------
        DataError
            For inputs, targets or weights that are NaN or infinite, and whatever an expression raises.
        """
        if self.selection is not None:
            columns = columns.select(self.selection.truth(columns))
        class_index: NDArray[np.int64] = np.zeros(len(columns), dtype=np.int64)
        if self.classes:
            columns, class_index = self._classified(columns)
        X, spectators = self.recipe.build(columns)
        targets = [target.build(columns, self.recipe.define) for target in self.targets]
        target_values = np.concatenate([np.empty((len(columns), 0), np.float32), *targets], axis=1)
        if not np.isfinite(target_values).all():
            event, target = (int(i) for i in np.argwhere(~np.isfinite(target_values))[0])
            raise DataError(
                f"target {self.targets[target].name} is {target_values[event, target]} in {columns.event(event)}"
            )
        return Dataset(
            X,
            class_index,
            self._weights(columns),
            (),
            target_values,
            self.targets,
            spectators,
            columns.entries,
            (),
            recipe=self.recipe,
            files=(columns.place,),
            weighting_values=self._weighting_values(columns),
        )

    def _classified(self, columns: Columns) -> tuple[Columns, NDArray[np.int64]]:
        member = np.array([expression.truth(columns) for expression in self.classes.values()])
        twice = member.sum(axis=0) > 1
        if twice.any():
            event = int(np.argmax(twice))
            both = " and ".join(repr(name) for name, is_in in zip(self.classes, member[:, event], strict=True) if is_in)
            raise DataError(
                f"{columns.event(event)} belongs to {both}; the classes' expressions must exclude each other"
            )
        some = np.asarray(member.any(axis=0))
        return columns.select(some), np.argmax(member, axis=0)[some]

    def _weights(self, columns: Columns) -> NDArray[np.float64]:
        if self.weight is None:
            return np.full(len(columns), float(self.tree_weight))
        return _finite(self.weight, columns, "the weight") * self.tree_weight

    def _weighting_values(self, columns: Columns) -> NDArray[np.float64]:
        values = [_finite(formula, columns, "the variable of the reweighting") for formula in self.weighting]
        return np.stack(values, axis=1) if values else np.empty((len(columns), 0))


def _finite(formula: Formula, columns: Columns, what: str) -> NDArray[np.float64]:
    values = formula.per_event(columns).astype(np.float64)
    if not np.isfinite(values).all():
        event = int(np.argmin(np.isfinite(values)))
        raise DataError(f"{what} {formula.text!r} is {values[event]} in {columns.event(event)}")
    return values


def labelled(
    recipe: Recipe,
    source: Source | ArrayTree,
    *,
    number: int = 0,
    classes: Mapping[str, str] | None = None,
    targets: tuple[Column, ...] = (),
    weighting: tuple[str, ...] = (),
) -> tuple[list[Dataset], int]:
    """Events of a source, one repetition of the recipe after the other, and their number before any selection.

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
                source.tree_weight,
                {name: parsed(text) for name, text in (classes or {}).items()},
                tuple(replace(target, expression=insert(target.expression, values)) for target in targets),
                tuple(parsed(text) for text in weighting),
            )
        )
    parts: list[list[Dataset]] = [[] for _ in readings]
    before = 0
    for columns in read(source, [formula for reading in readings for formula in reading.formulas()]):
        before += len(columns) * len(readings)
        for repetition, (reading, part) in enumerate(zip(readings, parts, strict=True)):
            found = reading.build(columns)
            constant = np.ones(len(found), np.int64)
            part.append(
                replace(
                    found, recipe=recipe, targets=targets, repetition=repetition * constant, source=number * constant
                )
            )
    return [piece for part in parts for piece in part], before
