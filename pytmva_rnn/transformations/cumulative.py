"""Cumulative distributions of single variables as tmva's VariableGaussTransform and PDF make and use them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import compilation, kernel
from pytmva_rnn.description import CumulativeDistribution
from pytmva_rnn.transformations.binning import bin_edges
from pytmva_rnn.transformations.smoothing import smooth
from pytmva_rnn.transformations.transformer import nine_digits

__all__ = ["LEVEL", "POINTS", "SMALLEST", "fraction_below", "learn_distribution", "points", "value_at"]

POINTS = 10000
"""Of the table that stands for a distribution."""

_MOST_BINS = 2000
_EVENTS_PER_BIN = 10
SMALLEST = 1e-12
"""Of all fractions."""
LEVEL = 1e-10
"""Up to this difference of two neighbours the table is level, as `value_at` goes by it."""


def learn_distribution(values: NDArray[np.float32], weights: NDArray[np.float32]) -> CumulativeDistribution | None:
    """The distribution of a sample of one variable.

    Bins hold at least ten events of the smallest weight, and there are hardly more than 2000; the bins' contents are
    smoothed once and added up. Single precision throughout, as in TMVA, whose histograms are TH1F: with it events fall
    on the same sides of edges. Events of the largest value fall beyond the last bin, whose upper edge they are.

    Parameters
    ----------
    values, weights : float32 array, shape (n,)

    Returns
    -------
    CumulativeDistribution or None
        None if no bin has a positive content.
    """
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights, dtype=np.float32)[-1]
    least = max(weights.min() * np.float32(_EVENTS_PER_BIN), total / np.float32(_MOST_BINS))
    with compilation("transformations"):
        edges = bin_edges(values[order], weights[order], np.float32(least))
    contents = smooth(_fill(values, weights, edges).astype(np.float64)).astype(np.float32)
    sums = np.cumsum(np.maximum(contents, 0), dtype=np.float64)
    if len(contents) < 2 or not sums[-1] > 0:
        return None
    fractions = (sums / sums[-1]).astype(np.float32).astype(np.float64)
    return CumulativeDistribution(nine_digits(edges.astype(np.float64)), nine_digits(fractions))


def _fill(values: NDArray[np.float32], weights: NDArray[np.float32], edges: NDArray[np.float32]) -> NDArray[np.float32]:
    bins = _bins(values, edges)
    contents = np.zeros(len(edges) - 1, np.float32)
    inside = (bins >= 0) & (bins < len(contents)) & (values < edges[-1])
    np.add.at(contents, bins[inside], weights[inside])
    return contents


def _bins(values: NDArray[np.floating], edges: NDArray[np.floating]) -> NDArray[np.int64]:
    """Numbers of the bins, lower edges included; where edges coincide, the bin that begins at the first of them."""
    bins = np.searchsorted(edges, values, side="left")
    return np.asarray(bins - (edges[np.minimum(bins, len(edges) - 1)] != values), np.int64)


def points(distribution: CumulativeDistribution) -> NDArray[np.float32]:
    """The distribution in the middles of 10000 equal bins, linear between the middles of the histogram's bins.

    TMVA evaluates this table and not the histogram itself.
    """
    edges, contents = (np.asarray(a, np.float64) for a in (distribution.edges, distribution.contents))
    contents = contents.astype(np.float32).astype(np.float64)
    middles = edges[:-1] + 0.5 * np.diff(edges)
    x = edges[0] + (np.arange(POINTS) + 0.5) * (edges[-1] - edges[0]) / POINTS
    left = np.clip(np.searchsorted(middles, x, side="right") - 1, 0, len(middles) - 2)
    width = middles[left + 1] - middles[left]
    slope = (contents[left + 1] - contents[left]) / np.where(width > 0, width, 1)
    y = contents[left] + (x - middles[left]) * slope
    bins = np.clip(_bins(x, edges), 0, len(contents) - 1)
    result: NDArray[np.float32] = np.maximum(np.where(y <= SMALLEST, contents[bins], y), SMALLEST).astype(np.float32)
    return result


@kernel
def fraction_below(table: Any, low: float, high: float, x: float) -> float:
    """The fraction of the sample below x, at least 1e-12; linear between the table's points and beyond.

    For NaN it is 1e-12, as in TMVA, whose largest of two numbers is the second where one is NaN.

    Parameters
    ----------
    table : float32 array, shape (POINTS,)
        Of `points`.
    low, high : float
        Where the sample begins and ends.
    """
    place = (x - low) / (high - low) * POINTS - 0.5
    left = np.int64(min(place, POINTS - 2)) if place > 0 else 0
    first, second = np.float64(table[left]), np.float64(table[left + 1])
    y = first + (place - left) * (second - first)
    return y if y >= SMALLEST else SMALLEST


@kernel
def value_at(table: Any, low: float, high: float, fraction: float) -> float:
    """The inverse of `fraction_below`, by the rule of tmva's PDF::GetValInverse.

    Bisection between bin 0, the underflow, and the last one, which both count as 0 until a step has looked at others;
    beyond the range of the sample the line through its ends goes on. NaN for NaN, for which TMVA never returns.
    """
    if math.isnan(fraction):
        return fraction
    below, above = 0, POINTS
    first, second = 0.0, 0.0
    middle = POINTS // 2
    while below < middle < above:
        at = np.float64(table[middle - 1])
        if fraction < at:
            above, second = middle, at
        else:
            below, first = middle, at
        middle = below + (above - below) // 2
    height = second - first
    part = (fraction - first) / height if height > LEVEL else first
    return low + (below - 0.5 + (above - below) * part) * (high - low) / POINTS
