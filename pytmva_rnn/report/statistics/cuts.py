"""What cuts on a score keep of two kinds of events, and how far that is certain: the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Cuts", "RocBand", "WorkingPoint", "kept_by_cuts", "roc_band"]

_ONE_SIGMA = (0.15865525393145707, 0.8413447460685429)


@dataclass(frozen=True, eq=False)
class Cuts:
    """What each cut `score >= threshold` keeps, from the loosest to the tightest.

    Attributes
    ----------
    thresholds : (k,) float64
        Ascending.
    signal, background : (k,) float64
        Fractions of the weights that are kept.
    signal_errors, background_errors : (k,) float64
        Their standard deviations.
    background_events : (k,) float64
        How many events of the background the kept weights stand for.
    """

    thresholds: NDArray[np.float64]
    signal: NDArray[np.float64]
    background: NDArray[np.float64]
    signal_errors: NDArray[np.float64]
    background_errors: NDArray[np.float64]
    background_events: NDArray[np.float64]


class WorkingPoint(NamedTuple):
    """The cut that keeps a fraction of the signal, and what it keeps of the background.

    Attributes
    ----------
    signal_efficiency, threshold, background_efficiency : float
    low, high : float
        Of the background efficiency, one standard deviation by the bootstrap.
    rejection : float
        1 / background efficiency; infinite where no background is left.
    """

    signal_efficiency: float
    threshold: float
    background_efficiency: float
    low: float
    high: float
    rejection: float


@dataclass(frozen=True, eq=False)
class RocBand:
    """A ROC curve with the band in which 68 % of the samples would have theirs.

    Attributes
    ----------
    signal_efficiency : (k,) float64
        Ascending.
    background_rejection, low, high : (k,) float64
        1 - background efficiency.
    points : tuple of WorkingPoint
    replicas : int
        Of the bootstrap.
    """

    signal_efficiency: NDArray[np.float64]
    background_rejection: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    points: tuple[WorkingPoint, ...]
    replicas: int


def kept_by_cuts(signal: ArrayLike, scores: ArrayLike, weights: ArrayLike, cuts: int = 400) -> Cuts:
    """What cuts keep.

    Parameters
    ----------
    signal : (n,) bool
    scores, weights : (n,)
        Finite.
    cuts : int
        How many at most: every different score, or as many quantiles of the two kinds of events.
    """
    member, score = np.asarray(signal, bool), np.asarray(scores, np.float64)
    weight = np.asarray(weights, np.float64)
    thresholds = _thresholds(member, score, cuts)
    place = np.searchsorted(thresholds, score, side="right") - 1
    kept = {}
    for name, chosen in (("signal", member), ("background", ~member)):
        sums, squares = (
            np.bincount(place[chosen], values, minlength=len(thresholds))[::-1].cumsum()[::-1]
            for values in (weight[chosen], weight[chosen] ** 2)
        )
        kept[name] = _efficiency(sums, squares)
    return Cuts(
        thresholds,
        kept["signal"][0],
        kept["background"][0],
        kept["signal"][1],
        kept["background"][1],
        kept["background"][2],
    )


def roc_band(
    signal: ArrayLike,
    scores: ArrayLike,
    weights: ArrayLike,
    efficiencies: ArrayLike,
    random: np.random.Generator,
    *,
    replicas: int = 200,
    groups: NDArray[np.int64] | None = None,
    points: int = 201,
) -> RocBand:
    """A ROC curve, its band by the bootstrap, and what is rejected at given signal efficiencies.

    In each replica every event counts for as many as a Poisson distribution of mean 1 gives.

    Parameters
    ----------
    signal : (n,) bool
    scores, weights : (n,)
        Finite.
    efficiencies : (m,)
        Signal efficiencies of the working points.
    random : Generator
    replicas : int
    groups : (n,) int, optional
        A number from 0 on for events that are drawn together, as those of one entry.
    points : int
        Of the curve.
    """
    member, score = np.asarray(signal, bool), np.asarray(scores, np.float64)
    weight = np.asarray(weights, np.float64)
    thresholds = _thresholds(member, score, 2000)
    place = np.searchsorted(thresholds, score, side="right") - 1
    grid = np.linspace(0, 1, points)
    wanted = np.asarray(efficiencies, np.float64)
    every = np.concatenate([grid, wanted])
    _, nominal = _at(every, place, member, weight, len(thresholds))
    drawn = np.empty((replicas, len(every)))
    kinds = len(member) if groups is None else int(groups.max()) + 1
    for row in drawn:
        counts = random.poisson(1.0, kinds)
        _, row[:] = _at(every, place, member, weight * (counts if groups is None else counts[groups]), len(thresholds))
    finite = np.isfinite(drawn).all(axis=1)
    if finite.any():
        low, high = np.quantile(drawn[finite], _ONE_SIGMA, axis=0)
    else:
        low = high = np.full(len(every), np.nan)
    # where no event of the background is left, that is not certain: Wilson's bound for as many as there are
    events = weight[~member].sum() ** 2 / (weight[~member] ** 2).sum()
    high = np.where(high == 0, 1 / (1 + events), high)
    high[every <= 0] = 0
    exact, _ = _at(wanted, place, member, weight, len(thresholds))
    working = tuple(
        WorkingPoint(
            float(at),
            float(np.interp(cut, np.arange(len(thresholds)), thresholds)),
            float(value),
            float(lower),
            float(upper),
            float(1 / value) if value > 0 else float("inf"),
        )
        for at, cut, value, lower, upper in zip(
            wanted, exact, nominal[points:], low[points:], high[points:], strict=True
        )
    )
    return RocBand(grid, 1 - nominal[:points], 1 - high[:points], 1 - low[:points], working, int(finite.sum()))


def _thresholds(member: NDArray[np.bool_], score: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Every different score, or quantiles of both kinds, the lowest score among them."""
    every = np.unique(score)
    if len(every) <= most:
        return every
    fractions = np.linspace(0, 1, most // 2)
    chosen = [np.quantile(score[some], fractions, method="lower") for some in (member, ~member) if some.any()]
    return np.unique(np.concatenate([every[:1], *chosen]))


def _efficiency(
    sums: NDArray[np.float64], squares: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Fraction, standard deviation and number of events of what each cut keeps."""
    total, total_squares = sums[0], squares[0]
    if not total > 0:
        return np.full(len(sums), np.nan), np.full(len(sums), np.nan), np.zeros(len(sums))
    kept = sums / total
    variance = (1 - kept) ** 2 * squares + kept**2 * (total_squares - squares)
    events = np.divide(sums**2, squares, out=np.zeros(len(sums)), where=squares > 0)
    return kept, np.sqrt(np.maximum(variance, 0)) / total, events


def _at(
    efficiencies: NDArray[np.float64],
    place: NDArray[np.int64],
    member: NDArray[np.bool_],
    weight: NDArray[np.float64],
    size: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The cut, as a place among the thresholds, and the background efficiency at each signal efficiency."""
    kept = []
    for chosen in (member, ~member):
        sums = np.bincount(place[chosen], weight[chosen], minlength=size)[::-1].cumsum()
        if not sums[-1] > 0:
            return np.full(len(efficiencies), np.nan), np.full(len(efficiencies), np.nan)
        kept.append(np.append(0.0, sums / sums[-1]))  # from the tightest cut, which keeps nothing
    # a few negative weights may let a looser cut keep less: the first that keeps enough is taken
    signal = np.maximum.accumulate(kept[0])
    after = np.clip(np.searchsorted(signal, efficiencies - 1e-12), 1, size)
    step = signal[after] - signal[after - 1]
    part = np.divide(efficiencies - signal[after - 1], step, out=np.ones(len(efficiencies)), where=step > 0)
    part = np.clip(part, 0, 1)
    background = kept[1][after - 1] + part * (kept[1][after] - kept[1][after - 1])
    background[efficiencies <= 0] = 0.0
    return size - (after - 1 + part), background
