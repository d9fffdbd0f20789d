"""Columns of events -> the inputs of a network whose weight file is there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import Recipe
from pytmva_rnn.data.rows import ListLengths
from pytmva_rnn.errors import DataError
from pytmva_rnn.model import Model
from pytmva_rnn.tmva.trees import ArrayTree, as_tree, read
from pytmva_rnn.weightfile.model_inputs import labelled_columns
from pytmva_rnn.weightfile.stored_recipe import stored_inputs, stored_recipe

__all__ = ["inputs_of"]


def inputs_of(model: Model, data: Any, *, spectators: bool = False) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The network's inputs of every event; see `Reader.evaluate`.

    Parameters
    ----------
    model : Model
    data : array (n, NVar) or (n, T, D), columns, or tree
    spectators : bool
        Give these too, where data have them.

    Returns
    -------
    inputs : array, shape (n, NVar) or (n, T, D)
    spectators : array, shape (n, S), or None
    """
    if isinstance(data, np.ndarray) and data.dtype.names is None:
        return data, None
    if isinstance(data, list | tuple) or (isinstance(data, ak.Array) and not ak.fields(data)):
        return np.asarray(data), None
    tree = as_tree(data)
    if not spectators and isinstance(tree, ArrayTree) and all(v.label in tree.arrays for v in model.variables):
        return labelled_columns(model, tree.arrays), None
    recipe = _recipe(model, spectators)
    known = ListLengths()
    pieces = [recipe.build(columns, recipe.rows(columns, known)) for columns in read(tree, recipe.formulas())]
    X, values = (np.concatenate(part) for part in zip(*pieces, strict=True))
    return X, values if spectators else None


def _recipe(model: Model, spectators: bool) -> Recipe:
    if stored_inputs(model) is None:  # C++ TMVA's file
        return replace(Recipe.from_variables(model.variables, model.spectators if spectators else ()), allow_nan=True)
    recipe = replace(stored_recipe(model), allow_nan=True)
    recipe = recipe if spectators else replace(recipe, spectators=())
    if recipe.for_each:
        raise DataError(
            "this network takes several inputs from one entry (for_each): score it with `pytmva-rnn evaluate`"
        )
    return recipe
