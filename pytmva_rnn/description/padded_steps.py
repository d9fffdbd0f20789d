"""Steps of a sequence that are not there: in arrays of inputs, NaN in all of their inputs marks them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.description.arrays import numbers
from pytmva_rnn.errors import DataError

__all__ = ["bad_events", "check_marked", "mark_again", "mark_padding", "padded_steps"]


def mark_padding(X: ArrayLike, *, mask: ArrayLike | None = None, lengths: ArrayLike | None = None) -> NDArray[Any]:
    """Events with NaN in all inputs of the steps that are not there: what networks with `mask_padding` leave out.

    Parameters
    ----------
    X : array, shape (n, T, D)
        What padded steps hold does not matter.
    mask : array of bool, shape (n, T), optional
        True where a step is there.
    lengths : array of int, shape (n,), optional
        In its place, how many steps of each event are there, the first ones.

    Returns
    -------
    ndarray, shape (n, T, D)
        A copy, float32 or wider.

    Raises
    ------
    DataError
        For arrays that do not fit each other, and a step that is there and NaN in all inputs, which would count as
        padding.

    Examples
    --------
    >>> mark_padding(np.ones((2, 3, 1)), lengths=[3, 1])[:, :, 0]
    array([[ 1.,  1.,  1.],
           [ 1., nan, nan]])
    """
    events = numbers(X, "X")
    if events.ndim != 3:
        raise DataError(f"X has the shape {events.shape}; steps that are not there need (n, T, D)")
    there = _there(events.shape, mask, lengths)
    lost = padded_steps(events) & there
    if lost.any():
        event, step = (int(i) for i in np.argwhere(lost)[0])
        raise DataError(
            f"step {step} of event {event} is there, but NaN in all its inputs, which would count as padding; leave "
            "it out of the mask, or the event out of X"
        )
    marked: NDArray[Any] = np.array(events, np.result_type(events.dtype, np.float32), order="C")
    marked[~there] = np.nan
    return marked


def _there(shape: tuple[int, ...], mask: ArrayLike | None, lengths: ArrayLike | None) -> NDArray[np.bool_]:
    """Which steps are there, (n, T)."""
    events, steps, _ = shape
    if (mask is None) == (lengths is None):
        raise DataError("which steps are there, either mask (n, T) or lengths (n,) tells")
    if lengths is not None:
        counts = numbers(lengths, "lengths")
        if counts.shape != (events,) or counts.dtype.kind not in "iu":
            raise DataError(f"lengths are {events} whole numbers, not {counts.dtype} of the shape {counts.shape}")
        if (wrong := (counts < 0) | (counts > steps)).any():
            event = int(wrong.argmax())
            raise DataError(f"lengths: event {event} cannot have {counts[event]} of {steps} steps")
        return np.asarray(np.arange(steps) < counts[:, np.newaxis])
    given = np.asarray(mask)
    if given.shape != (events, steps) or given.dtype != np.bool_:
        raise DataError(
            f"mask is true or false for each step, of the shape {(events, steps)}, not {given.dtype} of {given.shape}"
        )
    return given


def padded_steps(X: NDArray[Any]) -> NDArray[np.bool_]:
    """Which steps of events (n, T, D) are marked as not there, (n, T)."""
    return np.asarray(np.isnan(X).all(axis=-1))


def mark_again(made: NDArray[Any], X: NDArray[Any], steps: int) -> None:
    """Mark in what was made of events (n, T*D), in place, the steps that they have marked."""
    for first in range(0, len(X), _ROWS):
        rows = slice(first, first + _ROWS)
        block = X[rows].reshape(-1, steps, X.shape[1] // steps)
        made[rows].reshape(block.shape)[padded_steps(block)] = np.nan


def bad_events(X: NDArray[Any], steps: int) -> tuple[int, int]:
    """How many events (n, T*D) have a NaN or infinity, and the first of them.

    With a number of `steps`, T, those count that are there; with 0 every number does.
    """
    count = first = 0
    for start in range(0, len(X), _ROWS):
        block = X[start : start + _ROWS].reshape(-1, max(1, steps), X.shape[1] // max(1, steps))
        bad = ~np.isfinite(block).all(axis=2)
        if steps:
            bad &= ~padded_steps(block)
        bad = bad.any(axis=1)
        if bad.any() and not count:
            first = start + int(bad.argmax())
        count += int(bad.sum())
    return count, first


_ROWS = 16_384
"""Looked at together, so that a large sample needs no memory beside it."""


def check_marked(X: NDArray[Any]) -> None:
    """Refuse events (n, T, D) of which no step is marked, while steps at an end are 0: they seem to be padded.

    Raises
    ------
    DataError
    """
    if not len(X) or padded_steps(X).any():
        return
    blank = (X[:, (0, -1)] == 0).all(axis=2).any(axis=1)
    if blank.any():
        raise DataError(
            f"this network leaves out steps that are not there, and X has none marked, but steps of zeros at an end, "
            f"first in event {int(blank.argmax())}: tell with mask or lengths which steps are there, or mark them with "
            "mark_padding"
        )
