"""The bins of a cumulative distribution, event by event: compiled, because a sum starts anew with each bin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import entry

__all__ = ["bin_edges"]

_BELOW = np.float32(1e-4)


def bin_edges(values: NDArray[np.float32], weights: NDArray[np.float32], least: np.float32) -> NDArray[np.float32]:
    """Edges that hold a sum of weights of at least `least` between them; equal values are never torn apart.

    Parameters
    ----------
    values, weights : float32 array, shape (n,)
        In ascending order of the values.
    least : float32
    """
    edges = np.empty(len(values) + 3, np.float32)
    count = int(_put_edges(values, weights, float(least), edges))
    return edges[:count].copy()


@entry
def _put_edges(
    values: NDArray[np.float32], weights: NDArray[np.float32], least: float, edges: NDArray[np.float32]
) -> int:
    """Put them into an array that is large enough; how many there are."""
    edges[0] = values[0] - _BELOW
    edges[1] = values[0]
    count = 2
    last = values[0]
    total = np.float32(0)
    for place in range(len(values)):
        total = np.float32(total + weights[place])
        if total >= least and values[place] > last:
            last = values[place]
            edges[count] = last
            count += 1
            total = np.float32(0)
    if total != 0:
        edges[count] = values[len(values) - 1]
        count += 1
    return count
