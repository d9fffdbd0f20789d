"""How probable a signal is at a score, and how rare a score is among the background: TMVA's GetProba and GetRarity.

Sources: tmva's MethodBase.cxx (CreateMVAPdfs, GetProba, GetRarity), PDF.cxx and TSpline2.cxx. Single precision where
TMVA has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.description import MVAPdf
from pytmva_rnn.errors import DataError, OptionError, TrainingError

__all__ = ["check_response_pdfs", "learn_response_pdfs", "rarity", "signal_probability"]

Values = NDArray[np.float64]

_TABLE = 10000
_SMALLEST = 1e-12
_EVENTS_PER_BIN = 50
_LEAST_BINS = 3
"""As many as a parabola takes."""


def signal_probability(pdfs: Sequence[MVAPdf], scores: ArrayLike, signal_fraction: float) -> Values:
    """`f p_S / (f p_S + (1 - f) p_B)` at each score, for a fraction f of signal.

    Parameters
    ----------
    pdfs : (of the signal, of the background)
    scores : array, shape (n,)
    signal_fraction : float
        From 0 to 1.

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    DataError
        Without the two distributions, for a fraction outside of [0, 1], and for interpolations that are not supported.
    """
    signal, background = _both(pdfs)
    if not 0 <= signal_fraction <= 1:
        raise DataError(f"the fraction of signal must lie in [0, 1], not {signal_fraction}")
    x = np.asarray(scores, np.float64)
    weighted = _density(signal, x) * signal_fraction
    total = weighted + _density(background, x) * (1 - signal_fraction)
    return np.where(total > 0, weighted / np.where(total > 0, total, 1), -1.0)


def rarity(pdfs: Sequence[MVAPdf], scores: ArrayLike) -> Values:
    """The fraction of the background below each score; uniform for background.

    TMVA lets it exceed 1 above the range of the scores in training. See `signal_probability`.
    """
    _, background = _both(pdfs)
    x = np.asarray(scores, np.float64)
    table, width = _table(background), _width(background)
    before = np.concatenate([[0.0], np.cumsum(table, dtype=np.float64)[:-1]]) * width
    place = _places(background, x)
    part = (x - (background.low + place * width)) * table[place]
    # TMVA counts the first bin wholly where a score lies in it
    sums = np.where(place > 0, before[place] + part, table[0] * width)
    return np.where(x < background.low, 0.0, np.where(np.isnan(x), np.nan, sums))


def check_response_pdfs(analysis: str, events: int) -> None:
    """Refuse before a training what `learn_response_pdfs` could not learn from.

    Raises
    ------
    OptionError
        For a regression or several classes.
    TrainingError
        For fewer than 150 events, which do not fill three bins of 50.
    """
    if analysis != "Classification":
        raise OptionError(f"CreateMVAPdfs is for a classification with two classes, not for a {analysis.lower()}")
    least = _LEAST_BINS * _EVENTS_PER_BIN
    if events < least:
        raise TrainingError(f"CreateMVAPdfs needs {least} training events or more, not {events}")


def learn_response_pdfs(
    title: str, scores: NDArray[Any], is_signal: NDArray[np.bool_], weights: NDArray[Any]
) -> tuple[MVAPdf, MVAPdf]:
    """The distributions of signal and background, from the scores of the training sample.

    Parameters
    ----------
    title : str
        Of the method.
    scores, is_signal, weights : arrays, shape (n,)

    Raises
    ------
    TrainingError
        For scores that are all the same, or a class whose weights add up to nothing.
    """
    bins = len(scores) // _EVENTS_PER_BIN
    low, high = float(scores.min()), float(scores.max())
    if low == high:
        raise TrainingError(f"CreateMVAPdfs: all events have the score {low:g}")
    place = np.floor(bins * (scores.astype(np.float64) - low) / (high - low)).astype(np.int64)
    pdfs = []
    for letter, name, chosen in (("S", "Sig", is_signal), ("B", "Bkg", ~is_signal)):
        contents = np.zeros(bins, np.float32)
        # the largest score lies beyond the last bin
        inside = chosen & (place < bins)
        np.add.at(contents, place[inside], weights[inside].astype(np.float32))
        total = contents.sum(dtype=np.float64) * (high - low) / bins
        if not total > 0:
            raise TrainingError(f"CreateMVAPdfs: the weights of class {letter} add up to {total:g}")
        normed = (contents * (1.0 / total)).astype(np.float32).astype(np.float64)
        pdfs.append(MVAPdf(f"{title}_PDF{name}", f"DL_tr_{letter}_original", low, high, normed))
    return pdfs[0], pdfs[1]


def _both(pdfs: Sequence[MVAPdf]) -> tuple[MVAPdf, MVAPdf]:
    if len(pdfs) != 2:
        raise DataError("the network has no distributions of its scores; train it with the option CreateMVAPdfs")
    return pdfs[0], pdfs[1]


def _width(pdf: MVAPdf) -> float:
    return (pdf.high - pdf.low) / _TABLE


@lru_cache(maxsize=64)
def _table(pdf: MVAPdf) -> NDArray[np.float32]:
    """The distribution in the middles of 10000 equal bins, its sum times their width being 1."""
    if pdf.interpolation not in (1, 2) or any(pdf.smoothings):
        raise DataError(
            f"{pdf.name}: interpolation {pdf.interpolation} with {pdf.smoothings[1]} smoothings is not supported; "
            "linear (1) and quadratic (2) without smoothing are"
        )
    contents = np.asarray(pdf.contents, np.float64).astype(np.float32)
    bins, width = len(contents), _width(pdf)
    middles = np.asarray(pdf.low + (np.arange(bins) + 0.5) * ((pdf.high - pdf.low) / bins), np.float64)
    x = np.asarray(pdf.low + np.arange(_TABLE) * width + 0.5 * width, np.float64)
    y = (_quadratic if pdf.interpolation == 2 else _linear)(middles, contents, x)
    nearest = np.clip(np.floor(bins * (x - pdf.low) / (pdf.high - pdf.low)).astype(np.int64), 0, bins - 1)
    table = np.maximum(np.where(y <= _SMALLEST, contents[nearest], y), _SMALLEST).astype(np.float32)
    integral = float(np.cumsum(table, dtype=np.float64)[-1]) * width
    return np.asarray((table * (1.0 / integral)).astype(np.float32))


def _places(pdf: MVAPdf, x: Values) -> NDArray[np.int64]:
    """Numbers of the table's bins, the first and the last for all that lies beyond, the first for NaN."""
    place = np.nan_to_num(np.floor((x - pdf.low) / _width(pdf)))
    return np.asarray(np.clip(place, 0, _TABLE - 1), np.int64)


