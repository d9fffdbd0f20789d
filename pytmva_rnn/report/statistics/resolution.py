"""How far the predictions of a regression are from the targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.report.metrics import deviation
from pytmva_rnn.report.statistics.binned import Binned, edges_of, quantiles
from pytmva_rnn.report.statistics.profiles import ErrorProfile, error_profile

__all__ = ["Residuals", "residuals"]

_QUANTILES = (0.025, 0.15865525393145707, 0.5, 0.8413447460685429, 0.975)


@dataclass(frozen=True, eq=False)
class Residuals:
    """Prediction minus target of one target.

    Attributes
    ----------
    target : str
    bias, rms : float
        Mean and spread about it.
    median : float
    resolution : float
        Half of what holds 68 % of the weight in the middle.
    tails : (float, float)
        Between which 95 % of the weight is.
    correlation : float
        Of prediction and target; NaN where one of them is constant, or negative weights leave it no spread.
    histogram : Binned
    against_target : ErrorProfile
        In bins of the target.
    plane : (k, k) float64
        Weight in bins of target (rows) and prediction (columns).
    plane_edges : (k + 1,) float64
        Of both.
    """

    target: str
    bias: float
    rms: float
    median: float
    resolution: float
    tails: tuple[float, float]
    correlation: float
    histogram: Binned
    against_target: ErrorProfile
    plane: NDArray[np.float64]
    plane_edges: NDArray[np.float64]


def residuals(
    target: str, true: ArrayLike, predicted: ArrayLike, weights: ArrayLike, *, bins: int = 60, plane: int = 50
) -> Residuals:
    """Of targets and predictions (n,) with weights (n,); raises as `pytmva_rnn.report.deviation`."""
    truth, prediction = np.asarray(true, np.float64), np.asarray(predicted, np.float64)
    weight = np.asarray(weights, np.float64)
    bias, rms = deviation(truth, prediction, weight)
    difference = prediction - truth
    lowest, low, median, high, highest = quantiles(difference, weight, _QUANTILES).tolist()
    edges = edges_of(np.concatenate([truth, prediction]), plane, most=0.001)
    contents, _, _ = np.histogram2d(truth, prediction, (edges, edges), weights=weight)
    return Residuals(
        target,
        float(bias[0]),
        float(rms[0]),
        median,
        (high - low) / 2,
        (lowest, highest),
        _correlation(truth, prediction, weight),
        Binned.of(difference, weight, edges_of(difference, bins, most=0.001)),
        error_profile(target, target, truth, difference, weight),
        contents,
        edges,
    )


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    total = weight.sum()
    first, second = (values - (weight @ values) / total for values in (one, other))
    squares = [float(weight @ each**2) for each in (first, second)]
    if min(squares) <= 0 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float((weight @ (first * second)) / np.sqrt(squares[0] * squares[1]))
