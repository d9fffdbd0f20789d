"""What the engines' `state` and `restore` share: how arrays are named, and that given ones are those of the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["COUNTS", "MOMENTS", "begun_anew", "check_state", "named", "remembered_name"]

COUNTS = "counts"
"""Of the optimizer's steps first, of batches since the last inference, and what else an engine counts."""

MOMENTS = ("v", "u")
"""The optimizer's, as `kernels.reference.optimizers` has them."""

_REMEMBERED = "remembered"


def named(layer: int, name: str, moment: str = "") -> str:
    """The name of a layer's array, or of a moment of it."""
    return f"{layer}/{name}/{moment}" if moment else f"{layer}/{name}"


def remembered_name(layer: int | str, state: int | str) -> str:
    """The name of a state that passes from batch to batch, one row an event."""
    return f"{layer}/{_REMEMBERED}/{state}"


def begun_anew(state: Mapping[str, NDArray[Any]], weights: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, Any]:
    """The state of an engine with other weights, and an optimizer that has made no steps yet."""
    new = dict(state)
    new[COUNTS] = state[COUNTS].copy()
    new[COUNTS][0] = 0
    for number, each in enumerate(weights):
        for name, values in each.items():
            new[named(number, name)] = values.astype(state[named(number, name)].dtype)
            for moment in (named(number, name, m) for m in MOMENTS):
                if moment in state:  # statistics have none
                    new[moment] = np.zeros_like(state[moment])
    return new


def check_state(given: Mapping[str, NDArray[Any]], own: Mapping[str, NDArray[Any]], counts: Sequence[int] = ()) -> None:
    """Make sure that arrays are such as an engine has: of remembered states there may be more rows or fewer.

    Parameters
    ----------
    given, own : mapping of arrays
        What is to be restored, and the engine's own state.
    counts : sequence of int
        The largest that each of the counts may be; others may be any number from 0 on.

    Raises
    ------
    ValueError
    """
    if others := sorted(given.keys() ^ own.keys()):
        raise ValueError(
            f"there is no array {others[0]!r}" if others[0] in own else f"{others[0]!r} is none of its arrays"
        )
    for name, mine in own.items():
        array = given[name]
        rows = f"/{_REMEMBERED}/" in name
        if array.dtype != mine.dtype or array.ndim != mine.ndim or array.shape[rows:] != mine.shape[rows:]:
            raise ValueError(f"{name} is {array.dtype}, {array.shape}; expected {mine.dtype}, {mine.shape}")
    for number, count in enumerate(given[COUNTS].tolist()):
        if not 0 <= count <= (counts[number] if number < len(counts) else np.iinfo(np.int64).max):
            raise ValueError(f"one of its counts is {count}")
