"""Whatever holds events -> the inputs of a network, made as its weight file says."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import ArrayTree, Dataset, Recipe, Source, count_entries, load_inputs
from pytmva_rnn.data.in_memory import as_source
from pytmva_rnn.description import Description
from pytmva_rnn.description.padded_steps import check_marked
from pytmva_rnn.errors import DataError
from pytmva_rnn.packages import ak, is_awkward
from pytmva_rnn.weightfile.stored_recipe import TREE, stored_inputs, stored_recipe

__all__ = ["are_variables", "inputs_of", "labelled_columns", "made_inputs", "recipe_of", "single_recipe", "source_of"]


def inputs_of(model: Description, data: Any) -> Any:
    """The inputs of every event, in the order of the events.

    Parameters
    ----------
    model : Description
    data : array, Dataset, Source, `"file.root:tree"`, or columns in memory as `pytmva_rnn.load` takes them
        Columns are what the formulas of the recipe need, or else they have the names of the variables.

    Returns
    -------
    array, (n, NVar) or (n, T, D)

    Raises
    ------
    DataError
        For columns that could be both, a Dataset of other variables, a network that makes several events of an entry,
        variables one by one of which nobody tells what steps are there, and whatever reading raises.
    """
    if isinstance(data, Dataset):
        return _of_dataset(model, data)
    if not _has_names(data):
        return data
    source = source_of(model, data)
    if isinstance(source, ArrayTree) and are_variables(model, source.arrays):
        return labelled_columns(model, source.arrays)
    return made_inputs(model, source)


def made_inputs(model: Description, source: Source | ArrayTree) -> NDArray[np.float32]:
    """The inputs that the recipe makes of each entry of a source; raises as `inputs_of`."""
    recipe = single_recipe(model)
    found = load_inputs(recipe, source)
    if found.elements is not None:
        entries = source.size if isinstance(source, ArrayTree) else count_entries(source)
        if found.elements.any() or len(found.X) != entries:
            raise DataError(
                f"variables are lists in {found.place}, each element of which is an event: use score, which has "
                "columns for the entry and the element"
            )
    return found.X if recipe.mask_padding else _told(model, found.X)


def single_recipe(model: Description) -> Recipe:
    """How the inputs are made, without spectators, of a network that reads each entry once.

    Raises
    ------
    DataError
        If it reads entries once for each of several values.
    """
    recipe = recipe_of(model)
    if recipe.for_each:
        listed = " and ".join(f"each {name} of {', '.join(map(str, all_))}" for name, all_ in recipe.for_each.items())
        raise DataError(f"this network reads every entry once for {listed}: use score, which has a column for each")
    return recipe


def source_of(model: Description, given: Any, tree: str | None = None) -> Source | ArrayTree:
    """Where events are; the tree that the network was trained on where none is named and a file holds several.

    Parameters
    ----------
    model : Description
    given : source, or list of paths
    tree : str, optional
        The name of the tree.

    Raises
    ------
    DataError
        For a name of the tree beside anything but paths.
    """
    if isinstance(given, list | tuple) and given and all(isinstance(each, str | os.PathLike) for each in given):
        given = Source(tuple(os.fspath(each) for each in given), tree)
    elif isinstance(given, str | os.PathLike):
        given = Source((os.fspath(given),), tree)
    elif tree is not None:
        raise DataError("tree is for paths of files; a Source says itself what its tree is, and columns have none")
    source = as_source(given)
    trained_on = dict(model.info).get(TREE)
    if isinstance(source, Source) and source.tree is None and trained_on is not None:
        try:
            count_entries(source)
        except DataError:
            return replace(source, tree=trained_on)
    return source


def recipe_of(model: Description, *, spectators: bool = False) -> Recipe:
    """How the inputs are made; of a file of C++ TMVA, what its variables (and spectators) say."""
    if stored_inputs(model) is None:
        return Recipe.from_variables(model.variables, model.spectators if spectators else ())
    recipe = stored_recipe(model)
    return recipe if spectators else replace(recipe, spectators=())


def labelled_columns(model: Description, arrays: Mapping[str, Any]) -> NDArray[np.float32]:
    """Columns under the variables' labels; consecutive elements of one array variable come from one column.

    Raises
    ------
    DataError
        For what is no column of numbers, and steps of which nobody tells whether they are there.
    """
    columns = []
    element = 0
    for number, variable in enumerate(model.variables):
        values = arrays[variable.label]
        same = number > 0 and model.variables[number - 1].label == variable.label
        element = element + 1 if same else 0
        if not variable.type.endswith("[]"):
            columns.append(_numbers(values, variable.label, 1))
        elif element == 0:
            size = sum(1 for other in model.variables[number:] if other.label == variable.label)
            columns.append(_numbers(values, variable.label, size))
    return _told(model, np.concatenate(columns, axis=1))


def _told(model: Description, X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Variables one by one, (n, NVar), which do not know of steps: those that are not there have to be marked."""
    if model.mask_padding:
        check_marked(X.reshape(len(X), *model.event_shape))
    return X


