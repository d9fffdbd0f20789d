"""Trees -> the inputs of every entry, to score them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.flat_variables import Column
from pytmva_rnn.data.growing_array import GrowingArray
from pytmva_rnn.data.in_memory import ArrayTree, read
from pytmva_rnn.data.recipe import Recipe, insert
from pytmva_rnn.data.rows import ListLengths, Rows
from pytmva_rnn.data.sources import STEP, Source
from pytmva_rnn.formula import Columns, Formula

__all__ = [
    "Inputs",
    "Repetitions",
    "changed_by",
    "inputs_of_repetitions",
    "iterate_inputs",
    "iterate_repetitions",
    "joined_elements",
    "load_inputs",
]


@dataclass(frozen=True, eq=False)
class Inputs:
    """Unlabelled events, in the order of a tree: one for each entry, or for each element of variables that are lists.

    Attributes
    ----------
    X : (n, T, D) or (n, NVar) float32
    spectators : (n, S)
        Integers if all are, else float64.
    entries : (n,) int64
        Entry in its file.
    elements : (n,) int64, optional
        The element of its entry that each event is; None where no variable is a list, so that each entry is one event.
    place : str
        `file.root:tree`, or what events in memory are called; of several places, the first.
    """

    X: NDArray[np.float32]
    spectators: NDArray[Any]
    entries: NDArray[np.int64]
    place: str = "the data"
    elements: NDArray[np.int64] | None = None


class Repetitions:
    """The repetitions of a recipe, made of the same entries: what every way to score reads events with.

    Neither the selection nor the weight of a source is used, so that there is a row for each entry, or, as TMVA makes
    events of them, for each element of the lists that are variables: none for an empty list. NaN and infinite values
    are passed on, as TMVA does.

    Parameters
    ----------
    recipe : Recipe
    values : sequence of mapping, optional
        All of `recipe.repetitions()` by default.

    Attributes
    ----------
    recipes : list of Recipe
        One for each repetition.
    """

    def __init__(self, recipe: Recipe, values: Sequence[Mapping[str, Any]] | None = None) -> None:
        chosen = recipe.repetitions() if values is None else values
        self.recipes = [replace(recipe.at(each), allow_nan=True) for each in chosen]
        self._known = [ListLengths() for _ in self.recipes]

    def formulas(self) -> list[Formula]:
        """What must be read."""
        return [formula for recipe in self.recipes for formula in recipe.formulas()]

    def rows(self, columns: Columns) -> list[Rows]:
        """The events that some entries make, for each repetition; pieces of a source are to come in its order."""
        return [recipe.rows(columns, known) for recipe, known in zip(self.recipes, self._known, strict=True)]

    def inputs(self, columns: Columns, rows: Sequence[Rows] | None = None) -> list[Inputs]:
        """The events themselves; `rows` is what the method of that name gave."""
        every = self.rows(columns) if rows is None else rows
        found = []
        for recipe, each in zip(self.recipes, every, strict=True):
            X, spectators = recipe.build(columns, each)
            found.append(Inputs(X, spectators, columns.entries[each.entry], columns.place, each.element))
        return found


def iterate_inputs(
    recipe: Recipe, source: Source | ArrayTree, values: Mapping[str, Any] | None = None, *, step: int = STEP
) -> Iterator[Inputs]:
    """The inputs of every entry of a source, a piece at a time, to score them; see `Repetitions`.

    Parameters
    ----------
    recipe : Recipe
    source : Source or ArrayTree
    values : mapping, optional
        One of `recipe.repetitions()`, for a recipe with `for_each`.
    step : int
        Largest number of entries at a time; a piece never has entries of two files.
    """
    for (piece,) in iterate_repetitions(recipe, source, [values or {}], step=step):
        yield piece


def iterate_repetitions(
    recipe: Recipe,
    source: Source | ArrayTree,
    repetitions: Sequence[Mapping[str, Any]] | None = None,
    *,
    step: int = STEP,
) -> Iterator[list[Inputs]]:
    """As `iterate_inputs`, with the inputs of several repetitions of each piece, for which the source is read once.

    Parameters
    ----------
    repetitions : sequence of mapping, optional
        All of `recipe.repetitions()` by default.
    """
    made = Repetitions(recipe, repetitions)
    for columns in read(source, made.formulas(), step=step):
        yield made.inputs(columns)


def changed_by(recipe: Recipe, column: Column, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values of `for_each` on which a column depends, itself or by a definition."""
    used = {}
    for name, value in values.items():
        trees = []
        for each in recipe.for_each[name]:
            changed = {**values, name: each}
            trees.append(Formula.parse(insert(column.expression, changed), recipe.definitions(changed)).tree)
        if any(tree != trees[0] for tree in trees):
            used[name] = value
    return used


def load_inputs(recipe: Recipe, source: Source | ArrayTree, values: Mapping[str, Any] | None = None) -> Inputs:
    """All of `iterate_inputs` at once."""
    X, pieces = GrowingArray(), []
    made = Repetitions(recipe, [values or {}])
    for columns in read(source, made.formulas()):
        (piece,) = made.inputs(columns)
        X.append(piece.X, columns.following * len(piece.X) // max(1, len(columns)))
        pieces.append(replace(piece, X=piece.X[:0].copy()))
    return Inputs(
        X.finish(),
        np.concatenate([piece.spectators for piece in pieces]),
        np.concatenate([piece.entries for piece in pieces]),
        pieces[0].place,
        joined_elements([piece.elements for piece in pieces], [len(piece.entries) for piece in pieces]),
    )


def inputs_of_repetitions(recipe: Recipe, source: Source | ArrayTree) -> NDArray[np.float32]:
    """The inputs alone, (m, T, D) or (m, NVar): of all events for the first repetition, then for the second ..."""
    pieces = zip(*iterate_repetitions(recipe, source), strict=True)
    return np.concatenate([piece.X for of_repetition in pieces for piece in of_repetition])


def joined_elements(elements: Sequence[NDArray[np.int64] | None], lengths: Sequence[int]) -> NDArray[np.int64] | None:
    """The elements of several pieces, None where none has any: a list in one file may be a number in another.

    Parameters
    ----------
    elements : sequence of (n,) int64 or None
    lengths : sequence of int
        The n of each piece.
    """
    if all(each is None for each in elements):
        return None
    return np.concatenate(
        [np.zeros(n, np.int64) if each is None else each for each, n in zip(elements, lengths, strict=True)]
    )
