"""Arrays as users hand them in."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.description import Description, mark_padding, padded_steps
from pytmva_rnn.description.arrays import numbers
from pytmva_rnn.description.padded_steps import check_marked
from pytmva_rnn.errors import DataError

__all__ = ["expected", "is_shaped", "marked", "mask_of", "shaped"]


def expected(X: ArrayLike, shape: tuple[int, int]) -> NDArray[Any]:
    """X as an array of numbers, of any type and layout, (n, T*D) or (n, T, D).

    Raises
    ------
    DataError
        If the events do not have T*D variables.
    """
    array = numbers(X, "X")
    steps, inputs = shape
    if array.shape[1:] not in (shape, (steps * inputs,)):
        raise DataError(
            f"X has the shape {array.shape}; expected (n, {steps * inputs}) or (n, {steps}, {inputs}): "
            f"{steps} step(s) of {inputs} input(s), time-major"
        )
    return array


def marked(model: Description, X: ArrayLike, mask: ArrayLike | None, lengths: ArrayLike | None) -> NDArray[Any]:
    """X, (n, T*D) or (n, T, D), as (n, T, D) with the steps marked that are not there: told, or marked already.

    Raises
    ------
    DataError
        For a network that does not leave them out, what `mark_padding` raises, and events of which nobody says what is
        there.
    """
    if not model.mask_padding:
        raise DataError(
            "mask and lengths are for a network that leaves out steps that are not there, and this one was trained "
            "without mask_padding: it scores all steps"
        )
    events = expected(X, model.event_shape)
    events = events.reshape(len(events), *model.event_shape)
    if mask is None and lengths is None:
        check_marked(events)
        return events
    return mark_padding(events, mask=mask, lengths=lengths)


def mask_of(model: Description, X: ArrayLike) -> NDArray[np.bool_] | None:
    """Which steps of events are there, as they are marked, (n, T); None for a network that takes all."""
    if not model.mask_padding:
        return None
    events = expected(X, model.event_shape)
    return ~padded_steps(events.reshape(len(events), *model.event_shape))


def is_shaped(X: ArrayLike, shape: tuple[int, int], dtype: np.dtype[Any]) -> TypeGuard[NDArray[Any]]:
    """Whether X is a contiguous (n, T, D) already, and needs no preparation; small batches come again and again."""
    return type(X) is np.ndarray and X.dtype is dtype and X.shape[1:] == shape and X.flags.c_contiguous


def shaped(X: ArrayLike, shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
    """X, (n, T*D) or (n, T, D), as a contiguous (n, T, D).

    Raises
    ------
    DataError
        If the events do not have T*D variables.
    """
    if is_shaped(X, shape, dtype):
        return X
    array = expected(X, shape)
    return np.ascontiguousarray(array, dtype).reshape(len(array), *shape)
