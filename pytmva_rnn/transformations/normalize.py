"""`N`, Normalize: each input linearly to [-1, 1] (tmva's VariableNormalizeTransform)."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytmva_rnn.compile import kernel
from pytmva_rnn.description import Normalize
from pytmva_rnn.transformations.instruction import FROM_SCALED, SCALED, Instruction
from pytmva_rnn.transformations.transformer import ClassSample, Lesson, Transformer, Values

__all__ = ["NORMALIZE", "scale", "scale_back"]


def _learn(lesson: Lesson) -> Normalize:
    """Minimum and maximum of each input; weights play no part."""
    ranges = np.stack([_limits(sample) for sample in lesson.samples])
    for sample, (low, high) in zip(lesson.samples, ranges.transpose(0, 2, 1), strict=True):
        if lesson.is_used(sample) and (low == high).any():
            place = int(np.argmax(low == high))
            raise lesson.error(
                f"{lesson.label(place)} has the same value, {low[place]:g}, in all events of {sample.name}; "
                "remove it from the inputs"
            )
    return Normalize(lesson.inputs, lesson.outputs, ranges, reference=lesson.reference)


def _limits(sample: ClassSample) -> Values:
    extremes = [(block.min(0), block.max(0)) for block, _ in sample.blocks() if len(block)]
    low, high = zip(*extremes, strict=True)
    return np.stack([np.min(low, 0), np.max(high, 0)], 1)


def _parameters(transformation: Normalize, entry: int, places: list[int]) -> Values:
    low, high = np.asarray(transformation.ranges, np.float64)[entry, places].T
    return np.concatenate([low, high - low])


def _forward(transformation: Normalize, entry: int, places: list[int]) -> Instruction:
    return Instruction(SCALED, _parameters(transformation, entry, places))


def _inverse(transformation: Normalize, entry: int, places: list[int]) -> Instruction:
    return Instruction(FROM_SCALED, _parameters(transformation, entry, places))


@kernel
def scale(values: Any, parameters: Any) -> None:
    """`2 (x - min)/(max - min) - 1`."""
    count = len(values)
    low, span = parameters[:count], parameters[count : 2 * count]
    for i in range(count):
        values[i] = 2 * (values[i] - low[i]) / span[i] - 1


@kernel
def scale_back(values: Any, parameters: Any) -> None:
    """The inverse of `scale`."""
    count = len(values)
    low, span = parameters[:count], parameters[count : 2 * count]
    for i in range(count):
        values[i] = (values[i] + 1) / 2 * span[i] + low[i]


NORMALIZE = Transformer(
    names=("N", "Norm", "Normalise", "Normalize"),
    transformation=Normalize,
    defaults=("Variable", "Target"),
    learn=_learn,
    forward=_forward,
    inverse=_inverse,
)
