"""How to make the inputs from a tree, as a weight file keeps it."""

from __future__ import annotations

import json
import math
from typing import Any

from pytmva_rnn.data import Recipe, Steps
from pytmva_rnn.description import Description
from pytmva_rnn.errors import DataError, WeightFileError
from pytmva_rnn.weightfile.stored_entries import stored_value

__all__ = ["INPUTS", "TREE", "recipe_info", "stored_inputs", "stored_recipe"]

INPUTS = "pytmva_rnn Inputs"
TREE = "pytmva_rnn Tree"


def recipe_info(recipe: Recipe) -> tuple[str, str]:
    """The entry that tells `evaluate` how to make the inputs from a tree."""
    return (INPUTS, json.dumps(recipe.to_dict()))


def stored_inputs(model: Description) -> dict[str, Any] | None:
    """The stored recipe as plain data; None for a file that C++ TMVA wrote."""
    values = stored_value(model, INPUTS)
    if values is not None and not isinstance(values, dict):
        raise WeightFileError(f'<Info name="{INPUTS}"> does not hold a table but {str(values)[:60]}')
    return values


def stored_recipe(model: Description) -> Recipe:
    """How to make the inputs: as stored, or else what the file's Variables say.

    Raises
    ------
    WeightFileError
        If what is stored cannot be understood or does not fit the network.
    """
    values = stored_inputs(model)
    if values is None:
        return Recipe.from_variables(model.variables)
    listed = values.get("variables")
    if isinstance(listed, list):  # each makes one or more, and is a formula to be read
        _check_count(len(listed), model, at_most=True)
    try:
        recipe = Recipe.from_dict(values)
    except (DataError, TypeError) as error:
        raise WeightFileError(f'<Info name="{INPUTS}"> is not understood: {error}') from error
    _check_count(math.prod(recipe.shape), model)  # names are made of a number that fits only
    if isinstance(recipe.inputs, Steps) and recipe.mask_padding != model.mask_padding:
        marks, scores = ("marks", "takes all") if recipe.mask_padding else ("fills", "leaves out such steps")
        raise WeightFileError(
            f'<Info name="{INPUTS}"> {marks} steps that are not there, but the network {scores} (mask_padding)'
        )
    return recipe


def _check_count(count: int, model: Description, *, at_most: bool = False) -> None:
    needed = len(model.variables)
    if count > needed or (count < needed and not at_most):
        raise WeightFileError(f'<Info name="{INPUTS}"> makes {count:,} variables, but the network takes {needed}')
