"""Whether a score is the probability that it stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.report.statistics.binned import Binned, quantiles
from pytmva_rnn.report.statistics.fractions import fractions

__all__ = ["Calibration", "calibration"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """How often events of a score are of the class, beside the score: the reliability diagram.

    Attributes
    ----------
    name : str
        Of the class.
    edges : (k + 1,) float64
        Of bins that hold about as much weight each.
    score : (k,) float64
        Mean in each bin; NaN where nothing positive is there.
    fraction, low, high : (k,) float64
        Of the weight in the bin that is of the class, with one standard deviation.
    share : (k,) float64
        Of all weight that is in the bin.
    expected_error : float
        Mean distance of fraction and score, each bin with its share.
    brier : float
        Mean square of score minus truth.
    """

    name: str
    edges: NDArray[np.float64]
    score: NDArray[np.float64]
    fraction: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    share: NDArray[np.float64]
    expected_error: float
    brier: float


def calibration(name: str, member: ArrayLike, scores: ArrayLike, weights: ArrayLike, bins: int = 12) -> Calibration:
    """Calibration of scores from 0 to 1.

    Parameters
    ----------
    name : str
    member : (n,) bool
        Which events are of the class.
    scores, weights : (n,)
    bins : int
        How many at most.
    """
    yes, score = np.asarray(member, bool), np.asarray(scores, np.float64)
    weight = np.asarray(weights, np.float64)
    inner = quantiles(score, np.abs(weight), np.linspace(0, 1, bins + 1)[1:-1])
    edges = np.unique([0.0, *inner[(inner > 0) & (inner < 1)], 1.0])
    passed, failed = (Binned.of(score[some], weight[some], edges) for some in (yes, ~yes))
    fraction, low, high = fractions(passed.contents, failed.contents, passed.variances, failed.variances)
    sums = passed.contents + failed.contents
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(sums > 0, Binned.of(score, weight * score, edges).contents / sums, np.nan)
    share = sums / weight.sum()
    known = np.isfinite(fraction) & np.isfinite(mean)
    return Calibration(
        name,
        edges,
        mean,
        fraction,
        low,
        high,
        share,
        float((share * np.abs(fraction - mean))[known].sum()),
        float((weight * (score - yes) ** 2).sum() / weight.sum()),
    )
