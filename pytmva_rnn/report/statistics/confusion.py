"""Which class is taken for which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.report.statistics.fractions import fractions

__all__ = ["Confusion", "confusion"]


@dataclass(frozen=True, eq=False)
class Confusion:
    """Which class events of each class are taken for: that of the largest score.

    Attributes
    ----------
    classes : tuple of str
    fraction, low, high : (classes, classes) float64
        Row: the true class, whose weights add up to 1; column: what it is taken for. With one standard deviation.
    accuracy : float
        Fraction of all weight that is taken for what it is.
    """

    classes: tuple[str, ...]
    fraction: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    accuracy: float


def confusion(classes: tuple[str, ...], class_index: ArrayLike, scores: ArrayLike, weights: ArrayLike) -> Confusion:
    """From true classes (n,), scores (n, classes) and weights (n,)."""
    true, taken = np.asarray(class_index), np.asarray(scores).argmax(axis=1)
    weight = np.asarray(weights, np.float64)
    size = len(classes)
    sums, squares = (
        np.bincount(true * size + taken, values, minlength=size * size).reshape(size, size)
        for values in (weight, weight**2)
    )
    others, other_squares = (each.sum(axis=1, keepdims=True) - each for each in (sums, squares))
    fraction, low, high = fractions(sums, others, squares, other_squares)
    return Confusion(classes, fraction, low, high, float(np.trace(sums) / weight.sum()))
