"""What is chosen for the events at hand where a parameter leaves it open."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.flat_variables import limits_of

__all__ = ["batch_of", "scaling"]

_SMALLEST, _LARGEST = 32, 256
"""Sizes between which an automatic batch lies, where the events are enough."""
_SMALL = 10.0
"""A constant input of at most this size does no harm."""
_BATCHES = 100
"""That an epoch of large samples has at least."""


def scaling(X: NDArray[np.float32], targets: NDArray[Any]) -> str:
    """VarTransform=N of what is not constant, and of what is constant and large, which N refuses."""
    constant, others = [], []
    for kind, values in (("V", X), ("T", targets.astype(np.float32))):
        low, high = np.array(limits_of(values)).reshape(-1, 2).T  # of steps that are there
        alike = (low == high) & (np.abs(low) <= _SMALL)
        constant += [f"_{kind}{place}_" for place in np.flatnonzero(alike)]
        others += [f"_{kind}{place}_" for place in np.flatnonzero(~alike)]
    if not constant:
        return "N"
    return f"N({','.join(others)})" if others else "None"


def batch_of(smaller: int, events: int) -> int:
    """As many events that an epoch has enough batches, and that few of the smaller sample are left over."""
    wanted = min(max(_SMALLEST, events // _BATCHES), _LARGEST)
    return smaller // math.ceil(smaller / wanted)
