"""`N`, Normalize: each input linearly to [-1, 1] (tmva's VariableNormalizeTransform)."""

from __future__ import annotations

import numpy as np

from pytmva_rnn.compile import array_at, operation
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
            raise lesson.constant(place, low[place], sample)
    return Normalize(lesson.inputs, lesson.outputs, ranges, reference=lesson.reference)


def _limits(sample: ClassSample) -> Values:
    """Of the values that are numbers; 0 where none is."""
    low = np.full(len(sample.columns), np.inf)
    high = -low
    for block, _ in sample.blocks():
        if len(block):
            numbers = np.isfinite(block)
            low = np.minimum(low, np.where(numbers, block, np.inf).min(0))
            high = np.maximum(high, np.where(numbers, block, -np.inf).max(0))
    return np.where(low <= high, np.stack([low, high]), 0.0).T


def _parameters(transformation: Normalize, entry: int, places: list[int]) -> Values:
    low, high = np.asarray(transformation.ranges, np.float64)[entry, places].T.astype(np.float32)
    # a float, the quotient of doubles
    factor = (1.0 / (high - low).astype(np.float64)).astype(np.float32)
    return np.concatenate([low, factor]).astype(np.float64)


def _forward(transformation: Normalize, entry: int, places: list[int]) -> Instruction:
    return Instruction(SCALED, _parameters(transformation, entry, places))


def _inverse(transformation: Normalize, entry: int, places: list[int]) -> Instruction:
    return Instruction(FROM_SCALED, _parameters(transformation, entry, places))


@operation
def scale(address: int, count: int, parameters: int, table: int, spare: int) -> None:
    """`(x - min) * (1/(max - min)) * 2 - 1` of `count` inputs, in single precision, as in TMVA; see `interpreter`."""
    values = array_at(address, count, np.float64)
    low, factor = array_at(parameters, count, np.float64), array_at(parameters + 8 * count, count, np.float64)
    one, two = np.float32(1), np.float32(2)
    for i in range(count):
        values[i] = (np.float32(values[i]) - np.float32(low[i])) * np.float32(factor[i]) * two - one


@operation
def scale_back(address: int, count: int, parameters: int, table: int, spare: int) -> None:
    """The inverse of `scale`: `min + (x + 1)/(2/(max - min))`."""
    values = array_at(address, count, np.float64)
    low, factor = array_at(parameters, count, np.float64), array_at(parameters + 8 * count, count, np.float64)
    one, two = np.float32(1), np.float32(2)
    for i in range(count):
        values[i] = np.float32(low[i]) + (np.float32(values[i]) + one) / (np.float32(factor[i]) * two)


NORMALIZE = Transformer(
    names=("N", "Norm", "Normalise", "Normalize"),
    transformation=Normalize,
    defaults=("Variable", "Target"),
    learn=_learn,
    forward=_forward,
    inverse=_inverse,
)
