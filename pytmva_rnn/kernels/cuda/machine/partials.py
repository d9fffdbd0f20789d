"""Partial sums of the weights' gradients: each layer's parts of a batch make some, which the optimizer adds up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pytmva_rnn.kernels.cuda.machine.device import upload, zeros
from pytmva_rnn.kernels.cuda.machine.layer import Part
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights


class Partials:
    """The partial sums of all layers, and where each weight finds its own.

    Parameters
    ----------
    parts : sequence of Part
        Each gets its `partials`, (chunks, the layer's weights).
    weights : DeviceWeights

    Attributes
    ----------
    flat : float32
        One layer after another, and of each one chunk after another.
    places : (3, weights) int64
        Where the first partial sum of each weight lies in `flat`, how far the next one is, and how many there are.
    """

    def __init__(self, parts: Sequence[Part], weights: DeviceWeights) -> None:
        places = np.zeros((3, weights.flat.size), np.int64)
        self.flat: Any = zeros(max(1, sum(part.chunks * size for part, _, size in _with_weights(parts, weights))))
        place = 0
        for part, first, size in _with_weights(parts, weights):
            places[0, first : first + size] = place + np.arange(size)
            places[1, first : first + size] = size
            places[2, first : first + size] = part.chunks
            part.partials = self.flat[place : place + part.chunks * size].reshape(part.chunks, size)
            place += part.chunks * size
        self.places: Any = upload(places, np.int64)


def bytes_of_partials(parts: Sequence[Part], weights: DeviceWeights) -> int:
    """Bytes that `Partials` take."""
    sums = sum(part.chunks * size for part, _, size in _with_weights(parts, weights))
    return 4 * sums + 3 * 8 * int(weights.flat.size)


def _with_weights(parts: Sequence[Part], weights: DeviceWeights) -> list[tuple[Part, int, int]]:
    """The parts that have weights, with the place of the first one in all weights, and their number."""
    spans = [(part, *weights.span(part.number)) for part in parts if part.chunks]
    return [(part, first, size) for part, first, size in spans if size]
