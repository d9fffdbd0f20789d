"""Inputs and labels in finished arrays, checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.data.flat_variables import Column, internal_name, limits_of
from pytmva_rnn.data.labels import class_numbers, names_of_columns, read_labels
from pytmva_rnn.description import Variable, analysis_of, padded_steps
from pytmva_rnn.description.arrays import numbers
from pytmva_rnn.errors import DataError

__all__ = ["FinishedArrays", "described_names", "understood"]


@dataclass(frozen=True, eq=False)
class FinishedArrays:
    """What a Dataset takes of arrays; it has the same attributes."""

    X: NDArray[np.float32]
    class_index: NDArray[np.int64]
    weights: NDArray[np.float64]
    classes: tuple[str, ...]
    target_values: NDArray[np.float32]
    targets: tuple[Column, ...]
    variables: tuple[str, ...]


def understood(
    X: ArrayLike,
    y: Any,
    weights: ArrayLike | None,
    classes: Sequence[str] | None,
    variables: Sequence[str] | None,
    targets: Sequence[str] | None,
    analysis: str | None,
    *,
    mask_padding: bool = False,
) -> FinishedArrays:
    """Check and understand arrays; parameters and errors are those of `Dataset.from_arrays`.

    With `mask_padding` the steps are marked that are not there.
    """
    if analysis is None and targets is not None:
        analysis = "regression"
    labels, found, names = read_labels(y, analysis, classes)
    kind = analysis_of(found)
    events = numbers(X, "X")
    if events.ndim not in (2, 3) or 0 in events.shape:
        raise DataError(f"X has the shape {events.shape}; expected (n, NVar) or (n, T, D) with at least one event")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is reported as such
        inputs: NDArray[np.float32] = np.ascontiguousarray(events, np.float32)
    target_values, class_index, all_classes = class_numbers(labels, kind, len(events), names)
    own = np.ones(len(events)) if weights is None else numbers(weights, "weights").reshape(-1).astype(np.float64)
    if len(own) != len(events):
        raise DataError(f"weights has {len(own)} values for {len(events)} events")
    for name, array in (("X", inputs), ("y", target_values), ("weights", own)):
        bad = ~np.isfinite(array).reshape(len(array), -1)
        if mask_padding and array is inputs:
            bad &= ~np.repeat(padded_steps(inputs), inputs.shape[2], axis=1)
        if bad.any():
            events_of = bad.any(axis=1)
            raise DataError(
                f"{name} has a NaN or infinity in {events_of.sum()} event(s), first in event {events_of.argmax()}"
            )
    columns: Sequence[str] = ()
    if kind == "Regression":
        columns = targets or [f"target{number}" for number in range(target_values.shape[1])]
        if len(columns) != target_values.shape[1]:
            raise DataError(f"{len(columns)} names for the {target_values.shape[1]} targets: {', '.join(columns)}")
    else:
        target_values = np.empty((len(events), 0), np.float32)
    return FinishedArrays(
        inputs,
        class_index,
        own,
        all_classes,
        target_values,
        tuple(Column(name) for name in columns),
        _names(inputs.shape, names_of_columns(X) if variables is None else variables),
    )


def _names(shape: tuple[int, ...], given: Sequence[str] | None) -> tuple[str, ...]:
    """A name for each number of a flat event."""
    if given is None:
        return ()
    names = tuple(given)
    if len(shape) == 3 and len(names) == shape[2]:
        names = tuple(f"{name}_{step}" for step in range(shape[1]) for name in names)
    if len(names) != math.prod(shape[1:]):
        raise DataError(f"{len(names)} names for the variables of events of the shape {shape[1:]}")
    if len(set(names)) < len(names):
        raise DataError(f"several variables have one name: {', '.join(sorted(names))}")
    return names


def described_names(names: Sequence[str], values: NDArray[np.float32]) -> tuple[Variable, ...]:
    """What the weight file says of variables (n, NVar) of which there is nothing but names."""
    return tuple(
        Variable(name, name, name, internal=internal_name(name), min=low, max=high)
        for name, (low, high) in zip(names, limits_of(values), strict=True)
    )
