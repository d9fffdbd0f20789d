"""Trees -> events in arrays, to train with or to score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.data.flat_variables import Column
from pytmva_rnn.data.recipe import Recipe, insert
from pytmva_rnn.data.sources import STEP, Source, read_columns
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula

__all__ = [
    "Inputs",
    "Reading",
    "iterate_inputs",
    "joined",
    "load_classification",
    "load_inputs",
    "load_regression",
]


@dataclass(frozen=True, eq=False)
class Inputs:
    """Unlabelled events, one for each entry of a tree and in its order.

    Attributes
    ----------
    X : (n, T, D) or (n, NVar) float32
    spectators : (n, S)
        Integers if all are, else float64.
    entries : (n,) int64
    """

    X: NDArray[np.float32]
    spectators: NDArray[Any]
    entries: NDArray[np.int64]


def iterate_inputs(
    recipe: Recipe, source: Source, values: Mapping[str, Any] | None = None, *, step: int = STEP
) -> Iterator[Inputs]:
    """The inputs of every entry of a source, a piece at a time, to score them.

    Neither the selection nor the weight of the source is used, so that there is one row for each entry. NaN and
    infinite values are passed on, as TMVA does.

    Parameters
    ----------
    recipe : Recipe
    source : Source
    values : mapping, optional
        One of `recipe.repetitions()`, for a recipe with `for_each`.
    step : int
        Largest number of entries at a time.
    """
    chosen = replace(recipe.at(values or {}), allow_nan=True)
    for columns in read_columns(source, chosen.formulas(), step=step):
        X, spectators = chosen.build(columns)
        yield Inputs(X, spectators, columns.entries)


def load_inputs(recipe: Recipe, source: Source, values: Mapping[str, Any] | None = None) -> Inputs:
    """All of `iterate_inputs` at once."""
    pieces = list(iterate_inputs(recipe, source, values))
    return Inputs(
        np.concatenate([piece.X for piece in pieces]),
        np.concatenate([piece.spectators for piece in pieces]),
        np.concatenate([piece.entries for piece in pieces]),
    )


def load_classification(
    recipe: Recipe, sources: Mapping[str, Source] | Source, classes: Mapping[str, str] | None = None
) -> Dataset:
    """Read events of two or more classes.

    Parameters
    ----------
    recipe : Recipe
    sources : mapping of class name -> Source, or one Source
        Files or trees of each class, or those that hold all classes.
    classes : mapping of class name -> expression, optional
        With one Source: what is true for the events of each class. Events of no class are dropped.

    Returns
    -------
    Dataset
        The class named "Signal" is class 0, the others keep their order. Of one Source the events are in the order of
        the entries, repeated for each value of the recipe's `for_each`; of several, class after class.

    Raises
    ------
    DataError
        For fewer than two classes, a class without events, an event of two classes, and whatever reading raises.
    """
    if isinstance(sources, Source):
        if classes is None:
            raise DataError("one source of events for all classes needs an expression for each class")
        names = _ordered(classes)
        parts, before = _read(recipe, sources, classes={name: classes[name] for name in names})
        entries_before = [before] * len(names)
    else:
        if classes is not None:
            raise DataError("expressions for the classes are for one source of events, not for a source per class")
        names = _ordered(sources)
        parts, entries_before = [], []
        for index, name in enumerate(names):
            more, before = _read(recipe, sources[name])
            parts += [replace(part, class_index=np.full(len(part), index)) for part in more]
            entries_before.append(before)
    data = joined(parts, names, ())
    counts = np.bincount(data.class_index, minlength=len(names))
    for name, count, before in zip(names, counts, entries_before, strict=True):
        if count == 0:
            raise DataError(
                f"class {name!r} has no events: none of {before} passes "
                + ("its expression and the selection" if isinstance(sources, Source) else "the selection")
            )
    efficiencies = tuple(float(c / b) for c, b in zip(counts, entries_before, strict=True))
    return replace(data, efficiencies=efficiencies)


def load_regression(recipe: Recipe, source: Source, targets: list[str | Column]) -> Dataset:
    """Read events with the values that a regression shall learn.

    Parameters
    ----------
    recipe : Recipe
    source : Source
    targets : list of str or Column
        Expressions, perhaps with labels: `energy := hypot(p, m)`.

    Raises
    ------
    DataError
        Without targets or events, for a target that is NaN or infinite, and whatever reading raises.
    """
    columns = tuple(t if isinstance(t, Column) else Column.from_data(t) for t in targets)
    if not columns:
        raise DataError("a regression needs at least one target")
    parts, before = _read(recipe, source, targets=columns)
    data = joined(parts, ("Regression",), columns)
    if len(data) == 0:
        raise DataError(f"no events: none of {before} passes the selection {source.selection!r}")
    return replace(data, efficiencies=(len(data) / before,))


def _ordered(names: Mapping[str, Any]) -> tuple[str, ...]:
    if len(names) < 2:
        raise DataError(f"a classification needs at least two classes, not {len(names)}")
    return tuple(sorted(names, key=lambda name: name != "Signal"))


def joined(parts: list[Dataset], classes: tuple[str, ...], targets: tuple[Column, ...]) -> Dataset:
    """One dataset of several, in their order; its `efficiencies` are left empty."""
    return Dataset(
        X=np.concatenate([part.X for part in parts]),
        class_index=np.concatenate([part.class_index for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
        classes=classes,
        target_values=np.concatenate([part.target_values for part in parts]),
        targets=targets,
        spectators=np.concatenate([part.spectators for part in parts]),
        entries=np.concatenate([part.entries for part in parts]),
        efficiencies=(),
    )


@dataclass(frozen=True)
class Reading:
    """Everything that is computed for the events of a source, for one repetition of the recipe."""

    recipe: Recipe
    selection: Formula | None
    weight: Formula | None
    tree_weight: float
    classes: Mapping[str, Formula]
    targets: tuple[Column, ...]

    def formulas(self) -> list[Formula]:
        """All that must be read."""
        given = [e for e in (self.selection, self.weight) if e is not None]
        targets = [self.recipe.formula(target.expression) for target in self.targets]
        return [*self.recipe.formulas(), *given, *self.classes.values(), *targets]

    def build(self, columns: Columns) -> Dataset:
        """The selected events; their dataset has no names of classes and no efficiencies yet.

        Raises
        ------
        DataError
            For inputs, targets or weights that are NaN or infinite, and whatever an expression raises.
        """
        if self.selection is not None:
            columns = columns.select(_truth(self.selection, columns))
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
            X, class_index, self._weights(columns), (), target_values, self.targets, spectators, columns.entries, ()
        )

    def _classified(self, columns: Columns) -> tuple[Columns, NDArray[np.int64]]:
        member = np.array([_truth(expression, columns) for expression in self.classes.values()])
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
        weights = self.weight.per_event(columns).astype(np.float64) * self.tree_weight
        if not np.isfinite(weights).all():
            event = int(np.argmin(np.isfinite(weights)))
            raise DataError(f"the weight {self.weight.text!r} is {weights[event]} in {columns.event(event)}")
        return weights


def _truth(expression: Formula, columns: Columns) -> NDArray[np.bool_]:
    return expression.truth(columns)


def _read(
    recipe: Recipe, source: Source, *, classes: Mapping[str, str] | None = None, targets: tuple[Column, ...] = ()
) -> tuple[list[Dataset], int]:
    """Events of a source, one repetition of the recipe after the other, and their number before any selection."""
    readings = []
    for values in recipe.repetitions():
        chosen = recipe.at(values)

        def parsed(text: str | None, values: Mapping[str, Any] = values, chosen: Recipe = chosen) -> Formula | None:
            return None if text is None else chosen.formula(insert(text, values))

        readings.append(
            Reading(
                chosen,
                parsed(source.selection),
                parsed(source.weight),
                source.tree_weight,
                {name: chosen.formula(insert(text, values)) for name, text in (classes or {}).items()},
                tuple(replace(target, expression=insert(target.expression, values)) for target in targets),
            )
        )
    parts: list[list[Dataset]] = [[] for _ in readings]
    before = 0
    for columns in read_columns(source, [formula for reading in readings for formula in reading.formulas()]):
        before += len(columns) * len(readings)
        for reading, part in zip(readings, parts, strict=True):
            part.append(reading.build(columns))
    return [piece for part in parts for piece in part], before
