"""Elements of events, one event after the other -> T places each: sorted, cut and padded."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import compilation, kernel, readable
from pytmva_rnn.formula.values import Value, to_awkward

__all__ = ["order_within", "pad"]


def pad(
    X: NDArray[np.float32],
    d: int,
    flat: NDArray[np.float32],
    offsets: NDArray[np.int64],
    order: NDArray[np.int64] | None = None,
    *,
    at_end: bool = True,
) -> None:
    """Copy the first elements of each event into `X[:, :, d]`; what is there stays where an event has no more.

    Parameters
    ----------
    X : (n, T, D) float32 in C order
        Changed in place.
    d : int
    flat : (m,) float32
        The elements of all events, one event after the other.
    offsets : (n + 1,) int64
        Event i has the elements offsets[i] to offsets[i + 1].
    order : (m,) int64, optional
        For each event in turn, where in `flat` its elements are, in the order wanted.
    at_end : bool
        Whether free places are at the end, or else at the start.
    """
    order = np.empty(0, np.int64) if order is None else readable(order, np.int64)
    with compilation("sequences"):
        _pad(X, d, readable(flat, np.float32), readable(offsets, np.int64), order, at_end)


@kernel
def _pad(
    X: NDArray[np.float32],
    d: int,
    flat: NDArray[np.float32],
    offsets: NDArray[np.int64],
    order: NDArray[np.int64],
    at_end: bool,
) -> None:
    n, steps, _ = X.shape
    for i in range(n):
        first = offsets[i]
        taken = min(offsets[i + 1] - first, steps)
        free = 0 if at_end else steps - taken
        for t in range(taken):
            X[i, free + t, d] = flat[first + t if len(order) == 0 else order[first + t]]


def order_within(key: NDArray[Any], offsets: NDArray[np.int64], descending: bool) -> NDArray[np.int64]:
    """For each event in turn, where in `key` (m,) its elements are when sorted by it; equal ones keep their order."""
    within = ak.argsort(to_awkward(Value(key, (offsets,))), axis=1, ascending=not descending, stable=True)
    within = np.asarray(ak.to_numpy(ak.flatten(within, axis=1)), dtype=np.int64)
    order: NDArray[np.int64] = within + np.repeat(offsets[:-1], np.diff(offsets))
    return order
