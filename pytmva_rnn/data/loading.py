"""Files or arrays in memory -> a Dataset to train with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pytmva_rnn.data.dataset import Dataset, joined
from pytmva_rnn.data.flat_variables import Column
from pytmva_rnn.data.in_memory import ArrayTree, as_source
from pytmva_rnn.data.labelled_events import labelled
from pytmva_rnn.data.recipe import Recipe
from pytmva_rnn.data.sources import Source
from pytmva_rnn.errors import DataError

__all__ = ["load"]


def load(
    recipe: Recipe,
    sources: Any,
    *,
    classes: Mapping[str, str] | None = None,
    targets: Sequence[str | Column] | None = None,
) -> Dataset:
    """Read labelled events.

    Parameters
    ----------
    recipe : Recipe
        How the inputs are made of the branches.
    sources : source, list of sources, or mapping of class name -> source or list of sources
        A source is a `Source`, `"file.root:tree"`, or events in memory: a mapping of names to arrays, an awkward array
        of records, a structured NumPy array or a DataFrame. With `classes` or `targets` the sources hold all events,
        otherwise those of each class.
    classes : mapping of class name -> expression, optional
        What is true for the events of each class. Events of no class are dropped.
    targets : list of str or Column, optional
        What a regression shall learn: expressions, perhaps with labels, `energy := hypot(p, m)`.

    Returns
    -------
    Dataset
        The class named "Signal" is class 0, the others keep their order. Of sources of all classes the events are in
        the order of the entries, repeated for each value of the recipe's `for_each`; of others, class after class.

    Raises
    ------
    DataError
        For fewer than two classes, a class without events, an event of two classes, a target or weight that is NaN or
        infinite, and whatever reading raises.
    """
    if targets is not None:
        if classes is not None:
            raise DataError("give either classes or the targets of a regression, not both")
        return _regression(recipe, _listed(sources, "a regression"), targets)
    if classes is not None:
        return _classes_by_expression(recipe, _listed(sources, "expressions for the classes"), classes)
    if not isinstance(sources, Mapping):
        raise DataError(
            "one source of events for all classes needs an expression for each class (classes), or targets to learn"
        )
    return _sources_of_classes(recipe, sources)


def _sources_of_classes(recipe: Recipe, sources: Mapping[str, Any]) -> Dataset:
    names = _ordered(sources)
    parts: list[Dataset] = []
    given: list[Source | ArrayTree] = []
    efficiencies = []
    for index, name in enumerate(names):
        entries = kept = 0
        for number, source in enumerate(_sources(sources[name], f"the arrays of {name}")):
            given.append(source)
            more, before = labelled(recipe, source, number=number)
            parts += [replace(part, class_index=np.full(len(part), index)) for part in more]
            entries += before
            kept += sum(len(part) for part in more)
        if kept == 0:
            raise DataError(f"class {name!r} has no events: none of {entries} passes the selection")
        efficiencies.append(kept / entries)
    return _dataset(recipe, given, parts, classes=names, efficiencies=tuple(efficiencies))


def _classes_by_expression(recipe: Recipe, sources: list[Source | ArrayTree], classes: Mapping[str, str]) -> Dataset:
    names = _ordered(classes)
    parts: list[Dataset] = []
    entries = 0
    for number, source in enumerate(sources):
        more, before = labelled(recipe, source, number=number, classes={name: classes[name] for name in names})
        parts += more
        entries += before
    counts = np.sum([np.bincount(part.class_index, minlength=len(names)) for part in parts], axis=0)
    for name, count in zip(names, counts, strict=True):
        if count == 0:
            raise DataError(f"class {name!r} has no events: none of {entries} passes its expression and the selection")
    efficiencies = tuple(float(count / entries) for count in counts)
    return _dataset(recipe, sources, parts, classes=names, efficiencies=efficiencies)


def _regression(recipe: Recipe, sources: list[Source | ArrayTree], targets: Sequence[str | Column]) -> Dataset:
    columns = tuple(t if isinstance(t, Column) else Column.from_data(t) for t in targets)
    if not columns:
        raise DataError("a regression needs at least one target")
    parts: list[Dataset] = []
    entries = 0
    for number, source in enumerate(sources):
        more, before = labelled(recipe, source, number=number, targets=columns)
        parts += more
        entries += before
    kept = sum(len(part) for part in parts)
    if kept == 0:
        selections = " or ".join(repr(source.selection) for source in sources)
        raise DataError(f"no events: none of {entries} passes the selection {selections}")
    return _dataset(recipe, sources, parts, classes=("Regression",), efficiencies=(kept / entries,))


def _dataset(recipe: Recipe, sources: list[Source | ArrayTree], parts: list[Dataset], **known: Any) -> Dataset:
    return joined(parts, recipe=recipe, variables=tuple(recipe.inputs.names), tree=_common_tree(sources), **known)


def _common_tree(sources: list[Source | ArrayTree]) -> str | None:
    names = {source.tree if isinstance(source, Source) else None for source in sources}
    return names.pop() if len(names) == 1 else None


def _listed(sources: Any, what: str) -> list[Source | ArrayTree]:
    """Sources of all classes together."""
    if isinstance(sources, Mapping) and any(isinstance(each, Source | ArrayTree) for each in sources.values()):
        raise DataError(f"{what} are for events of all classes together, not for a source per class")
    return _sources(sources, "the arrays")


def _sources(given: Any, place: str) -> list[Source | ArrayTree]:
    several = given if isinstance(given, list | tuple) else [given]
    if not several:
        raise DataError("no source of events is given")
    return [as_source(each, place) for each in several]


def _ordered(names: Mapping[str, Any]) -> tuple[str, ...]:
    if len(names) < 2:
        raise DataError(f"a classification needs at least two classes, not {len(names)}")
    return tuple(sorted(names, key=lambda name: name.casefold() != "signal"))
