"""What a transformation has to offer, and what it is given to learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import Transformation, TransformInput
from pytmva_rnn.errors import TrainingError

__all__ = ["ClassSample", "Lesson", "Transformer", "Values", "nine_digits"]

Values: TypeAlias = NDArray[np.float64]
T = TypeVar("T", bound=Transformation)


def nine_digits(values: Values) -> Values:
    """Numbers with the digits that a weight file keeps of them, so that a network scores as its file does."""
    return np.array([float(f"{value:.8e}") for value in values.flat]).reshape(values.shape)


@dataclass(frozen=True)
class ClassSample:
    """The events of one class, or of all: values (n, inputs) and weights (n,), float32 as TMVA has them."""

    name: str
    values: NDArray[np.float32]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class Lesson:
    """What one transformation of a chain learns from.

    Attributes
    ----------
    text : str
        The transformation as the user wrote it.
    inputs, outputs : tuple of TransformInput
    samples : tuple of ClassSample
        One for each class and, last, all classes together; one alone if there is a single class.
    reference : int, optional
        Number of the class that was named.
    """

    text: str
    inputs: tuple[TransformInput, ...]
    outputs: tuple[TransformInput, ...]
    samples: tuple[ClassSample, ...]
    reference: int | None

    def is_used(self, sample: ClassSample) -> bool:
        """Whether the entry learned from `sample` is the one that will be applied; others only stand in the file."""
        return sample is self.samples[-1 if self.reference is None else self.reference]

    def label(self, place: int) -> str:
        """How an error names an input."""
        return f"{self.inputs[place].type.lower()} {self.inputs[place].label}"

    def error(self, problem: str) -> TrainingError:
        """An error that names the transformation."""
        return TrainingError(f"VarTransform, {self.text}: {problem}")


@dataclass(frozen=True)
class Transformer(Generic[T]):
    """One transformation.

    Attributes
    ----------
    names : tuple of str
        What the option may call it, the short name first; case does not count.
    transformation : type
    defaults : tuple of str
        The types of input that it takes when the option selects nothing.
    by_column : bool
        Each input is transformed for itself, so that variables and targets may be mixed.
    learn : callable
        Makes the transformation.
    forward, inverse : callable
        Of the transformation, the number of its entry, the places of the given columns among its inputs, and the
        values (n, columns) in float64; return values of the same shape.
    """

    names: tuple[str, ...]
    transformation: type[T]
    defaults: tuple[str, ...]
    by_column: bool
    learn: Callable[[Lesson], T]
    forward: Callable[[T, int, list[int], Values], Values]
    inverse: Callable[[T, int, list[int], Values], Values]
