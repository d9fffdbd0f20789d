"""Initial weights, drawn as TMVA draws them: matrix by matrix, column-major, layer by layer; biases zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import INITIALIZATIONS, Layer
from pytmva_rnn.trandom import TRandom3

__all__ = ["initial_weights"]


def _uniform(random: TRandom3, count: int, limit: float) -> NDArray[np.float64]:
    # the limit is a float32 and the sum is rounded to one, as in TMVA
    r = float(np.float32(limit))
    return -r + 2 * r * random.rndm(count)


def _truncated_normal(random: TRandom3, count: int, sigma: float) -> NDArray[np.float64]:
    """Normal numbers within 2 sigma: one outside is drawn again in its turn."""
    values: NDArray[np.float64] = np.empty(0)
    while len(values) < count:
        drawn = random.gaus(count - len(values), 0.0, sigma)
        values = np.concatenate([values, drawn[np.abs(drawn) <= 2 * sigma]])
    return values


def _draw(name: str, random: TRandom3, shape: tuple[int, int]) -> NDArray[np.float32]:
    m, n = shape
    match name:
        case "XAVIER":
            values = _truncated_normal(random, m * n, float(np.float32(np.sqrt(6.0 / (m + n)))))
        case "XAVIERUNIFORM":
            values = _uniform(random, m * n, np.sqrt(6.0 / (m + n)))
        case "GAUSS":
            values = random.gaus(m * n, 0.0, float(np.float32(np.sqrt(2.0 / n))))
        case "UNIFORM":
            values = _uniform(random, m * n, np.sqrt(2.0 / n))
        case "IDENTITY":
            return np.eye(m, n, dtype=np.float32)
        case "ZERO":
            return np.zeros(shape, np.float32)
        case _:
            raise ValueError(f"unknown initialization {name!r}; choose one of {', '.join(INITIALIZATIONS)}")
    return values.astype(np.float32).reshape(n, m).T.copy()


def initial_weights(layers: Sequence[Layer], initialization: str, seed: int) -> list[dict[str, NDArray[np.float32]]]:
    """Weights to start training from, by layer and name.

    Parameters
    ----------
    layers : sequence of Layer
    initialization : str
        One of `INITIALIZATIONS`.
    seed : int
        RandomSeed: the seed of TRandom3; 0 for other weights every time. The same seed gives C++ TMVA's weights.
    """
    random = TRandom3(seed)
    weights = []
    for layer in layers:
        arrays: dict[str, NDArray[np.float32]] = {}
        for name, array in layer.arrays().items():
            if array.role == "matrix":
                arrays[name] = _draw(initialization, random, array.shape)
            else:
                arrays[name] = np.full(array.shape, array.start, np.float32)
        weights.append(arrays)
    return weights
