"""Events with what a network makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.network.scoring import NO_SCORE

__all__ = ["ScoredSample", "finite_rows"]


@dataclass(frozen=True, eq=False)
class ScoredSample:
    """Events with what a network makes of them.

    Attributes
    ----------
    scores : (n,) or (n, O)
    weights : (n,)
    class_index : (n,) int
        Class 0 is the signal class.
    target_values : (n, O)
        Regression only, otherwise O is 0.
    """

    scores: NDArray[Any]
    weights: NDArray[Any]
    class_index: NDArray[Any]
    target_values: NDArray[Any]

    @property
    def has_score(self) -> NDArray[np.bool_]:
        """Which events have one, (n,): neither NaN nor infinite, and not TMVA's -999 in its place."""
        return finite_rows(np.where(self.scores == NO_SCORE, np.nan, self.scores))

    def take(self, index: NDArray[Any]) -> ScoredSample:
        """The events at `index`, or those where a mask is true."""
        return ScoredSample(self.scores[index], self.weights[index], self.class_index[index], self.target_values[index])

    def one_against_rest(self, number: int) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        """For class `number`: which events are of it, and the score that is large for it."""
        return self.class_index == number, self.scores if self.scores.ndim == 1 else self.scores[:, number]


def finite_rows(scores: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the scores (n,) or (n, O) are neither NaN nor infinite, (n,)."""
    return np.asarray(np.isfinite(scores).reshape(len(scores), -1).all(axis=1))
