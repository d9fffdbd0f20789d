"""What a network does against a variable: efficiencies, or bias and resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.report.statistics.binned import Binned
from pytmva_rnn.report.statistics.fractions import fractions

__all__ = ["EfficiencyProfile", "ErrorProfile", "efficiency_profile", "error_profile", "variable_edges"]


@dataclass(frozen=True, eq=False)
class EfficiencyProfile:
    """What a cut keeps of each class in bins of a variable.

    Attributes
    ----------
    variable : str
    cut : str
        What is kept, in words.
    edges : (k + 1,) float64
    classes : tuple of str
    efficiency, low, high : (classes, k) float64
        With one standard deviation; NaN where a bin holds nothing of a class.
    left_out : int
        Events for which the variable is NaN or infinite.
    """

    variable: str
    cut: str
    edges: NDArray[np.float64]
    classes: tuple[str, ...]
    efficiency: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    left_out: int


@dataclass(frozen=True, eq=False)
class ErrorProfile:
    """Bias and resolution of a regression in bins of a variable.

    Attributes
    ----------
    target, variable : str
    edges : (k + 1,) float64
    bias, bias_error : (k,) float64
        Mean of prediction - target and its standard deviation.
    spread : (k,) float64
        RMS about the mean; NaN, as its error, where negative weights leave less than nothing of its square.
    left_out : int
        Events for which the variable is NaN or infinite.
    """

    target: str
    variable: str
    edges: NDArray[np.float64]
    bias: NDArray[np.float64]
    bias_error: NDArray[np.float64]
    spread: NDArray[np.float64]
    left_out: int


def variable_edges(values: ArrayLike, bins: int = 10) -> NDArray[np.float64]:
    """Edges of bins with about as many events each; a bin for each value where there are but a few.

    Parameters
    ----------
    values : (n,)
        NaN and infinity are passed over.
    bins : int
        How many at most.
    """
    value = np.asarray(values, np.float64)
    value = value[np.isfinite(value)]
    if not len(value):
        return np.array([0.0, 1.0])
    every = np.unique(value)
    if len(every) == 1:
        return np.array([every[0] - 0.5, every[0] + 0.5])
    if len(every) <= bins:
        middle = (every[1:] + every[:-1]) / 2
        return np.array([every[0] - (middle[0] - every[0]), *middle, every[-1] + (every[-1] - middle[-1])])
    # the values themselves, so that no bin is cut between neighbours by rounding
    edges = np.unique(np.quantile(value, np.linspace(0, 1, bins + 1), method="lower"))
    return edges if len(edges) > 1 else np.array([every[0], every[-1]])


def efficiency_profile(
    variable: str,
    values: ArrayLike,
    passed: ArrayLike,
    class_index: ArrayLike,
    weights: ArrayLike,
    classes: tuple[str, ...],
    *,
    cut: str,
    bins: int = 10,
) -> EfficiencyProfile:
    """Efficiencies of each class; arrays are (n,)."""
    value, index = np.asarray(values, np.float64), np.asarray(class_index)
    yes, weight = np.asarray(passed, bool), np.asarray(weights, np.float64)
    edges = variable_edges(value, bins)
    rows = []
    for number in range(len(classes)):
        kept, lost = (
            Binned.of(value[chosen], weight[chosen], edges)
            for chosen in ((index == number) & yes, (index == number) & ~yes)
        )
        rows.append(fractions(kept.contents, lost.contents, kept.variances, lost.variances))
    efficiency, low, high = (np.array(each) for each in zip(*rows, strict=True))
    return EfficiencyProfile(variable, cut, edges, classes, efficiency, low, high, int((~np.isfinite(value)).sum()))


def error_profile(
    target: str, variable: str, values: ArrayLike, differences: ArrayLike, weights: ArrayLike, *, bins: int = 10
) -> ErrorProfile:
    """Bias and resolution of one target; arrays are (n,)."""
    value, difference = np.asarray(values, np.float64), np.asarray(differences, np.float64)
    weight = np.asarray(weights, np.float64)
    edges = variable_edges(value, bins)
    sums = Binned.of(value, weight, edges)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.where(sums.contents > 0, sums.contents, np.nan)
        bias = Binned.of(value, weight * difference, edges).contents / total
        # about the mean of the event's own bin, as the difference of two large squares would have no digits left
        place = np.clip(np.searchsorted(edges, value, side="right") - 1, 0, len(bias) - 1)
        own = np.nan_to_num(bias)[place]
        square = Binned.of(value, weight * (difference - own) ** 2, edges).contents / total
        spread = np.sqrt(square)
        error = spread * np.sqrt(sums.variances) / total
    return ErrorProfile(target, variable, edges, bias, error, spread, int((~np.isfinite(value)).sum()))
