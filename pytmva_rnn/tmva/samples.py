"""The declared trees, events, cuts and weights -> training and test sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pytmva_rnn.data import Column, Dataset, Recipe, Variables, split
from pytmva_rnn.data.dataset import joined
from pytmva_rnn.data.distinct import check_distinct
from pytmva_rnn.data.entry_units import check_repeated
from pytmva_rnn.data.gathering import InMemory
from pytmva_rnn.data.labelled_events import labelled
from pytmva_rnn.data.loading import common_tree
from pytmva_rnn.errors import DataError
from pytmva_rnn.options import SplitOptions
from pytmva_rnn.tmva.assigned_events import AssignedEvents
from pytmva_rnn.tmva.trees import Tree

__all__ = ["ClassTree", "Samples", "cut_and_weight", "load_samples"]


@dataclass(frozen=True, eq=False)
class ClassTree:
    """A tree of events of one class.

    Attributes
    ----------
    tree : Tree
        With a selection and a weight of its own, perhaps.
    name : str
        Of the class.
    weight : float
        Multiplies the weights of its events.
    cut : str
        Formula that is true for the events to take.
    sample : "training" or "test", optional
        Where its events go; the split decides by default.
    """

    tree: Tree
    name: str
    weight: float
    cut: str
    sample: str | None


@dataclass(frozen=True, eq=False)
class Samples:
    """Training and test sample, and how their inputs are made."""

    recipe: Recipe
    training: Dataset
    test: Dataset


def load_samples(
    trees: Sequence[ClassTree],
    events: Sequence[AssignedEvents],
    classes: Sequence[str],
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
    events : sequence of AssignedEvents
    classes : sequence of str
        Names of the classes of these, in the order in which they were added.
    variables, spectators, targets : sequences of Column
    cuts : iterable of (class, formula)
        An empty class is all classes.
    weights : mapping of class -> formula
        Likewise; that of a class goes before that of all. Events that were given one by one have their own.
    options : SplitOptions

    Raises
    ------
    DataError
        Without events or variables, for a class without events, for cuts and weights of classes that have none, and
        whatever reading and dividing raise.
    """
    if not variables:
        raise DataError("the data loader has no variables: call AddVariable first")
    if not classes:
        raise DataError("the data loader has no trees: call AddSignalTree and AddBackgroundTree, or AddTree, first")
    recipe = Recipe(Variables(tuple(variables)), tuple(spectators))
    names = tuple(sorted(classes, key=lambda name: name != "Signal"))
    if targets and len(names) > 1:
        raise DataError(f"a regression has events of one class, not of {', '.join(names)}")
    if not targets and len(names) < 2:
        raise DataError(
            f"a classification has events of two classes or more, here there is {names[0]!r} only: add another tree, "
            "or call AddTarget for a regression"
        )
    cuts = list(cuts)
    for what, named in (("cut", [name for name, _ in cuts]), ("weight", list(weights))):
        for name in named:
            if name and name not in names:
                raise DataError(f"a {what} is given for the class {name!r}, but trees only for {', '.join(names)}")
    recipe.check_distinct()
    check_distinct("target", targets)
    parts: list[Dataset] = []
    efficiencies = []
    for index, name in enumerate(names):
        cut, weight = cut_and_weight(name, cuts, weights)
        gathered = InMemory()
        entries = 0
        for number, tree in enumerate(each for each in trees if each.name == name):
            for piece in labelled(
                recipe, _source(tree, cut, weight), number=number, targets=tuple(targets), split=options
            ):
                gathered.add(piece)
                entries += piece.before
            gathered.end_source()
        found = [] if gathered.is_empty else [gathered.finish()]
        for number, given in enumerate((each for each in events if each.name == name), start=len(trees)):
            found.append(given.dataset(recipe, variables, targets, cut, number))
            entries += len(given)
        kept = sum(map(len, found))
        if kept == 0:
            raise DataError(f"class {name!r} has no events: none of {entries} passes the cuts")
        efficiencies.append(kept / entries)
        parts += [replace(part, class_index=np.full(len(part), index)) for part in found]
    dataset = joined(
        parts,
        classes=names,
        efficiencies=tuple(efficiencies),
        recipe=recipe,
        variables=tuple(recipe.inputs.names),
        tree=None if events else common_tree([tree.tree for tree in trees]),
        read_for=options,
    )
    training, test = split(dataset, options)
    check_repeated(dataset)
    return Samples(recipe, training, test)


def _source(each: ClassTree, cut: str, weight: str) -> Tree:
    """The tree with all that the script says of it."""
    tree = each.tree
    said: dict[str, Any] = {
        "selection": _both_of(tree.selection or "", each.cut, cut) or None,
        "weight": _product(tree.weight or "", weight) or None,
        "tree_weight": each.weight * tree.factor,
        "sample": each.sample or tree.sample,
    }
    return replace(tree, **said)


def cut_and_weight(name: str, cuts: Iterable[tuple[str, str]], weights: Mapping[str, str]) -> tuple[str, str]:
    """The formulas for the events of a class, of the cuts and weights that `load_samples` takes."""
    cut = _both_of(*(cut for of_class, cut in cuts if of_class in ("", name)))
    return cut, weights.get(name, weights.get("", ""))


def _both_of(*cuts: str) -> str:
    """One formula that is true where all are; empty ones are left out."""
    given = [cut for cut in cuts if cut.strip()]
    return given[0] if len(given) == 1 else " && ".join(f"({cut})" for cut in given)


def _product(first: str, second: str) -> str:
    given = [weight for weight in (first, second) if weight.strip()]
    return given[0] if len(given) == 1 else " * ".join(f"({weight})" for weight in given)
