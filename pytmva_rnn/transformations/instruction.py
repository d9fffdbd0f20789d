"""What a transformation is compiled to: an operation and the numbers that it works with."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FLAT",
    "FROM_FLAT",
    "FROM_NORMAL",
    "FROM_SCALED",
    "NORMAL",
    "ROTATED",
    "SCALED",
    "Instruction",
]

SCALED, FROM_SCALED, ROTATED, FLAT, FROM_FLAT, NORMAL, FROM_NORMAL = range(7)
"""Operations of the interpreter."""


@dataclass(frozen=True)
class Instruction:
    """One operation on the inputs of one type.

    Attributes
    ----------
    operation : int
    parameters : float64 array, flat
        In the order that the operation's kernel wants.
    table : float32 array, flat
        The points of cumulative distributions, where there are any.
    """

    operation: int
    parameters: NDArray[np.float64]
    table: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
