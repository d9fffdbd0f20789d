"""`U` and `G`: a flat or a normal distribution of each input (tmva's VariableGaussTransform)."""

from __future__ import annotations

from functools import partial

import numpy as np

from pytmva_rnn.description import CumulativeDistribution, Gauss
from pytmva_rnn.transformations.cumulative import fraction_below, learn_distribution, value_at
from pytmva_rnn.transformations.transformer import ClassSample, Lesson, Transformer, Values

__all__ = ["GAUSS", "UNIFORM"]

_FLOOR = 1e-9
_LARGEST_ARGUMENT = 0.99999999
_ROOT_TWO = 1.414213562  # TMVA's digits


def _learn(lesson: Lesson, flat: bool) -> Gauss:
    distributions = tuple(
        tuple(_distribution(lesson, sample, place) for sample in lesson.samples) for place in range(len(lesson.inputs))
    )
    return Gauss(lesson.inputs, lesson.outputs, distributions, flat, reference=lesson.reference)


def _distribution(lesson: Lesson, sample: ClassSample, place: int) -> CumulativeDistribution:
    values = sample.values[:, place]
    low, high = values.min(), values.max()
    if low == high and lesson.is_used(sample):
        raise lesson.error(
            f"{lesson.label(place)} has the same value, {low:g}, in all events of {sample.name}; "
            "remove it from the inputs"
        )
    learned = learn_distribution(values, sample.weights)
    if learned is None:
        if lesson.is_used(sample):
            raise lesson.error(
                f"{lesson.label(place)} has no bin of positive content in {sample.name}: there are too few events, or "
                "too many of negative weight"
            )
        # no events below the largest value: a step there, so that the file has numbers
        edge = float(low)
        return CumulativeDistribution(np.array([edge - max(1e-4, abs(edge) * 1e-6), edge, edge]), np.array([0.0, 1.0]))
    return learned


def _forward(transformation: Gauss, entry: int, places: list[int], values: Values) -> Values:
    """The fraction u of events below x, cut to [1e-9, 1 - 1e-9]; for `G` on to `sqrt(2) erfinv(2u - 1)`.

    TMVA cuts the argument of erfinv once more, to +-0.99999999, so that no result exceeds 5.73.
    """
    result = np.empty_like(values)
    for column, place in enumerate(places):
        fractions = fraction_below(transformation.distributions[place][entry], values[:, column])
        result[:, column] = np.clip(fractions, _FLOOR, 1 - _FLOOR)
    if transformation.flat:
        return result
    from pytmva_rnn.transformations.errorfunction import erfinv

    argument = np.clip(2 * result - 1, -_LARGEST_ARGUMENT, _LARGEST_ARGUMENT)
    return np.asarray(_ROOT_TWO * erfinv(argument))


def _inverse(transformation: Gauss, entry: int, places: list[int], values: Values) -> Values:
    if not transformation.flat:
        from pytmva_rnn.transformations.errorfunction import erf

        values = (erf(values / _ROOT_TWO) + 1) / 2
    result = np.empty_like(values)
    for column, place in enumerate(places):
        result[:, column] = value_at(transformation.distributions[place][entry], values[:, column])
    return result


UNIFORM = Transformer(
    names=("U", "Uniform"),
    transformation=Gauss,
    defaults=("Variable", "Target"),
    by_column=True,
    learn=partial(_learn, flat=True),
    forward=_forward,
    inverse=_inverse,
)
GAUSS = Transformer(
    names=("G", "Gauss"),
    transformation=Gauss,
    defaults=("Variable",),
    by_column=True,
    learn=partial(_learn, flat=False),
    forward=_forward,
    inverse=_inverse,
)
