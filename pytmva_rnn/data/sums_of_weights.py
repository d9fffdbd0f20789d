"""Negative weights, and sums of weights that nothing can be learned from."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError

if TYPE_CHECKING:
    from pytmva_rnn.data.dataset import Dataset

__all__ = ["REMEDY", "NegativeWeights", "check_sums", "report_negative", "with_signs"]

log = logging.getLogger("pytmva_rnn")

NegativeWeights = Literal["keep", "absolute", "ignore"]

REMEDY = (
    'take their absolute values (negative_weights = "absolute"), leave such events out ("ignore"), or pair each with '
    "events near it and give these the sum"
)
"""What can be done about weights that do not add up to something positive."""


def with_signs(dataset: Dataset, treatment: NegativeWeights) -> Dataset:
    """Events with negative weights as asked: kept, with the absolute value, or left out."""
    if treatment not in ("keep", "absolute", "ignore"):
        raise DataError(f"negative_weights is 'keep', 'absolute' or 'ignore', not {treatment!r}")
    report_negative(dataset.weights, dataset.class_index, dataset.classes, treatment)
    if treatment == "absolute":
        return replace(dataset, weights=np.abs(dataset.weights))
    negative = dataset.weights < 0
    return dataset.take(~negative) if treatment == "ignore" and negative.any() else dataset


_DONE = {"keep": "kept as they are", "absolute": "taken without their sign", "ignore": "left out"}


def report_negative(
    weights_of_events: NDArray[Any],
    class_index: NDArray[np.int64],
    classes: Sequence[str],
    treatment: NegativeWeights = "keep",
) -> None:
    """Tell in the log of each class how many events have negative weights, and what they are of the sum."""
    for number, name in enumerate(classes):
        weights = weights_of_events[class_index == number]
        negative = weights[weights < 0]
        if len(negative):
            log.info(
                "class %s: %d of %d events have negative weights, %.3g of %.6g in all (%.3g %%); they are %s",
                name,
                len(negative),
                len(weights),
                negative.sum(),
                weights.sum(),
                100 * abs(negative.sum()) / np.abs(weights).sum(),
                _DONE[treatment],
            )


def check_sums(dataset: Dataset, what: str) -> None:
    """Make sure that the weights of each class add up to something positive.

    Raises
    ------
    DataError
        With what can be done, if they do not.
    """
    for number, name in enumerate(dataset.classes):
        weights = dataset.weights[dataset.class_index == number]
        if not weights.sum() > 0:
            remedy = REMEDY if (weights < 0).any() else "check the formula of the weight"
            raise DataError(
                f"the weights of the {len(weights)} {what} of class {name!r} add up to {weights.sum():g}; {remedy}"
            )
