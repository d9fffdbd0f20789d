"""What a transformation has to offer, and what it is given to learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import Transformation, TransformInput
from pytmva_rnn.description.arrays import all_finite
from pytmva_rnn.errors import TrainingError
from pytmva_rnn.transformations.instruction import Instruction

__all__ = ["ClassSample", "Lesson", "Transformer", "Values", "nine_digits"]

Values: TypeAlias = NDArray[np.float64]
T = TypeVar("T", bound=Transformation)

_ROWS = 2048


def nine_digits(values: Values) -> Values:
    """Numbers with the digits that a weight file keeps of them, so that a network scores as its file does."""
    return np.array([float(f"{value:.8e}") for value in values.flat]).reshape(values.shape)


@dataclass(frozen=True, eq=False)
class ClassSample:
    """The events of one class, or of all, as a transformation's inputs: float32, as TMVA has them.

    A sample may be most of the memory, and nothing here makes a second of its size.

    Attributes
    ----------
    name : str
    columns : sequence of arrays, shape (n,)
        Each input in the events of all classes.
    members : bool array, shape (n,), optional
        Which of them are meant; None for all.
    all_weights : float32 array, shape (n,)
    """

    name: str
    columns: tuple[NDArray[np.float32], ...]
    members: NDArray[np.bool_] | None
    all_weights: NDArray[np.float32]

    @cached_property
    def weights(self) -> NDArray[np.float32]:
        """Weights of the sample's own m events, shape (m,)."""
        return self.all_weights if self.members is None else self.all_weights[self.members]

    def column(self, place: int) -> NDArray[np.float32]:
        """One input, shape (m,)."""
        # a column of a large table lies apart, and is needed again and again
        values = np.ascontiguousarray(self.columns[place])
        return values if self.members is None else values[self.members]

    def finite(self, place: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One input and the weights of the events where it is a number, neither NaN nor infinite."""
        values, weights = self.column(place), self.weights
        if all_finite(values):
            return values, weights
        numbers = np.isfinite(values)
        return values[numbers], weights[numbers]

    def blocks(self) -> Iterator[tuple[Values, Values]]:
        """The sample piece by piece, in float64: values (b, inputs) and weights (b,)."""
        for first in range(0, len(self.all_weights), _ROWS):
            rows = slice(first, first + _ROWS)
            chosen = slice(None) if self.members is None else self.members[rows]
            block = np.stack([column[rows][chosen] for column in self.columns], 1, dtype=np.float64)
            yield block, self.all_weights[rows][chosen].astype(np.float64)


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

    def constant(self, place: int, value: float, sample: ClassSample) -> TrainingError:
        """An error about an input that does not vary, and what to do."""
        return self.error(
            f"{self.label(place)} has the same value, {value:g}, in all events of {sample.name}; remove it from the "
            f"inputs (steps that are all padding: take fewer), or {self._others(place)}"
        )

    def mostly(self, place: int, value: float, share: float, sample: ClassSample) -> TrainingError:
        """An error about an input that hardly varies, and what to do."""
        return self.error(
            f"{self.label(place)} has the value {value:g} in {100 * share:.4g} % of the events of {sample.name}; "
            "too few are left to learn a distribution from; take more events or fewer steps, let padding be the "
            f"smallest value, or {self._others(place)}"
        )

    def _others(self, place: int) -> str:
        labels = [item.label for number, item in enumerate(self.inputs) if number != place][:2]
        name = self.text.partition("(")[0]
        return f"transform the others alone, as in {name}({','.join(labels)})" if labels else "leave the option out"

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
    learn : callable
        Makes the transformation.
    forward, inverse : callable
        Of the transformation, the number of its entry and the places of the given columns among its inputs; return
        the instruction, or raise a DataError for parameters that do not fit the inputs.
    """

    names: tuple[str, ...]
    transformation: type[T]
    defaults: tuple[str, ...]
    learn: Callable[[Lesson], T]
    forward: Callable[[T, int, list[int]], Instruction]
    inverse: Callable[[T, int, list[int]], Instruction]
