"""What tells one sample of events from another: a digest of all that a training sees of it."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.dataset import Dataset

__all__ = ["digest_of_events"]

_SEEN = ("X", "class_index", "weights", "target_values", "entries", "fold_values", "sample", "sample_by_split")
_PIECE = 1 << 20
"""Rows that are looked at together, so that what is spread from one number is not written out whole."""


def digest_of_events(data: Dataset) -> str:
    """SHA-256, in hexadecimal digits, of inputs, labels, weights and places of all events, in their order."""
    digest = hashlib.sha256(repr((data.classes, data.variables, data.analysis, data.weighting)).encode())
    for name in _SEEN:
        _add(digest, name, getattr(data, name))
    _add(digest, "weighting", data.weighting_values)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, name: str, values: NDArray[np.generic]) -> None:
    digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
    for start in range(0, len(values), _PIECE):
        digest.update(np.ascontiguousarray(values[start : start + _PIECE]).data)
