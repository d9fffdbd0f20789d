"""Events with what a network makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ScoredSample"]


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

    def one_against_rest(self, number: int) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        """For class `number`: which events are of it, and the score that is large for it."""
        return self.class_index == number, self.scores if self.scores.ndim == 1 else self.scores[:, number]
