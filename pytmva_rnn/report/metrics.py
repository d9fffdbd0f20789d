"""The numbers by which TMVA compares methods."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.errors import DataError

__all__ = [
    "BACKGROUNDS",
    "RocCurve",
    "deviation",
    "roc_curve",
    "roc_integral",
    "roc_uncertainty",
    "separation",
    "signal_efficiency",
]

BACKGROUNDS = (0.01, 0.10, 0.30)
"""Background efficiencies at which the tables have the signal efficiency."""


class RocCurve(NamedTuple):
    """What a cut `score >= threshold` keeps and rejects, from the tightest cut to the loosest.

    Attributes
    ----------
    threshold : (k,) float64
        Descending, first infinity, then every different score.
    signal_efficiency : (k,) float64
        Fraction of the signal's weight that is kept, from 0 to 1.
    background_rejection : (k,) float64
        Fraction of the background's weight that is cut away, from 1 to 0.
    """

    threshold: NDArray[np.float64]
    signal_efficiency: NDArray[np.float64]
    background_rejection: NDArray[np.float64]


def roc_curve(y: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> RocCurve:
    """Receiver operating characteristic, unbinned.

    Parameters
    ----------
    y : (n,)
        Signal is 1 (or True), background 0.
    scores : (n,)
        Large for signal. Events of one score are kept or cut together.
    weights : (n,), optional
        Event weights; some may be negative.

    Raises
    ------
    DataError
        If the lengths differ, a score or a weight is NaN or infinite, or the weights of signal or background do not
        add up to something positive.
    """
    signal = np.asarray(y) != 0
    score = np.asarray(scores, dtype=np.float64)
    weight = np.ones(len(signal)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not signal.shape == score.shape == weight.shape or signal.ndim != 1:
        raise DataError(
            "a ROC curve needs one label, score and weight per event, not "
            f"{signal.shape}, {score.shape} and {weight.shape}"
        )
    if not (np.isfinite(score).all() and np.isfinite(weight).all()):
        raise DataError("a ROC curve cannot be made of scores or weights that are NaN or infinite")
    order = np.argsort(-score, kind="stable")
    score, signal, weight = score[order], signal[order], weight[order]
    last_of_score = np.append(np.flatnonzero(np.diff(score)), len(score) - 1) if len(score) else np.empty(0, np.int64)
    kept = {}
    for name, members in (("signal", signal), ("background", ~signal)):
        total = np.cumsum(np.where(members, weight, 0.0))[last_of_score]
        if len(total) == 0 or not total[-1] > 0:
            raise DataError(f"a ROC curve needs {name} events whose weights add up to something positive")
        kept[name] = np.append(0.0, total / total[-1])
    return RocCurve(np.append(np.inf, score[last_of_score]), kept["signal"], 1 - kept["background"])


def roc_integral(y: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Area under background rejection against signal efficiency, TMVA's ROC integral: 0.5 for chance, 1 at best.

    Arguments and errors are those of `roc_curve`.
    """
    _, efficiency, rejection = roc_curve(y, scores, weights)
    return float(np.sum(np.diff(efficiency) * (rejection[1:] + rejection[:-1]) / 2))


