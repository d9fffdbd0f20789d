"""Inputs of a network by class and step: mean, spread, lengths, padding and correlations, summed piece by piece."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["InputMoments", "InputSums"]

_MOST = 500
"""Inputs whose correlations are computed."""


@dataclass(frozen=True, eq=False)
class InputMoments:
    """Inputs of one class, or of all events of a regression.

    Attributes
    ----------
    name : str
        Of the class.
    events : int
    weight : float
        The sum of the events' weights.
    mean, spread : (T, D) float64
        Over the events that have the step; NaN where none has, and where negative weights leave nothing.
    lowest, highest : (T, D) float64
    lengths : (T + 1,) float64
        Fraction of the weight that has 0, 1, ..., T steps.
    padding : (T,) float64
        Fraction of the weight that has not the step.
    correlation : (D, D) float64
        Linear, over all steps that are there; empty for more than 500 inputs.
    not_finite : int
        Values that are NaN or infinite, which are left out.
    """

    name: str
    events: int
    weight: float
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    lengths: NDArray[np.float64]
    padding: NDArray[np.float64]
    correlation: NDArray[np.float64]
    not_finite: int


class InputSums:
    """What the moments of a class are computed from; takes the events piece by piece, so that none is kept.

    Parameters
    ----------
    steps, inputs : int
        T and D.
    """

    def __init__(self, steps: int, inputs: int) -> None:
        self._events, self._not_finite = 0, 0
        self._weight = 0.0
        self._lengths = np.zeros(steps + 1)
        self._padding = np.zeros(steps)
        self._sums = np.zeros((3, steps, inputs))
        self._lowest = np.full((steps, inputs), np.inf)
        self._highest = np.full((steps, inputs), -np.inf)
        size = inputs if inputs <= _MOST else 0
        self._products = np.zeros((size, size))
        self._of_steps = np.zeros(size)
        self._weight_of_steps = 0.0
        # values are counted from here, so that a mean far from 0 costs no digits
        self._origin: NDArray[np.float64] | None = None

    def add(self, X: NDArray[np.float32], there: NDArray[np.bool_], weights: NDArray[np.float64]) -> None:
        """Add events X (n, T, D) with weights (n,); `there` (n, T) tells which steps are no padding."""
        if not len(X):
            return
        self._events += len(X)
        self._weight += float(weights.sum())
        count = there.sum(axis=1)
        self._lengths += np.bincount(count, weights, minlength=len(self._lengths))
        self._padding += weights @ ~there
        finite = np.isfinite(X) & there[:, :, None]
        self._not_finite += int((there[:, :, None] & ~finite).sum())
        if self._origin is None:
            some = X[finite]
            self._origin = np.zeros(X.shape[2])
            for d in range(X.shape[2]):
                some = X[:, :, d][finite[:, :, d]]
                self._origin[d] = some.mean(dtype=np.float64) if len(some) else 0.0
        for t in range(X.shape[1]):
            values = np.where(finite[:, t], X[:, t] - self._origin, 0.0)
            self._sums[0, t] += weights @ finite[:, t]
            self._sums[1, t] += weights @ values
            self._sums[2, t] += weights @ values**2
            chosen = X[:, t].astype(np.float64)
            self._lowest[t] = np.minimum(self._lowest[t], np.where(finite[:, t], chosen, np.inf).min(axis=0))
            self._highest[t] = np.maximum(self._highest[t], np.where(finite[:, t], chosen, -np.inf).max(axis=0))
            if len(self._products):
                whole = finite[:, t].all(axis=1)
                rows, own = values[whole], weights[whole]
                self._products += (rows * own[:, None]).T @ rows
                self._of_steps += own @ rows
                self._weight_of_steps += float(own.sum())

    def moments(self, name: str) -> InputMoments:
        """What is known so far."""
        origin = np.zeros(self._sums.shape[2]) if self._origin is None else self._origin
        with np.errstate(divide="ignore", invalid="ignore"):
            total = np.where(self._sums[0] > 0, self._sums[0], np.nan)
            mean = self._sums[1] / total
            variance = self._sums[2] / total - mean**2
            # what rounding leaves of a constant is none; negative weights may leave less than nothing
            nothing = np.abs(variance) <= 1e-12 * (self._sums[2] / total)
            spread = np.sqrt(np.where(nothing, 0.0, variance))
            lengths, padding = (each / self._weight for each in (self._lengths, self._padding))
        empty = ~np.isfinite(self._lowest)
        return InputMoments(
            name,
            self._events,
            self._weight,
            mean + origin,
            spread,
            np.where(empty, np.nan, self._lowest),
            np.where(empty, np.nan, self._highest),
            lengths,
            padding,
            self._correlation(),
            self._not_finite,
        )

    def _correlation(self) -> NDArray[np.float64]:
        total = self._weight_of_steps
        if not len(self._products) or not total > 0:
            return np.full(self._products.shape, np.nan)
        mean = self._of_steps / total
        covariance = self._products / total - np.outer(mean, mean)
        diagonal = np.diag(covariance)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.sqrt(np.where(diagonal > 1e-12 * np.diag(self._products) / total, diagonal, np.nan))
            return np.asarray(np.clip(covariance / np.outer(spread, spread), -1, 1))
