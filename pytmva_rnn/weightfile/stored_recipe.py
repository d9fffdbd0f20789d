"""What pytmva_rnn keeps in a weight file for itself: entries of GeneralInfo, which C++ TMVA passes over."""

from __future__ import annotations

import json
from typing import Any

from pytmva_rnn.data import Recipe
from pytmva_rnn.description import Description, HistoryRow
from pytmva_rnn.errors import DataError, WeightFileError

__all__ = ["HISTORY", "INPUTS", "TREE", "recipe_info", "stored_history", "stored_inputs", "stored_recipe"]

INPUTS = "pytmva_rnn Inputs"
HISTORY = "pytmva_rnn History"
TREE = "pytmva_rnn Tree"


def recipe_info(recipe: Recipe) -> tuple[str, str]:
    """The entry that tells `evaluate` how to make the inputs from a tree."""
    return (INPUTS, json.dumps(recipe.to_dict()))


def stored_inputs(model: Description) -> dict[str, Any] | None:
    """The stored recipe as plain data; None for a file that C++ TMVA wrote."""
    text = dict(model.info).get(INPUTS)
    if text is None:
        return None
    values = _parsed(INPUTS, text)
    if not isinstance(values, dict):
        raise WeightFileError(f'<Info name="{INPUTS}"> does not hold a table but {text[:60]}')
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
    try:
        recipe = Recipe.from_dict(values)
    except (DataError, TypeError) as error:
        raise WeightFileError(f'<Info name="{INPUTS}"> is not understood: {error}') from error
    names = recipe.inputs.names
    if len(names) != len(model.variables):
        raise WeightFileError(
            f'<Info name="{INPUTS}"> makes {len(names)} variables, but the network takes {len(model.variables)}'
        )
    return recipe


def stored_history(model: Description) -> list[HistoryRow]:
    """Training and validation error by epoch; empty where the file does not tell."""
    text = dict(model.info).get(HISTORY)
    if text is None:
        return []
    try:
        return [
            HistoryRow(int(epoch), float(train), float(validation))
            for epoch, train, validation in _parsed(HISTORY, text)
        ]
    except (TypeError, ValueError) as error:
        raise WeightFileError(
            f'<Info name="{HISTORY}"> does not hold rows of epoch and two errors: {text[:60]}'
        ) from error


def _parsed(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise WeightFileError(f'<Info name="{name}"> is not JSON: {error}') from error
