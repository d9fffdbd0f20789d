"""The digits of weights that float32 would lose: a weight file has seven, and few of them are others in float32."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pytmva_rnn.description import Layer, LayerWeights
from pytmva_rnn.errors import DataError

__all__ = ["lost_digits", "with_digits"]


def lost_digits(layers: Iterable[Layer]) -> list[tuple[int, str, int, float]]:
    """Layer, array, place and number of the weights whose seven digits are others once they are float32."""
    lost = []
    for number, layer in enumerate(layers):
        for name, values in layer.weights.items():
            exact = np.asarray(values, np.float64).ravel()
            single = exact.astype(np.float32).astype(np.float64)
            for place in np.flatnonzero(exact != single):
                if f"{exact[place]:.6e}" != f"{single[place]:.6e}":
                    lost.append((number, name, int(place), float(exact[place])))
    return lost


def with_digits(weights: Sequence[LayerWeights], lost: Any) -> list[LayerWeights]:
    """The weights with the digits that `lost_digits` found; a number in whose place is another stays as it is.

    Raises
    ------
    DataError
        If that is no list of `lost_digits`, or does not fit the weights.
    """
    arrays = [{name: np.array(values, np.float64) for name, values in each.items()} for each in weights]
    try:
        for number, name, place, exact in lost:
            values = arrays[number][name].reshape(-1)
            if values[place] == np.float32(exact):
                values[place] = exact
    except (IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise DataError(f"metadata, digits: expected layer, array, place and number of weights; {error}") from error
    return [dict(each) for each in arrays]
