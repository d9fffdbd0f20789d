"""Whether two samples are of one distribution: Kolmogorov-Smirnov and chi-square, with weights as ROOT has them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.report.statistics.binned import Binned

__all__ = [
    "Compatibility",
    "chi_square",
    "chi_square_probability",
    "compatibility",
    "kolmogorov",
    "kolmogorov_of_histograms",
    "kolmogorov_probability",
]


@dataclass(frozen=True)
class Compatibility:
    """How likely two samples of one distribution are to differ at least as much; NaN where that is not known.

    Attributes
    ----------
    kolmogorov_distance : float
        Largest difference of the cumulative distributions, without bins.
    kolmogorov_probability : float
        Of the largest difference without bins.
    binned_probability : float
        That of the histograms, `TH1::KolmogorovTest`; bins make it too large. TMVA's pictures call the same with the
        option X, which makes up for the bins by pseudo-experiments.
    chi_square : float
        Of the histograms, `TH1::Chi2Test` of two weighted ones.
    degrees : int
        Its degrees of freedom.
    chi_square_probability : float
    """

    kolmogorov_distance: float
    kolmogorov_probability: float
    binned_probability: float
    chi_square: float
    degrees: int
    chi_square_probability: float


def compatibility(
    one: ArrayLike, of_one: ArrayLike, other: ArrayLike, of_other: ArrayLike, edges: NDArray[np.float64]
) -> Compatibility:
    """Both tests of two samples.

    Parameters
    ----------
    one, other : (n,), (m,)
        Values.
    of_one, of_other : (n,), (m,)
        Their weights.
    edges : (k + 1,)
        Of the histograms.
    """
    distance, probability = kolmogorov(one, of_one, other, of_other)
    histograms = Binned.of(one, of_one, edges), Binned.of(other, of_other, edges)
    value, degrees = chi_square(*histograms)
    return Compatibility(
        distance,
        probability,
        kolmogorov_of_histograms(*histograms),
        value,
        degrees,
        chi_square_probability(value, degrees),
    )


def kolmogorov(one: ArrayLike, of_one: ArrayLike, other: ArrayLike, of_other: ArrayLike) -> tuple[float, float]:
    """The largest difference of two cumulative distributions and its probability, as `TMath::KolmogorovTest`.

    With weights a sample counts for as many events as the square of the sum of its weights over the sum of their
    squares. NaN where weights add up to nothing positive.
    """
    samples = [(np.asarray(v, np.float64), np.asarray(w, np.float64)) for v, w in ((one, of_one), (other, of_other))]
    if any(not weight.sum() > 0 for _, weight in samples):
        return float("nan"), float("nan")
    values = np.concatenate([value for value, _ in samples])
    every, place = np.unique(values, return_inverse=True)
    split = len(samples[0][0])
    reached = [
        np.cumsum(np.bincount(where, weight, minlength=len(every))) / weight.sum()
        for where, (_, weight) in zip((place[:split], place[split:]), samples, strict=True)
    ]
    distance = float(np.abs(reached[0] - reached[1]).max())
    first, second = (float(weight.sum() ** 2 / (weight**2).sum()) for _, weight in samples)
    return distance, kolmogorov_probability(distance * math.sqrt(first * second / (first + second)))


def kolmogorov_of_histograms(one: Binned, other: Binned) -> float:
    """The probability of `TH1::KolmogorovTest`; NaN where a histogram's contents add up to nothing positive."""
    if any(not (h.contents.sum() > 0 and h.variances.sum() > 0) for h in (one, other)):
        return float("nan")
    reached = [np.cumsum(h.contents) / h.contents.sum() for h in (one, other)]
    first, second = (float(h.contents.sum() ** 2 / h.variances.sum()) for h in (one, other))
    distance = float(np.abs(reached[0] - reached[1]).max())
    return kolmogorov_probability(distance * math.sqrt(first * second / (first + second)))


def kolmogorov_probability(z: float) -> float:
    """`TMath::KolmogorovProb`: that the scaled distance is at least z, for many events."""
    if z < 0.2:  # where it differs from 1 by less than 1e-12
        return 1.0
    if z < 0.755:  # where the other series is slow
        terms = sum(math.exp(-(odd**2) * math.pi**2 / (8 * z * z)) for odd in (1, 3, 5))
        return 1 - math.sqrt(2 * math.pi) / z * terms
    terms = sum(sign * math.exp(-2 * k * k * z * z) for sign, k in ((1, 1), (-1, 2), (1, 3), (-1, 4), (1, 5), (-1, 6)))
    return min(1.0, max(0.0, 2 * terms))


def chi_square(one: Binned, other: Binned) -> tuple[float, int]:
    """Value and degrees of freedom of `TH1::Chi2Test` with the option WW; NaN where a histogram adds up to nothing.

    Bins that are empty in both do not count.
    """
    first, second = float(one.contents.sum()), float(other.contents.sum())
    spread = first**2 * other.variances + second**2 * one.variances
    filled = spread > 0
    degrees = int(filled.sum()) - 1
    if first == 0 or second == 0 or degrees < 1:
        return float("nan"), max(0, degrees)
    difference = (second * one.contents - first * other.contents)[filled]
    return float((difference**2 / spread[filled]).sum()), degrees


def chi_square_probability(value: float, degrees: int) -> float:
    """That a chi-square is at least `value`: the regularised incomplete gamma function, `TMath::Prob`."""
    if degrees < 1 or not value >= 0:
        return float("nan")
    half = value / 2
    # Q(a + 1, x) = Q(a, x) + x^a e^-x / Gamma(a + 1), from Q(1, x) = e^-x or Q(1/2, x) = erfc(sqrt(x))
    a, result = (1.0, math.exp(-half)) if degrees % 2 == 0 else (0.5, math.erfc(math.sqrt(half)))
    while a < degrees / 2 - 0.25:
        if half > 0:
            result += math.exp(a * math.log(half) - half - math.lgamma(a + 1))
        a += 1
    return min(1.0, result)
