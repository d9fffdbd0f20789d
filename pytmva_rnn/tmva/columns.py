"""Columns of events -> the inputs of a network whose weight file is there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import ArrayTree, load_inputs
from pytmva_rnn.errors import DataError
from pytmva_rnn.model import Model
from pytmva_rnn.packages import ak, is_awkward
from pytmva_rnn.tmva.trees import as_tree
from pytmva_rnn.weightfile.model_inputs import labelled_columns, recipe_of

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
    if isinstance(data, list | tuple) or (is_awkward(data) and not ak.fields(data)):
        return np.asarray(data), None
    tree = as_tree(data)
    if not spectators and isinstance(tree, ArrayTree) and all(v.label in tree.arrays for v in model.variables):
        return labelled_columns(model, tree.arrays), None
    recipe = recipe_of(model, spectators=spectators)
    if recipe.for_each:
        raise DataError(
            "this network takes several inputs from one entry (for_each): score it with `pytmva-rnn evaluate`"
        )
    found = load_inputs(recipe, tree)
    return found.X, found.spectators if spectators else None
