"""Files or arrays in memory -> a Dataset to train with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from pytmva_rnn.data.cache_limit import cache_limit as limit_of_cache
from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.data.distinct import check_distinct
from pytmva_rnn.data.entry_units import check_repeated
from pytmva_rnn.data.flat_variables import Column
from pytmva_rnn.data.gathering import Gathering, InMemory
from pytmva_rnn.data.in_memory import ArrayTree, as_source
from pytmva_rnn.data.labelled_events import labelled
from pytmva_rnn.data.labels import names_of_columns, signal_first
from pytmva_rnn.data.memory_limit import MemoryLimit
from pytmva_rnn.data.recipe import Recipe
from pytmva_rnn.data.reweighting import Reweight
from pytmva_rnn.data.same_numbers import same
from pytmva_rnn.data.sources import Source
from pytmva_rnn.data.streaming import streamed
from pytmva_rnn.data.sums_of_weights import NegativeWeights, check_sums, with_signs
from pytmva_rnn.data.weighting import Weighting
from pytmva_rnn.description.arrays import numbers
from pytmva_rnn.errors import DataError
from pytmva_rnn.options.split import SplitOptions

__all__ = ["common_tree", "load"]

AnySource: TypeAlias = Source | ArrayTree
_Given: TypeAlias = list[AnySource] | Mapping[str, list[AnySource]]


def load(
    recipe: Recipe | None,
    sources: Any,
    *,
    classes: Mapping[str, str] | None = None,
    targets: Sequence[str | Column] | None = None,
    split: SplitOptions | str | Mapping[str, Any] = "",
    negative_weights: NegativeWeights = "keep",
    reweight: Reweight | None = None,
    balance: bool = False,
    memory: int | str | MemoryLimit | None = None,
    cache_limit: int | str | None = None,
) -> Dataset:
    """Read labelled events.

    Parameters
    ----------
    recipe : Recipe or None
        How the inputs are made of the branches. With None the sources are finished inputs of each class, as
        `Dataset.from_arrays` takes X: a mapping of class name -> array (n, NVar) or (n, T, D), or DataFrame.
    sources : source, list of sources, or mapping of class name -> source or list of sources
        A source is a `Source`, `"file.root:tree"`, or events in memory: a mapping of names to arrays, an awkward array
        of records, a structured NumPy array or a DataFrame. With `classes` or `targets` the sources hold all events,
        otherwise those of each class.
    classes : mapping of class name -> expression, optional
        What is true for the events of each class. Events of no class are dropped.
    targets : list of str or Column, optional
        What a regression shall learn: expressions, perhaps with labels, `energy := hypot(p, m)`.
    split : SplitOptions, str or mapping, optional
        How `Dataset.divide` and `split` will divide the events by default: what its formulas `test`, `validation` and
        `fold_by` need is read too.
    negative_weights : "keep", "absolute" or "ignore"
        What to do with events whose weight is negative: keep it, take its absolute value, or leave the event out, of
        all samples; the method's option IgnoreNegWeightsInTraining leaves it out of the training alone.
    reweight : Reweight, optional
        Make distributions alike. As with `balance`, the factors are learned from the training sample when the events
        are divided, or else when they are trained with, and are in the weights of all samples from then on.
    balance : bool
        Give all classes the same sum of weights.
    memory : int or str, optional
        What the whole program may take of memory: bytes, or a text such as `"2 GB"`. The events of files are then read
        piece by piece into a cache on disk, where the next training finds them (see `clear_cache`). If they fit into
        the limit they are in memory all the same; if not, the arrays of the Dataset lie in files, all works as it does
        in memory, and an epoch of the training takes them in blocks.

    cache_limit : int or str, optional
        With `memory`, what that cache may take of the disk, such as `"20 GB"`: when more is in it, the events go that
        were not used for longest, never those in use. If None, the environment variable PYTMVA_RNN_CACHE_LIMIT, or
        100 GB.

    Returns
    -------
    Dataset
        The class named "Signal" is class 0, the others keep their order. Of sources of all classes the events are in
        the order of the entries, repeated for each value of the recipe's `for_each`; of others, class after class.

    Raises
    ------
    DataError
        For fewer than two classes, a class without events or whose weights do not add up to something positive, an
        event of two classes or twice in one, a target or weight that is NaN or infinite, variables that are the same, a
        name of `for_each` that stands nowhere, and whatever reading raises.
    """
    if recipe is None:
        if classes is not None or targets is not None or split or reweight is not None or memory is not None:
            raise DataError(
                "finished inputs have no branches: classes, targets, split, reweight and memory need a recipe"
            )
        return replace(_finished(sources), weighting=Weighting(balance=balance) if balance else None)
    given_recipe: Any = recipe
    if not isinstance(given_recipe, Recipe):
        raise DataError(
            f"the first argument of load is a Recipe, such as Recipe(Variables(('x', 'y'))), not {given_recipe!r:.80}"
        )
    if isinstance(targets, str):
        raise DataError(f"targets are a list of expressions, not {targets!r}")
    if classes is not None and not isinstance(classes, Mapping):
        raise DataError(f"classes are a mapping of class names to expressions, not {classes!r}")
    for name, text in (classes or {}).items():
        if not isinstance(text, str):
            raise DataError(f"class {name!r} is told by an expression in quotes, not by {text!r}")
    options = split if isinstance(split, SplitOptions) else SplitOptions.parse(split)
    columns = None if targets is None else tuple(t if isinstance(t, Column) else Column.from_data(t) for t in targets)
    weighting = Weighting(reweight, balance)
    disk = limit_of_cache(cache_limit)
    recipe.check_distinct()
    check_distinct("target", columns or ())
    if targets is not None:
        if classes is not None:
            raise DataError("give either classes or the targets of a regression, not both")
        if weighting != Weighting():
            raise DataError("reweighting and balance are for classes, not for a regression")
        given: Any = _listed(sources, "a regression")
    elif classes is not None:
        given = _listed(sources, "expressions for the classes")
    elif isinstance(sources, Mapping):
        given = _of_classes(sources)
    else:
        raise DataError(
            "one source of events for all classes needs an expression for each class (classes), or targets to learn"
        )
    labels = [*(classes or {}).values(), *(column.expression for column in columns or ())]
    recipe.check_for_each([*_texts(given), *labels, *options.formulas, *weighting.variables])
    given_to: _Given = given
    if columns is not None:
        read: Callable[[Gathering], tuple[float, ...]] = partial(_regression, recipe, given, columns, options)
        names: tuple[str, ...] = ("Regression",)
    elif classes is not None:
        names = _ordered(classes)
        ordered = {name: classes[name] for name in names}
        read = partial(_classes_by_expression, recipe, given, ordered, options, weighting)
    else:
        names = tuple(given)
        read = partial(_sources_of_classes, recipe, given, options, weighting)
    known: dict[str, Any] = {
        "classes": names,
        "targets": columns or (),
        "recipe": recipe,
        "variables": tuple(recipe.inputs.names),
        "tree": common_tree(_every(given_to)),
        "read_for": options,
        "mask_padding": recipe.mask_padding,
    }
    if memory is None:
        gathered = InMemory()
        efficiencies = read(gathered)
        data = gathered.finish(**known, efficiencies=efficiencies)
    else:
        asked = {"classes": dict(classes or {}), "weighting": weighting.variables}
        data = streamed(MemoryLimit.of(memory), given_to, read, known, asked, disk)
    check_repeated(data)
    data = with_signs(data, negative_weights)
    check_sums(data, "events")
    return data if weighting == Weighting() else replace(data, weighting=weighting)


def _finished(sources: Any) -> Dataset:
    """Finished inputs of each class."""
    if not isinstance(sources, Mapping):
        raise DataError("finished inputs are a mapping of class names to arrays; with labels, use Dataset.from_arrays")
    names = _ordered(sources)
    columns = {name: names_of_columns(sources[name]) for name in names}
    for name, found in columns.items():
        if found != columns[names[0]]:
            raise DataError(
                f"the columns of class {name!r}, {found}, are not those of {names[0]!r}, {columns[names[0]]}"
            )
    arrays = [numbers(sources[name], f"the inputs of class {name}") for name in names]
    for name, array in zip(names, arrays, strict=True):
        if array.shape[1:] != arrays[0].shape[1:]:
            raise DataError(
                f"events of class {name!r} have the shape {array.shape[1:]}, those of {names[0]!r} "
                f"{arrays[0].shape[1:]}"
            )
    labels = np.repeat(names, [len(array) for array in arrays])
    return Dataset.from_arrays(np.concatenate(arrays), labels, classes=names, variables=columns[names[0]])


def _sources_of_classes(
    recipe: Recipe,
    sources: Mapping[str, list[AnySource]],
    options: SplitOptions,
    weighting: Weighting,
    gathering: Gathering,
) -> tuple[float, ...]:
    """Read events of sources for each class; the fraction of its entries that is selected."""
    efficiencies = []
    for index, name in enumerate(sources):
        entries = kept = 0
        for number, source in enumerate(sources[name]):
            for piece in labelled(
                recipe,
                source,
                number=number,
                split=options,
                weighting=weighting.variables,
                has_others=len(sources[name]) > 1,
                room=gathering.room,
            ):
                events = replace(piece.events, class_index=same(index, len(piece.events)))
                gathering.add(replace(piece, events=events))
                entries += piece.before
                kept += len(piece.events)
            gathering.end_source()
        if kept == 0:
            raise DataError(f"class {name!r} has no events: none of {entries} passes the selection")
        efficiencies.append(kept / entries)
    return tuple(efficiencies)


def _classes_by_expression(
    recipe: Recipe,
    sources: list[AnySource],
    classes: Mapping[str, str],
    options: SplitOptions,
    weighting: Weighting,
    gathering: Gathering,
) -> tuple[float, ...]:
    """Read events of all classes together; the fraction of the entries that is of each class."""
    entries = 0
    counts = np.zeros(len(classes), np.int64)
    for number, source in enumerate(sources):
        for piece in labelled(
            recipe,
            source,
            number=number,
            classes=classes,
            split=options,
            weighting=weighting.variables,
            has_others=len(sources) > 1,
            room=gathering.room,
        ):
            gathering.add(piece)
            entries += piece.before
            counts += np.bincount(piece.events.class_index, minlength=len(classes))
        gathering.end_source()
    for name, count in zip(classes, counts, strict=True):
        if count == 0:
            raise DataError(f"class {name!r} has no events: none of {entries} passes its expression and the selection")
    return tuple(float(count / entries) for count in counts)


def _regression(
    recipe: Recipe,
    sources: list[AnySource],
    columns: tuple[Column, ...],
    options: SplitOptions,
    gathering: Gathering,
) -> tuple[float, ...]:
    """Read events with what is to be learned of them; the fraction of the entries that is selected."""
    if not columns:
        raise DataError("a regression needs at least one target")
    entries = kept = 0
    for number, source in enumerate(sources):
        for piece in labelled(
            recipe,
            source,
            number=number,
            targets=columns,
            split=options,
            has_others=len(sources) > 1,
            room=gathering.room,
        ):
            gathering.add(piece)
            entries += piece.before
            kept += len(piece.events)
        gathering.end_source()
    if kept == 0:
        selections = " or ".join(repr(source.selection) for source in sources)
        raise DataError(f"no events: none of {entries} passes the selection {selections}")
    return (kept / entries,)


def common_tree(sources: Sequence[Source | ArrayTree]) -> str | None:
    """The tree that all sources name, if they do."""
    names: set[str | None] = set()
    for source in sources:
        names |= {tree for _, tree in source.locations()} if isinstance(source, Source) else {None}
    return names.pop() if len(names) == 1 else None


def _listed(sources: Any, what: str) -> list[AnySource]:
    """Sources of all classes together."""
    if isinstance(sources, Mapping) and any(isinstance(each, Source | ArrayTree) for each in sources.values()):
        raise DataError(f"{what} are for events of all classes together, not for a source per class")
    return _sources(sources, "the arrays")


def _of_classes(sources: Mapping[str, Any]) -> dict[str, list[AnySource]]:
    """The sources of each class, the signal first."""
    return {name: _sources(sources[name], f"the arrays of {name}") for name in _ordered(sources)}


def _sources(given: Any, place: str) -> list[AnySource]:
    several = given if isinstance(given, list | tuple) else [given]
    if not several:
        raise DataError("no source of events is given: the list is empty")
    found: list[AnySource] = []
    for number, each in enumerate(several):
        source = as_source(each, place)
        if isinstance(source, ArrayTree):
            # Events in memory are told apart by what they are called.
            called = place if source.place == "the arrays" else source.place
            source = replace(source, place=called if len(several) == 1 else f"{called} ({number})")
        found.append(source)
    return found


def _every(given: _Given) -> list[AnySource]:
    """The sources, of whatever class."""
    return [source for some in given.values() for source in some] if isinstance(given, Mapping) else given


def _texts(given: _Given) -> list[str]:
    """The selections and weights of sources."""
    return [text for source in _every(given) for text in (source.selection, source.weight) if text is not None]


def _ordered(names: Mapping[str, Any]) -> tuple[str, ...]:
    if len(names) < 2:
        raise DataError(f"a classification needs at least two classes, not {len(names)}")
    given: list[Any] = list(names)
    for name in given:
        if not isinstance(name, str) or not name or not name.isprintable():
            raise DataError(f"the name of a class is a text that can be printed, such as 'Signal', not {name!r}")
    return signal_first(tuple(names))
