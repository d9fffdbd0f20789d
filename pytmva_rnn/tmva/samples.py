"""The declared trees, cuts and weights -> training and test sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import Column, Dataset, Recipe, Source, Variables, split
from pytmva_rnn.data.dataset import joined
from pytmva_rnn.data.labelled_events import Reading
from pytmva_rnn.data.rows import ListLengths
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Formula
from pytmva_rnn.options import SplitOptions
from pytmva_rnn.tmva.trees import Tree, read

__all__ = ["ClassTree", "Samples", "load_samples"]


@dataclass(frozen=True, eq=False)
class ClassTree:
    """A tree of events of one class.

    Attributes
    ----------
    tree : Tree
    name : str
        Of the class.
    weight : float
        Multiplies the weights of its events.
    cut : str
        Formula that is true for the events to take.
    sample : int
        FREE, TRAINING or TEST of `pytmva_rnn.data.splitting`.
    """

    tree: Tree
    name: str
    weight: float
    cut: str
    sample: int


@dataclass(frozen=True, eq=False)
class Samples:
    """Training and test sample, and how their inputs are made."""

    recipe: Recipe
    training: Dataset
    test: Dataset


def load_samples(
    trees: Sequence[ClassTree],
    variables: Sequence[Column],
    spectators: Sequence[Column],
    targets: Sequence[Column],
    cuts: Iterable[tuple[str, str]],
    weights: Mapping[str, str],
    options: SplitOptions,
) -> Samples:
    """Read all trees and divide their events.

    Parameters
    ----------
    trees : sequence of ClassTree
    variables, spectators, targets : sequences of Column
    cuts : iterable of (class, formula)
        An empty class is all classes.
    weights : mapping of class -> formula
        Likewise; that of a class goes before that of all.
    options : SplitOptions

    Raises
    ------
    DataError
        Without trees or variables, for a class without events, for cuts and weights of classes that have no trees, and
        whatever reading and dividing raise.
    """
    if not variables:
        raise DataError("the data loader has no variables: call AddVariable first")
    if not trees:
        raise DataError("the data loader has no trees: call AddSignalTree and AddBackgroundTree, or AddTree, first")
    recipe = Recipe(Variables(tuple(variables)), tuple(spectators))
    names = tuple(sorted(dict.fromkeys(tree.name for tree in trees), key=lambda name: name != "Signal"))
    if targets and len(names) > 1:
        raise DataError(f"a regression has events of one class, not of {', '.join(names)}")
    cuts = list(cuts)
    for what, named in (("cut", [name for name, _ in cuts]), ("weight", list(weights))):
        for name in named:
            if name and name not in names:
                raise DataError(f"a {what} is given for the class {name!r}, but trees only for {', '.join(names)}")
    parts: list[Dataset] = []
    places: list[NDArray[np.int64]] = []
    efficiencies = []
    for index, name in enumerate(names):
        entries = kept = 0
        weight = weights.get(name, weights.get("", ""))
        for number, tree in ((number, tree) for number, tree in enumerate(trees) if tree.name == name):
            selection = [tree.cut, *(cut for of_class, cut in cuts if of_class in ("", name))]
            reading = Reading(recipe, _all_of(selection), _parsed(weight), tree.weight, {}, tuple(targets))
            known = ListLengths()
            for columns in read(tree.tree, reading.formulas()):
                part, before = reading.build(columns, known)
                entries += before
                kept += len(part)
                if not isinstance(tree.tree, Source):  # events in memory are told apart by the number of their tree
                    part = replace(part, files=(f"{columns.place} ({number})",))
                parts.append(replace(part, class_index=np.full(len(part), index)))
                places.append(np.full(len(part), tree.sample))
        if kept == 0:
            raise DataError(f"class {name!r} has no events: none of {entries} passes the cuts")
        efficiencies.append(kept / entries)
    names_of_inputs = tuple(recipe.inputs.names)
    dataset = joined(parts, classes=names, efficiencies=tuple(efficiencies), variables=names_of_inputs)
    training, test = split(dataset, options, assigned=np.concatenate(places))
    return Samples(recipe, training, test)


def _all_of(formulas: Iterable[str]) -> Formula | None:
    given = [f"({text})" for text in formulas if text.strip()]
    return Formula.parse(" && ".join(given)) if given else None


def _parsed(formula: str) -> Formula | None:
    return Formula.parse(formula) if formula.strip() else None
