"""Elements of events, one event after the other -> T places each: sorted, cut and padded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import compilation, entry, helper, readable
from pytmva_rnn.formula.values import Value, to_awkward
from pytmva_rnn.packages import ak

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


@entry
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


def order_within(
    key: NDArray[Any], offsets: NDArray[np.int64], descending: bool, steps: int | None = None
) -> NDArray[np.int64]:
    """For each event in turn, where in `key` (m,) its elements are when sorted by it; equal ones keep their order.

    NaN comes before all numbers, in both directions. With `steps`, only the first so many places of each event need to
    be right.
    """
    # integers of eight bytes may have no float64 of their own
    if steps is not None and steps <= _FEW and (key.dtype.kind == "f" or key.dtype.itemsize < 8):
        order = np.zeros(len(key), np.int64)
        with compilation("sequences"):
            _first_in_order(readable(key, np.float64), readable(offsets, np.int64), steps, descending, order)
        return order
    within = ak.argsort(to_awkward(Value(key, (offsets,))), axis=1, ascending=not descending, stable=True)
    within = np.asarray(ak.to_numpy(ak.flatten(within, axis=1)), dtype=np.int64)
    return np.asarray(within + np.repeat(offsets[:-1], np.diff(offsets)), np.int64)


_FEW = 128
"""Steps for which putting each element into its place is quicker than sorting whole lists."""


@helper
def _comes_before(x: float, y: float, descending: bool) -> bool:
    if np.isnan(x):
        return not np.isnan(y)
    return x > y if descending else x < y


@entry
def _first_in_order(
    key: NDArray[np.float64], offsets: NDArray[np.int64], steps: int, descending: bool, order: NDArray[np.int64]
) -> None:
    for i in range(len(offsets) - 1):
        first = offsets[i]
        last = first - 1  # of the places that are taken
        for k in range(first, offsets[i + 1]):
            x = key[k]
            if last - first + 1 < steps:
                last += 1
            elif not _comes_before(x, key[order[last]], descending):
                continue
            place = last
            while place > first and _comes_before(x, key[order[place - 1]], descending):
                order[place] = order[place - 1]
                place -= 1
            order[place] = k
