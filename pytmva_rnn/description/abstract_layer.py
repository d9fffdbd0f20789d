"""What every layer declares, so that nobody guesses it from names or kinds: arrays, states, and how it chains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description.arrays import immutable, is_finite, is_numbers, not_finite
from pytmva_rnn.errors import DataError

__all__ = ["ArrayRole", "Layer", "LayerWeights", "Shape", "is_whole"]

Shape: TypeAlias = tuple[int, int, int]
LayerWeights: TypeAlias = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class ArrayRole:
    """What an array of a layer is, so that nobody guesses it from the array's name.

    Attributes
    ----------
    shape : (rows, columns)
    role : "matrix", "bias", "scale" or "statistic"
        A matrix is drawn at the start of a training as WeightInitialization says, the others start at `start`. A
        statistic has no gradient. Matrices and scales count in the penalty of L1 and L2, as in TMVA.
    start : float
        What a training starts from, for all roles but "matrix".
    decays : bool
        Whether the gradient of the penalty is added to this array's: TMVA does so for dense layers' weights only.
    """

    shape: tuple[int, int]
    role: Literal["matrix", "bias", "scale", "statistic"]
    start: float = 0.0
    decays: bool = False

    @property
    def trained(self) -> bool:
        """Whether the array has a gradient."""
        return self.role != "statistic"

    @property
    def penalised(self) -> bool:
        """Whether the array counts in the penalty."""
        return self.role in ("matrix", "scale")


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer. A layer that stands in a layout, not yet trained, has no weights.

    What others need to know of a layer it declares: its arrays, its states, how often it runs for an event, and how it
    chains.

    Attributes
    ----------
    kind : str
        Its name in the layout and in the tables in which backends, options and formats register layers.
    leaves_out_steps : bool
        Whether it can run over steps that are not there, as `Description.mask_padding` has it.
    drops_inputs : bool
        Whether DropConfig applies to it.
    weights : Mapping[str, ndarray]
        Arrays under their mathematical names (`W_i`, `U_i`, `b_i` ...), with the shapes of `arrays`. The layer keeps
        them in memory of its own, which cannot be changed: another mapping makes another layer
        (`dataclasses.replace`).
    """

    kind: ClassVar[str]
    drops_inputs: ClassVar[bool] = False
    leaves_out_steps: ClassVar[bool] = False
    weights: LayerWeights = field(default_factory=dict, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.weights, Mapping):
            kept = MappingProxyType({name: immutable(values) for name, values in self.weights.items()})
            object.__setattr__(self, "weights", kept)
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.integer):  # products of sizes are not to overflow
                object.__setattr__(self, item.name, int(value))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "weights": dict(self.weights)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()

    def arrays(self) -> dict[str, ArrayRole]:
        """Every array: what training changes first, matrices and then biases, each in TMVA's order."""
        return {}

    def weight_shapes(self) -> dict[str, tuple[int, int]]:
        """Shape of every array that training changes."""
        return {name: array.shape for name, array in self.arrays().items() if array.trained}

    def statistic_shapes(self) -> dict[str, tuple[int, int]]:
        """Shape of every array that is kept but has no gradient."""
        return {name: array.shape for name, array in self.arrays().items() if not array.trained}

    @property
    def state_widths(self) -> tuple[int, ...]:
        """Size of each state that a step passes to the next; none for a layer without time."""
        return ()

    @property
    def remembers(self) -> bool:
        """Whether states pass from batch to batch."""
        return False

    @property
    def steps(self) -> int:
        """How often the layer's weights are used for one event."""
        return 1

    def settings(self) -> dict[str, Any]:
        """What the layer was declared with: all fields but its arrays."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name != "weights"}

    def sizes(self) -> dict[str, int]:
        """The fields that have to be whole numbers from 1 on."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.type in ("int", int)}

    def input_shape(self) -> Shape | None:
        """Shape (depth, height, width) that the layer's fields ask for; None if it takes any."""
        return None

    def takes(self, shape: Shape) -> bool:
        """Whether an input of `shape` fits."""
        return self.input_shape() in (None, shape)

    def expected_input(self) -> str:
        """What `takes` asks for, in words."""
        depth, height, width = self.input_shape() or (0, 0, 0)
        return f"an input of depth {depth}, height {height}, width {width}"

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the output for an input of `shape`, both (depth, height, width)."""
        return shape

    def check_fields(self) -> None:
        """Make sure that sizes are possible and numbers are finite.

        Raises
        ------
        DataError
        """
        for name, size in self.sizes().items():
            if not is_whole(size) or size < 1:
                raise DataError(f"{name}: expected a whole number from 1 on, found {size!r}")
        for item in fields(self):
            value = getattr(self, item.name)
            if item.type in ("bool", bool) and not isinstance(value, bool | np.bool_):
                raise DataError(f"{item.name}: expected True or False, found {value!r}")
            if item.type in ("float", float) and not is_finite(value):
                raise DataError(f"{item.name}: expected a finite number, found {value!r}")

    def check_input(self, shape: Shape) -> None:
        """Make sure that an input of `shape` (depth, height, width) fits.

        Raises
        ------
        DataError
        """
        if not self.takes(shape):
            depth, height, width = shape
            raise DataError(
                f"expected {self.expected_input()}, found an input of depth {depth}, height {height}, width {width}"
            )

    def check_weights(self) -> None:
        """Make sure that all arrays are there, of the shapes that the layer declares, and finite in float32.

        Raises
        ------
        DataError
        """
        if not isinstance(self.weights, Mapping):
            raise DataError(f"expected a mapping of weights, found {type(self.weights).__name__}")
        arrays = self.arrays()
        if missing := [name for name in arrays if name not in self.weights]:
            raise DataError(f"expected the weights {', '.join(missing)}, found none; train the model first")
        for name, values in self.weights.items():
            if name not in arrays:
                raise DataError(f"expected the weights {', '.join(arrays) or 'of none'} only, found {name!r} as well")
            wanted = arrays[name].shape
            if not is_numbers(values):
                raise DataError(f"{name}: expected an array of numbers, found {_described(values)}")
            if values.shape != wanted:
                raise DataError(f"{name}: expected the shape {wanted}, found {values.shape}")
            if problem := not_finite(values):
                raise DataError(f"{name}: expected finite float32 numbers, found {problem}")

    def layout(self) -> str:
        """The layer as a layout has it."""
        values = [getattr(self, item.name) for item in fields(self) if item.name != "weights"]
        return "|".join([self.kind, *(str(int(value) if isinstance(value, bool) else value) for value in values)])

    @property
    def parameter_count(self) -> int:
        """Number of trained values."""
        return sum(rows * columns for rows, columns in self.weight_shapes().values())


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def _described(values: Any) -> str:
    return f"one of {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
