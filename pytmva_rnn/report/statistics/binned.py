"""Histograms with weights of either sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn import extras

__all__ = ["Binned", "edges_of", "quantiles"]


@dataclass(frozen=True, eq=False)
class Binned:
    """Sums of weights in bins, with what tells their uncertainty.

    Attributes
    ----------
    edges : (k + 1,) float64
    contents : (k,) float64
        Sums of weights; some may be negative.
    variances : (k,) float64
        Sums of squared weights.
    outside : tuple of float
        Sums of the weights below the first and above the last edge.
    outside_variances : tuple of float
        Sums of their squares.
    """

    edges: NDArray[np.float64]
    contents: NDArray[np.float64]
    variances: NDArray[np.float64]
    outside: tuple[float, float] = (0.0, 0.0)
    outside_variances: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(cls, values: ArrayLike, weights: ArrayLike | None, edges: NDArray[np.float64]) -> Binned:
        """Fill values (n,); the last bin includes its upper edge, and NaN is in no bin."""
        value = np.asarray(values, np.float64)
        weight = np.ones(len(value)) if weights is None else np.asarray(weights, np.float64)
        contents, _ = np.histogram(value, edges, weights=weight)
        variances, _ = np.histogram(value, edges, weights=weight**2)
        beyond = [weight[there] for there in (value < edges[0], value > edges[-1])]
        (below, below2), (above, above2) = ((float(each.sum()), float((each**2).sum())) for each in beyond)
        sums = contents.astype(np.float64), variances.astype(np.float64)
        return cls(edges, *sums, (below, above), (below2, above2))

    @property
    def total(self) -> float:
        """The sum of all weights, those outside included."""
        return float(self.contents.sum()) + sum(self.outside)

    def density(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Contents and their standard deviations (k,), so that the whole, what is outside included, has the area 1.

        NaN where all weights add up to nothing positive.
        """
        scale = self.total * np.diff(self.edges) if self.total > 0 else np.full(len(self.contents), np.nan)
        return self.contents / scale, np.sqrt(self.variances) / scale

    def to_hist(self, name: str = "x", label: str = "") -> Any:
        """The same as a `hist.Hist` with weights, to draw, add and write to ROOT files with uproot.

        Raises
        ------
        MissingExtraError
            If hist is not installed.
        """
        hist = extras.hist()
        result = hist.Hist(
            hist.axis.Variable(self.edges, name=name, label=label or name), storage=hist.storage.Weight()
        )
        flow = result.view(flow=True)
        flow.value[1:-1], flow.variance[1:-1] = self.contents, self.variances
        flow.value[0], flow.value[-1] = self.outside
        flow.variance[0], flow.variance[-1] = self.outside_variances
        return result


def edges_of(values: ArrayLike, bins: int, *, most: float = 0.0) -> NDArray[np.float64]:
    """Edges (bins + 1,) of equal bins from the lowest to the highest finite value.

    Parameters
    ----------
    values : array
    bins : int
    most : float
        The fraction of the values that may be left out at either end: a few far out would squeeze the others into one
        bin.
    """
    value = np.asarray(values, np.float64).ravel()
    value = value[np.isfinite(value)]
    if not len(value):
        return np.linspace(0, 1, bins + 1)
    low, high = (float(edge) for edge in np.quantile(value, (most, 1 - most)))
    # an edge that float64 could not tell from its neighbour would be no edge
    if not high - low > 1e-12 * max(abs(low), abs(high), 1e-300):
        width = max(0.5, abs(low) / 2)
        low, high = low - width, high + width
    return np.linspace(low, high, bins + 1)


def quantiles(values: ArrayLike, weights: ArrayLike, fractions: ArrayLike) -> NDArray[np.float64]:
    """Values below which the fractions of the weight are; where weights are negative, the first such.

    Parameters
    ----------
    values, weights : (n,)
    fractions : (k,)
        From 0 to 1.

    Returns
    -------
    (k,) float64
        NaN where the weights add up to nothing positive.
    """
    value, weight = np.asarray(values, np.float64), np.asarray(weights, np.float64)
    wanted = np.asarray(fractions, np.float64)
    order = np.argsort(value, kind="stable")
    summed = np.cumsum(weight[order])
    if not len(value) or not summed[-1] > 0:
        return np.full(len(wanted), np.nan)
    reached = np.maximum.accumulate(summed) / summed[-1]
    place = np.searchsorted(reached, wanted - 1e-12)
    return value[order][np.minimum(place, len(value) - 1)]
