"""`N`, Normalize: each input linearly to [-1, 1] (tmva's VariableNormalizeTransform)."""

from __future__ import annotations

import numpy as np

from pytmva_rnn.description import Normalize
from pytmva_rnn.transformations.transformer import Lesson, Transformer, Values

__all__ = ["NORMALIZE"]


def _learn(lesson: Lesson) -> Normalize:
    """Minimum and maximum of each input; weights play no part."""
    ranges = np.array([np.stack([s.values.min(0), s.values.max(0)], 1) for s in lesson.samples], np.float64)
    for sample, (low, high) in zip(lesson.samples, ranges.transpose(0, 2, 1), strict=True):
        if lesson.is_used(sample) and (low == high).any():
            place = int(np.argmax(low == high))
            raise lesson.error(
                f"{lesson.label(place)} has the same value, {low[place]:g}, in all events of {sample.name}; "
                "remove it from the inputs"
            )
    return Normalize(lesson.inputs, lesson.outputs, ranges, reference=lesson.reference)


def _limits(transformation: Normalize, entry: int, places: list[int]) -> tuple[Values, Values]:
    ranges = np.asarray(transformation.ranges, np.float64)[entry, places]
    return ranges[:, 0], ranges[:, 1]


def _forward(transformation: Normalize, entry: int, places: list[int], values: Values) -> Values:
    """`2 (x - min)/(max - min) - 1`."""
    low, high = _limits(transformation, entry, places)
    return np.asarray(2 * (values - low) / (high - low) - 1)


def _inverse(transformation: Normalize, entry: int, places: list[int], values: Values) -> Values:
    low, high = _limits(transformation, entry, places)
    return np.asarray((values + 1) / 2 * (high - low) + low)


NORMALIZE = Transformer(
    names=("N", "Norm", "Normalise", "Normalize"),
    transformation=Normalize,
    defaults=("Variable", "Target"),
    by_column=True,
    learn=_learn,
    forward=_forward,
    inverse=_inverse,
)