def _density(pdf: MVAPdf, x: Values) -> Values:
    """Linear between the middles of the table's bins, and beyond the first and the last."""
    table, width = _table(pdf).astype(np.float64), _width(pdf)
    place = _places(pdf, x)
    middle = pdf.low + place * width + 0.5 * width
    beside = np.where(((x > middle) & (place != _TABLE - 1)) | (place == 0), place + 1, place - 1)
    slope = (table[place] - table[beside]) / ((place - beside) * width)
    return np.asarray(np.maximum(table[place] + (x - middle) * slope, _SMALLEST))


def _linear(X: Values, Y: NDArray[np.float32], x: Values) -> Values:
    left = np.clip(np.searchsorted(X, x, side="right") - 1, 0, len(X) - 2)
    slope = (Y[left + 1].astype(np.float64) - Y[left]) / (X[left + 1] - X[left])
    return np.asarray(Y[left] + (x - X[left]) * slope)


def _quadratic(X: Values, Y: NDArray[np.float32], x: Values) -> Values:
    """The mean of the parabolas through the points on the left and on the right; one alone near the ends."""
    points = len(X)
    left = np.clip(np.searchsorted(X, x, side="right") - 1, 0, points - 1)

    def through(first: NDArray[np.int64]) -> Values:
        k = np.clip(first, 0, points - 3)
        return _parabola(x, (X[k], X[k + 1], X[k + 2]), (Y[k], Y[k + 1], Y[k + 2]))

    between = (through(left - 1) + through(left)) * 0.5
    return np.where(left == 0, through(left), np.where(left >= points - 2, through(left), between))


def _parabola(x: Values, points: tuple[Values, ...], values: tuple[NDArray[np.float32], ...]) -> Values:
    """Value at x of the parabola through three points, in single precision and TMVA's order of operations."""
    at, x1, x2, x3 = (np.asarray(v, np.float32) for v in (x, *points))
    y1, y2, y3 = values
    a = y1 * (x2 - x3) + y2 * (x3 - x1) + y3 * (x1 - x2)
    b = y1 * (x2 * x2 - x3 * x3) + y2 * (x3 * x3 - x1 * x1) + y3 * (x1 * x1 - x2 * x2)
    c = y1 * (x2 - x3) * x2 * x3 + y2 * (x3 - x1) * x3 * x1 + y3 * (x1 - x2) * x1 * x2
    denominator = (x2 - x3) * (x3 - x1) * (x1 - x2)
    found = (-a * at * at + b * at - c) / np.where(denominator != 0, denominator, 1)
    return np.where(denominator != 0, found, 0).astype(np.float64)