def _numbers(values: Any, label: str, size: int) -> NDArray[np.float32]:
    wanted = "one number" if size == 1 else f"{size} numbers"
    try:
        found = np.asarray(ak.to_numpy(values, allow_missing=False), np.float32)
        found = found.reshape(len(values), size if len(values) == 0 else -1)
    except (TypeError, ValueError) as error:
        raise DataError(f"column {label!r}: {wanted} per event needed") from error
    if found.shape[1] != size:
        raise DataError(f"column {label!r}: {wanted} per event needed, not {found.shape[1]}")
    return found


def _has_names(data: Any) -> bool:
    """Whether this is a source of events with names, not an array of numbers."""
    if isinstance(data, Source | ArrayTree | str | os.PathLike | Mapping):
        return True
    if isinstance(data, np.ndarray):
        return data.dtype.names is not None
    if hasattr(data, "object_path"):  # a tree of uproot
        return True
    if is_awkward(data):
        return bool(ak.fields(data))
    return hasattr(data, "iloc") and hasattr(data, "columns") and all(isinstance(name, str) for name in data.columns)


def _of_dataset(model: Description, data: Dataset) -> NDArray[np.float32]:
    if data.mask_padding != model.mask_padding:
        which, other = ("Dataset", "network") if data.mask_padding else ("network", "Dataset")
        raise DataError(
            f"the {which} leaves out steps that are not there (mask_padding), and the {other} does not: make both alike"
        )
    has_arrays = any(variable.type.endswith("[]") for variable in model.variables)
    if has_arrays or stored_inputs(model) is not None:
        names = tuple(recipe_of(model).inputs.names)
    else:
        names = tuple(variable.label for variable in model.variables)
    if data.variables and data.variables != names:
        raise DataError(
            f"the Dataset has the variables {_listed(data.variables)}, but the network was trained with "
            f"{_listed(names)}"
        )
    return data.X


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every) if len(every) < 8 else f"{', '.join(every[:6])} ... ({len(every)} in all)"


def are_variables(model: Description, names: Collection[str]) -> bool:
    """Whether columns of these names are the variables themselves, and not what they are computed of.

    Raises
    ------
    DataError
        If they could be both.
    """
    if not all(variable.label in names for variable in model.variables):
        return False
    if all(variable.label == variable.expression for variable in model.variables):
        return True
    needed = {name for formula in recipe_of(model).formulas() for name in formula.names}
    if all(name.partition(".")[0] in names for name in needed):
        raise DataError(
            f"the columns could be the variables ({_listed(v.label for v in model.variables)}) or what their formulas "
            f"need ({_listed(sorted(needed))}): give the variables as an array, or only one kind of column"
        )
    return True
