"""The digits of weights that float32 would lose: a weight file has seven, and few of them are others in float32."""

from __future__ import annotations

import json

import numpy as np

from pytmva_rnn.description import Description, LayerWeights
from pytmva_rnn.errors import DataError

__all__ = ["DIGITS", "digits_text", "with_digits"]

DIGITS = "pytmva_rnn digits"
"""Under this key the metadata of a file has the text."""


def digits_text(model: Description) -> str:
    """The weights whose seven digits are others once they are float32, as JSON: layer, array, place and number."""
    lost = []
    for number, layer in enumerate(model.layers):
        for name, values in layer.weights.items():
            exact = np.asarray(values, np.float64).ravel()
            single = exact.astype(np.float32).astype(np.float64)
            for place in np.flatnonzero(exact != single):
                if f"{exact[place]:.6e}" != f"{single[place]:.6e}":
                    lost.append([number, name, int(place), float(exact[place])])
    return json.dumps(lost)


def with_digits(weights: list[LayerWeights], text: str) -> list[LayerWeights]:
    """The weights with the digits of a text; a number that another has taken the place of stays as it is.

    Raises
    ------
    DataError
        If the text is none of `digits_text`, or does not fit the weights.
    """
    arrays = [{name: np.array(values, np.float64) for name, values in each.items()} for each in weights]
    try:
        for number, name, place, exact in json.loads(text):
            values = arrays[number][name].reshape(-1)
            if np.float32(values[place]) == np.float32(exact):
                values[place] = exact
    except (IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise DataError(f"metadata, {DIGITS}: expected layer, array, place and number of weights; {error}") from error
    return [dict(each) for each in arrays]
