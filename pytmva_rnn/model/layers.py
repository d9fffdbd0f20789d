"""The layers of a network as plain data.

Shapes follow TMVA: a weight matrix is (outputs, inputs), a bias is (outputs, 1), and the activations between layers
have the shape (depth, height, width) that TMVA gives them: (T, 1, D) for the input of a recurrent network, (1, T, H)
for a returned sequence, (1, 1, H) for a last state or a dense layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from numpy.typing import NDArray

Shape: TypeAlias = tuple[int, int, int]
Weights: TypeAlias = Mapping[str, NDArray[Any]]

ACTIVATIONS = ("LINEAR", "RELU", "SIGMOID", "TANH", "SYMMRELU", "SOFTSIGN", "GAUSS", "FTANH")
"""Names of the activation functions; the index is TMVA's number for them in the weight file."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer. A layer that stands in a layout, not yet trained, has no weights.

    Attributes
    ----------
    weights : Mapping[str, ndarray]
        Arrays under their mathematical names (`W_i`, `U_i`, `b_i` ...), with the shapes of `weight_shapes`.
    """

    kind: ClassVar[str]
    weights: Weights = field(default_factory=dict, kw_only=True, repr=False)

    def weight_shapes(self) -> dict[str, tuple[int, int]]:
        """Shape of every array that training changes: matrices first, then biases, each in TMVA's order."""
        return {}

    def statistic_shapes(self) -> dict[str, tuple[int, int]]:
        """Shape of every array in `weights` that is kept but has no gradient."""
        return {}

    def input_shape(self) -> Shape | None:
        """Shape (depth, height, width) that the layer's fields ask for; None if it takes any."""
        return None

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the output for an input of `shape`, both (depth, height, width)."""
        return shape

    def missing_weights(self) -> list[str]:
        """Names of the arrays that the layer needs and does not have."""
        return [name for name in {**self.weight_shapes(), **self.statistic_shapes()} if name not in self.weights]

    @property
    def parameter_count(self) -> int:
        """Number of trained values."""
        return sum(rows * columns for rows, columns in self.weight_shapes().values())


def _biases_last(gates: str, outputs: int, inputs: int) -> dict[str, tuple[int, int]]:
    names = [f"_{gate}" for gate in gates] or [""]
    return (
        {f"W{n}": (outputs, inputs) for n in names}
        | {f"U{n}": (outputs, outputs) for n in names}
        | {f"b{n}": (outputs, 1) for n in names}
    )


@dataclass(frozen=True, eq=False)
class Recurrent(Layer):
    """What RNN, LSTM and GRU have in common: states of size H over T steps of D inputs."""

    gates: ClassVar[str] = ""

    state_size: int
    input_size: int
    time_steps: int
    remember_state: bool = False
    return_sequence: bool = False

    def weight_shapes(self) -> dict[str, tuple[int, int]]:
        return _biases_last(self.gates, self.state_size, self.input_size)

    def input_shape(self) -> Shape:
        return (self.time_steps, 1, self.input_size)

    def output_shape(self, shape: Shape) -> Shape:
        return (1, self.time_steps if self.return_sequence else 1, self.state_size)


@dataclass(frozen=True, eq=False)
class RNN(Recurrent):
    """Elman network: `h = tanh(W x + U h + b)`."""

    kind: ClassVar[str] = "RNN"


@dataclass(frozen=True, eq=False)
class LSTM(Recurrent):
    """Long short-term memory with gates i (input), f (forget), c (candidate) and o (output)."""

    kind: ClassVar[str] = "LSTM"
    gates: ClassVar[str] = "ifco"


@dataclass(frozen=True, eq=False)
class GRU(Recurrent):
    """Gated recurrent unit with gates r (reset), z (update) and c (candidate)."""

    kind: ClassVar[str] = "GRU"
    gates: ClassVar[str] = "rzc"

    reset_gate_after: bool = False


@dataclass(frozen=True, eq=False)
class Dense(Layer):
    """Fully connected layer: `activation(W x + b)`."""

    kind: ClassVar[str] = "DENSE"

    width: int
    input_size: int
    activation: str = "TANH"

    def weight_shapes(self) -> dict[str, tuple[int, int]]:
        return {"W": (self.width, self.input_size), "b": (self.width, 1)}

    def input_shape(self) -> Shape:
        return (1, 1, self.input_size)

    def output_shape(self, shape: Shape) -> Shape:
        return (1, 1, self.width)


@dataclass(frozen=True, eq=False)
class Reshape(Layer):
    """Gives the activations another shape; `flat` makes T*H features of a sequence, time-major."""

    kind: ClassVar[str] = "RESHAPE"

    depth: int
    height: int
    width: int
    flat: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        return (1, 1, shape[0] * shape[1] * shape[2]) if self.flat else (self.depth, self.height, self.width)


@dataclass(frozen=True, eq=False)
class BatchNorm(Layer):
    """Batch normalisation of each feature; `mu` and `variance` are the running statistics.

    A momentum below 0 stands for cumulative averages of the statistics.
    """

    kind: ClassVar[str] = "BNORM"

    size: int
    momentum: float = -1.0
    epsilon: float = 1e-4

    def weight_shapes(self) -> dict[str, tuple[int, int]]:
        return {"gamma": (1, self.size), "beta": (1, self.size)}

    def statistic_shapes(self) -> dict[str, tuple[int, int]]:
        return {"mu": (1, self.size), "variance": (1, self.size)}

    def input_shape(self) -> Shape:
        return (1, 1, self.size)
