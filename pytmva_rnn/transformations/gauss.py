"""`U` and `G`: a flat or a normal distribution of each input (tmva's VariableGaussTransform)."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from pytmva_rnn.compile import array_at, helper, operation
from pytmva_rnn.description import CumulativeDistribution, Gauss
from pytmva_rnn.transformations.cumulative import POINTS, fraction_below, learn_distribution, points, value_at
from pytmva_rnn.transformations.errorfunction import erfinv
from pytmva_rnn.transformations.instruction import (
    FLAT,
    FROM_FLAT,
    FROM_NORMAL,
    NORMAL,
    Instruction,
)
from pytmva_rnn.transformations.transformer import ClassSample, Lesson, Transformer

__all__ = [
    "FLOOR",
    "GAUSS",
    "LARGEST_ARGUMENT",
    "ROOT_TWO",
    "UNIFORM",
    "flatten",
    "flatten_back",
    "make_normal",
    "make_normal_back",
]

FLOOR = 1e-9
LARGEST_ARGUMENT = 0.99999999
ROOT_TWO = 1.414213562  # TMVA's digits


def _learn(lesson: Lesson, flat: bool) -> Gauss:
    distributions = tuple(
        tuple(_distribution(lesson, sample, place) for sample in lesson.samples) for place in range(len(lesson.inputs))
    )
    return Gauss(lesson.inputs, lesson.outputs, distributions, flat, reference=lesson.reference)


def _distribution(lesson: Lesson, sample: ClassSample, place: int) -> CumulativeDistribution:
    values, weights = sample.finite(place)
    if not len(values):
        if lesson.is_used(sample):
            raise lesson.error(f"{lesson.label(place)} is NaN or infinite in all events of {sample.name}")
        values, weights = np.zeros(1, np.float32), np.ones(1, np.float32)  # only so that the file has numbers
    low, high = values.min(), values.max()
    if low == high and lesson.is_used(sample):
        raise lesson.constant(place, low, sample)
    learned = learn_distribution(values, weights)
    if learned is None:
        if lesson.is_used(sample):
            distinct, counts = np.unique(values, return_counts=True)
            most = int(np.argmax(counts))
            if 2 * counts[most] > len(values):
                raise lesson.mostly(place, distinct[most], counts[most] / len(values), sample)
            raise lesson.error(
                f"{lesson.label(place)} has no bin of positive content in {sample.name}: there are too few events, or "
                "too many of negative weight"
            )
        # no events below the largest value: a step there, so that the file has numbers
        edge = float(low)
        return CumulativeDistribution(np.array([edge - max(1e-4, abs(edge) * 1e-6), edge, edge]), np.array([0.0, 1.0]))
    return learned


def _instruction(operation: int, transformation: Gauss, entry: int, places: list[int]) -> Instruction:
    """Where the inputs' distributions begin, where they end, and their tables."""
    chosen = [transformation.distributions[place][entry] for place in places]
    ends = np.array([(each.edges[0], each.edges[-1]) for each in chosen], np.float64)
    return Instruction(operation, ends.T.ravel(), np.concatenate([points(each) for each in chosen]))


def _forward(transformation: Gauss, entry: int, places: list[int]) -> Instruction:
    return _instruction(FLAT if transformation.flat else NORMAL, transformation, entry, places)


def _inverse(transformation: Gauss, entry: int, places: list[int]) -> Instruction:
    return _instruction(FROM_FLAT if transformation.flat else FROM_NORMAL, transformation, entry, places)


@helper
def _flat(x: Any, i: int, count: int, parameters: Any, table: int) -> Any:
    """The fraction u of events below input i, cut to [1e-9, 1 - 1e-9]."""
    of_input = array_at(table + 4 * POINTS * i, POINTS, np.float32)
    return _cut(fraction_below(of_input, parameters[i], parameters[count + i], x), FLOOR, 1 - FLOOR)


@helper
def _from_flat(u: Any, i: int, count: int, parameters: Any, table: int) -> Any:
    """The inverse of `_flat`."""
    of_input = array_at(table + 4 * POINTS * i, POINTS, np.float32)
    return value_at(of_input, parameters[i], parameters[count + i], u)


@operation
def flatten(address: int, count: int, parameters_address: int, table: int, spare: int) -> None:
    """The fraction of events below each of `count` inputs; see `interpreter`."""
    values, parameters = array_at(address, count, np.float64), array_at(parameters_address, 2 * count, np.float64)
    for i in range(count):
        values[i] = _flat(values[i], i, count, parameters, table)


@operation
def flatten_back(address: int, count: int, parameters_address: int, table: int, spare: int) -> None:
    """The inverse of `flatten`."""
    values, parameters = array_at(address, count, np.float64), array_at(parameters_address, 2 * count, np.float64)
    for i in range(count):
        values[i] = _from_flat(values[i], i, count, parameters, table)


@operation
def make_normal(address: int, count: int, parameters_address: int, table: int, spare: int) -> None:
    """`sqrt(2) erfinv(2u - 1)` of what `flatten` makes.

    TMVA cuts the argument of erfinv once more, to +-0.99999999, so that no result exceeds 5.73.
    """
    values, parameters = array_at(address, count, np.float64), array_at(parameters_address, 2 * count, np.float64)
    for i in range(count):
        u = _flat(values[i], i, count, parameters, table)
        values[i] = ROOT_TWO * erfinv(_cut(2 * u - 1, -LARGEST_ARGUMENT, LARGEST_ARGUMENT))


@operation
def make_normal_back(address: int, count: int, parameters_address: int, table: int, spare: int) -> None:
    """The inverse of `make_normal`."""
    values, parameters = array_at(address, count, np.float64), array_at(parameters_address, 2 * count, np.float64)
    for i in range(count):
        u = (math.erf(values[i] / ROOT_TWO) + 1) / 2
        values[i] = _from_flat(u, i, count, parameters, table)


@helper
def _cut(x: float, low: float, high: float) -> float:
    """NaN stays NaN."""
    return low if x < low else high if x > high else x


UNIFORM = Transformer(
    names=("U", "Uniform"),
    transformation=Gauss,
    defaults=("Variable", "Target"),
    learn=partial(_learn, flat=True),
    forward=_forward,
    inverse=_inverse,
)
GAUSS = Transformer(
    names=("G", "Gauss"),
    transformation=Gauss,
    defaults=("Variable",),
    learn=partial(_learn, flat=False),
    forward=_forward,
    inverse=_inverse,
)
