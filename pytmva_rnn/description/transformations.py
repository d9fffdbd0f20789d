"""Preprocessing steps of the variables as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TransformInput:
    """A variable that a transformation reads or makes; `type` is Variable, Target or Spectator."""

    type: str
    label: str
    expression: str


@dataclass(frozen=True, eq=False)
class Transformation:
    """A preprocessing step of the variables (tmva's `VarTransform`).

    What is learned stands there once for each class and, last, once for all classes together. With a single class, as
    in regression, one entry serves as both.

    Attributes
    ----------
    inputs, outputs : tuple of TransformInput
        What is read, and where the results go; their order is that of the parameters.
    reference : int, optional
        The class whose entry is used, for `D_Signal` and the like; None for all classes together.
    """

    kind: ClassVar[str]

    inputs: tuple[TransformInput, ...]
    outputs: tuple[TransformInput, ...]
    reference: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, eq=False)
class Normalize(Transformation):
    """Maps each variable linearly to [-1, 1].

    Attributes
    ----------
    ranges : ndarray, shape (classes + 1, inputs, 2)
        Minimum and maximum of each input for each class and, last, for all classes together.
    """

    kind: ClassVar[str] = "Normalize"

    ranges: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decorrelation(Transformation):
    """Multiplies the vector of inputs by the inverse square root of its covariance.

    Attributes
    ----------
    matrices : ndarray, shape (classes + 1, inputs, inputs)
        Symmetric; the result is `M x`.
    """

    kind: ClassVar[str] = "Decorrelation"

    matrices: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PCA(Transformation):
    """Principal components: `E^T (x - mean)`.

    Attributes
    ----------
    means : ndarray, shape (classes + 1, inputs)
    eigenvectors : ndarray, shape (classes + 1, inputs, inputs)
        Eigenvectors of the covariance in columns, that of the largest eigenvalue first.
    """

    kind: ClassVar[str] = "PCA"

    means: NDArray[np.float64]
    eigenvectors: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CumulativeDistribution:
    """The cumulative distribution of one variable as a histogram.

    Attributes
    ----------
    edges : ndarray, shape (bins + 1,)
        Not decreasing; a bin may have no width.
    contents : ndarray, shape (bins,)
        The fraction of events up to the end of each bin; 1 in the last.
    """

    edges: NDArray[np.float64]
    contents: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gauss(Transformation):
    """Makes the distribution of each input flat between 0 and 1 (`U`), or from that a normal distribution (`G`).

    Attributes
    ----------
    distributions : tuple of tuple of CumulativeDistribution
        For each input those of the classes and, last, of all classes together.
    flat : bool
        Stop at the flat distribution.
    """

    kind: ClassVar[str] = "Gauss"

    distributions: tuple[tuple[CumulativeDistribution, ...], ...]
    flat: bool = False
