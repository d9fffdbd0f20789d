"""Fractions of weighted events and their uncertainties."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["fractions"]


def fractions(
    passed: ArrayLike, failed: ArrayLike, passed_squares: ArrayLike, failed_squares: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Fractions p of what passes, with the interval of one standard deviation.

    That of Wilson for as many events as the weights stand for, so that 0 and 1 are not certain; where weights of both
    signs leave p outside 0 to 1, the propagated standard deviation.

    Parameters
    ----------
    passed, failed : (k,)
        Sums of the weights of what passes, and of what does not.
    passed_squares, failed_squares : (k,)
        Sums of their squares.

    Returns
    -------
    p, low, high : (k,) float64
        NaN where nothing positive is there.
    """
    yes, no, yes2, no2 = (np.asarray(each, np.float64) for each in (passed, failed, passed_squares, failed_squares))
    total, squares = yes + no, yes2 + no2
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.where(total > 0, total, np.nan)
        p = yes / total
        n = total**2 / squares
        middle = (p + 0.5 / n) / (1 + 1 / n)
        half = np.sqrt(np.maximum(p * (1 - p) / n + 0.25 / n**2, 0)) / (1 + 1 / n)
        spread = np.sqrt((1 - p) ** 2 * yes2 + p**2 * no2) / total
        inside = (p >= 0) & (p <= 1)
        low = np.where(inside, np.minimum(np.maximum(middle - half, 0), p), p - spread)
        high = np.where(inside, np.maximum(np.minimum(middle + half, 1), p), p + spread)
    return p, low, high