def roc_uncertainty(y: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Statistical uncertainty of `roc_integral`, one standard deviation; its arguments and errors are the same.

    That of DeLong, DeLong and Clarke-Pearson (Biometrics 44 (1988) 837), with weights: the spread of what fraction of
    the other class each event is on the right side of. So that a few events that happen to be separated do not claim to
    be certain, one event more of each class, with the mean weight, is on the right side of one half.
    """
    signal = np.asarray(y) != 0
    area = roc_integral(y, scores, weights)  # which checks everything
    weight = np.ones(len(signal)) if weights is None else np.asarray(weights, dtype=np.float64)
    _, place = np.unique(np.asarray(scores, dtype=np.float64), return_inverse=True)
    variance = 0.0
    for members, others, sign in ((signal, ~signal, 1), (~signal, signal, -1)):
        of_others = np.bincount(place[others], weight[others], minlength=int(place.max()) + 1)[::sign]
        beaten = ((np.cumsum(of_others) - of_others / 2) / of_others.sum())[::sign]
        own = weight[members]
        mean = (own**2).sum() / own.sum()
        squares = (own**2 * (beaten[place[members]] - area) ** 2).sum() + (mean * (0.5 - area)) ** 2
        variance += squares / own.sum() ** 2
    return float(np.sqrt(variance))


def separation(y: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, bins: int = 40) -> float:
    """TMVA's separation of two distributions, half the integral of (s - b)^2 / (s + b): 0 for equal ones, 1 at best.

    In `bins` bins between the lowest and the highest score; the other arguments and the errors are those of
    `roc_curve`.
    """
    roc_curve(y, scores, weights)  # which checks everything
    signal, score = np.asarray(y) != 0, np.asarray(scores, dtype=np.float64)
    weight = np.ones(len(signal)) if weights is None else np.asarray(weights, dtype=np.float64)
    edges = np.linspace(score.min(), score.max(), bins + 1)
    if not edges[0] < edges[-1]:
        return 0.0
    shares = []
    for members in (signal, ~signal):
        contents, _ = np.histogram(score[members], edges, weights=weight[members])
        shares.append(contents / contents.sum())
    total, difference = shares[0] + shares[1], shares[0] - shares[1]
    filled = total > 0
    return float(0.5 * (difference[filled] ** 2 / total[filled]).sum())


def signal_efficiency(y: ArrayLike, scores: ArrayLike, background: float, weights: ArrayLike | None = None) -> float:
    """Signal efficiency of the cut that keeps the fraction `background` of the background.

    The other arguments and the errors are those of `roc_curve`, between whose points this is linear. TMVA's table
    has the values at 0.01, 0.10 and 0.30.
    """
    if not 0 <= background <= 1:
        raise DataError(f"a background efficiency lies between 0 and 1, not at {background}")
    _, efficiency, rejection = roc_curve(y, scores, weights)
    kept = 1 - rejection
    # A fraction such as 3 of 10 must not be taken for more than 0.3 for its last binary digit.
    after = int(np.argmax(kept > background + 1e-12)) or len(kept) - 1
    step = kept[after] - kept[after - 1]
    part = (background - kept[after - 1]) / step if step else 1.0
    return float(efficiency[after - 1] + part * (efficiency[after] - efficiency[after - 1]))


def deviation(
    targets: ArrayLike, predictions: ArrayLike, weights: ArrayLike | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bias and RMS of a regression, as `TMVA::MethodBase::TestRegression` defines them.

    Parameters
    ----------
    targets, predictions : (n, O) or (n,)
    weights : (n,), optional

    Returns
    -------
    bias, rms : (O,) float64
        Mean of prediction - target, and the spread about this mean; NaN where negative weights leave less than nothing
        of its square.

    Raises
    ------
    DataError
        If the shapes differ or the weights do not add up to something positive.
    """
    true, predicted = (np.asarray(values, dtype=np.float64) for values in (targets, predictions))
    weight = np.ones(len(true)) if weights is None else np.asarray(weights, dtype=np.float64)
    if true.size != predicted.size or len(true) != len(predicted) or weight.shape != (len(true),):
        raise DataError(f"targets {true.shape}, predictions {predicted.shape} and weights {weight.shape} do not fit")
    if not weight.sum() > 0:
        raise DataError("the weights of the events must add up to something positive")
    difference = (predicted.reshape(len(true), -1) - true.reshape(len(true), -1)).T
    bias = difference @ weight / weight.sum()
    with np.errstate(invalid="ignore"):
        rms = np.sqrt((difference - bias[:, None]) ** 2 @ weight / weight.sum())
    return bias, rms
