"""`P`, PCA: principal components (tmva's VariablePCATransform with ROOT's TPrincipal)."""

from __future__ import annotations

import numpy as np

from pytmva_rnn.description import PCA
from pytmva_rnn.errors import OptionError
from pytmva_rnn.transformations.eigenvectors import eigenvectors
from pytmva_rnn.transformations.transformer import Lesson, Transformer, Values, nine_digits

__all__ = ["PRINCIPAL_COMPONENTS"]


def _learn(lesson: Lesson) -> PCA:
    if len(lesson.inputs) < 2:
        raise OptionError(f"VarTransform, {lesson.text}: principal components need two inputs or more, found one")
    found = [_principal_components(sample.values.astype(np.float64)) for sample in lesson.samples]
    means, vectors = (np.stack(parts) for parts in zip(*found, strict=True))
    return PCA(lesson.inputs, lesson.outputs, means, vectors, reference=lesson.reference)


def _principal_components(values: Values) -> tuple[Values, Values]:
    """Mean and eigenvectors of the covariance, the largest eigenvalue first; TPrincipal knows no weights.

    They have the nine digits that a weight file keeps, so that a network scores as its file does.
    """
    mean = values.mean(0)
    deviations = values - mean
    return nine_digits(mean), nine_digits(eigenvectors(deviations.T @ deviations / len(values)))


def _forward(transformation: PCA, entry: int, _: list[int], values: Values) -> Values:
    """`E^T (x - mean)`."""
    means, vectors = (np.asarray(a, np.float64)[entry] for a in (transformation.means, transformation.eigenvectors))
    return np.asarray((values - means) @ vectors)


def _inverse(transformation: PCA, entry: int, _: list[int], values: Values) -> Values:
    """`E p + mean`; C++ adds the sum of all means to each variable (`P2X`), which is no inverse."""
    means, vectors = (np.asarray(a, np.float64)[entry] for a in (transformation.means, transformation.eigenvectors))
    return np.asarray(values @ vectors.T + means)


PRINCIPAL_COMPONENTS = Transformer(
    names=("P", "PCA"),
    transformation=PCA,
    defaults=("Variable",),
    by_column=False,
    learn=_learn,
    forward=_forward,
    inverse=_inverse,
)
