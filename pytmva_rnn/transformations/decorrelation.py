"""`D`, Decorrelation: the inverse square root of the covariance (tmva's VariableDecorrTransform)."""

from __future__ import annotations

import numpy as np

from pytmva_rnn.description import Decorrelation
from pytmva_rnn.errors import DataError
from pytmva_rnn.transformations.instruction import Instruction
from pytmva_rnn.transformations.rotation import rotation
from pytmva_rnn.transformations.transformer import ClassSample, Lesson, Transformer, Values

__all__ = ["DECORRELATION"]


def _learn(lesson: Lesson) -> Decorrelation:
    matrices = np.stack([_inverse_root(lesson, sample) for sample in lesson.samples])
    return Decorrelation(lesson.inputs, lesson.outputs, matrices, reference=lesson.reference)


def _covariance(lesson: Lesson, sample: ClassSample) -> Values:
    """`sum w (x - m)(x - m)^T / sum w` with the weighted mean m."""
    total = sample.weights.sum(dtype=np.float64)
    if total <= 0:
        raise lesson.error(f"the weights of {sample.name} add up to {total:g}; a covariance needs a positive sum")
    size = len(lesson.inputs)
    mean: Values = sum((weights @ block for block, weights in sample.blocks()), np.zeros(size)) / total
    result = np.zeros((size, size))
    for block, weights in sample.blocks():
        deviations = block - mean
        result += (deviations * weights[:, None]).T @ deviations
    return np.asarray(result / total)


def _inverse_root(lesson: Lesson, sample: ClassSample) -> Values:
    """The symmetric inverse square root of the covariance.

    A singular covariance has none, and C++ TMVA then writes a matrix without meaning. Here it is an error where the
    matrix is to be used; elsewhere the directions without spread are mapped to zero.
    """
    covariance = _covariance(lesson, sample)
    variances, vectors = np.linalg.eigh(covariance)
    spread = variances > len(variances) * np.finfo(np.float64).eps * variances.max(initial=0.0)
    if lesson.is_used(sample) and not spread.all():
        raise lesson.error(_why_singular(lesson, sample, covariance, vectors[:, 0]))
    scale = np.where(spread, 1 / np.sqrt(np.where(spread, variances, 1)), 0)
    return np.asarray((vectors * scale) @ vectors.T)


def _why_singular(lesson: Lesson, sample: ClassSample, covariance: Values, direction: Values) -> str:
    constant = np.flatnonzero(np.diag(covariance) <= 0)
    if len(constant):
        name = lesson.label(int(constant[0]))
        if sample.weights.min() < 0:
            return f"{name} has no positive variance in {sample.name}, whose weights are partly negative; remove it"
        return f"{name} has the same value in all events of {sample.name}; remove it from the inputs"
    places = np.argsort(-np.abs(direction))[:2]
    names = " and ".join(lesson.label(int(place)) for place in sorted(places))
    return (
        f"the covariance of {sample.name} is singular: the inputs depend on each other linearly, {names} most of all, "
        "or differ too much in scale; remove one of them, or normalise first (VarTransform=N,D)"
    )


def _forward(transformation: Decorrelation, entry: int, _: list[int]) -> Instruction:
    """`M x`."""
    return rotation(np.asarray(transformation.matrices[entry], np.float64))


def _inverse(transformation: Decorrelation, entry: int, _: list[int]) -> Instruction:
    try:
        return rotation(np.linalg.inv(np.asarray(transformation.matrices[entry], np.float64)))
    except np.linalg.LinAlgError as error:
        raise DataError("Decorrelation: the matrix is singular, so that nothing can be mapped back") from error


DECORRELATION = Transformer(
    names=("D", "Deco", "Decorrelate"),
    transformation=Decorrelation,
    defaults=("Variable",),
    learn=_learn,
    forward=_forward,
    inverse=_inverse,
)
