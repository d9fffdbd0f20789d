"""`P`, PCA: principal components (tmva's VariablePCATransform with ROOT's TPrincipal)."""

from __future__ import annotations

import numpy as np

from pytmva_rnn.description import PCA
from pytmva_rnn.errors import OptionError
from pytmva_rnn.transformations.eigenvectors import eigenvectors
from pytmva_rnn.transformations.instruction import Instruction
from pytmva_rnn.transformations.rotation import rotation
from pytmva_rnn.transformations.transformer import ClassSample, Lesson, Transformer, Values, nine_digits

__all__ = ["PRINCIPAL_COMPONENTS"]


def _learn(lesson: Lesson) -> PCA:
    if len(lesson.inputs) < 2:
        raise OptionError(f"VarTransform, {lesson.text}: principal components need two inputs or more, found one")
    found = [_principal_components(sample) for sample in lesson.samples]
    means, vectors = (np.stack(parts) for parts in zip(*found, strict=True))
    return PCA(lesson.inputs, lesson.outputs, means, vectors, reference=lesson.reference)


def _principal_components(sample: ClassSample) -> tuple[Values, Values]:
    """Mean and eigenvectors of the covariance, the largest eigenvalue first; TPrincipal knows no weights.

    They have the nine digits that a weight file keeps, so that a network scores as its file does.
    """
    events, size = len(sample.weights), len(sample.columns)
    mean = sum((block.sum(0) for block, _ in sample.blocks()), np.zeros(size)) / events
    covariance = np.zeros((size, size))
    for block, _ in sample.blocks():
        deviations = block - mean
        covariance += deviations.T @ deviations
    return nine_digits(mean), nine_digits(eigenvectors(covariance / events))


def _forward(transformation: PCA, entry: int, _: list[int]) -> Instruction:
    """`E^T (x - mean)`."""
    mean, vectors = (np.asarray(a[entry], np.float64) for a in (transformation.means, transformation.eigenvectors))
    return rotation(vectors.T, before=mean)


def _inverse(transformation: PCA, entry: int, _: list[int]) -> Instruction:
    """`E p + mean`; C++ adds the sum of all means to each variable (`P2X`), which is no inverse."""
    mean, vectors = (np.asarray(a[entry], np.float64) for a in (transformation.means, transformation.eigenvectors))
    return rotation(vectors, after=mean)


PRINCIPAL_COMPONENTS = Transformer(
    names=("P", "PCA"),
    transformation=PCA,
    defaults=("Variable",),
    learn=_learn,
    forward=_forward,
    inverse=_inverse,
)
