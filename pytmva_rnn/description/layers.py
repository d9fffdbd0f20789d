"""The layers of a network as plain data.

Shapes follow TMVA: a weight matrix is (outputs, inputs), a bias is (outputs, 1), and the activations between layers
have the shape (depth, height, width) that TMVA gives them: (T, 1, D) for the input of a recurrent network, (1, T, H)
for a returned sequence, (1, 1, H) for a last state or a dense layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from numpy.typing import NDArray

Shape: TypeAlias = tuple[int, int, int]
Weights: TypeAlias = Mapping[str, NDArray[Any]]


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
    drops_inputs : bool
        Whether DropConfig applies to it.
    weights : Mapping[str, ndarray]
        Arrays under their mathematical names (`W_i`, `U_i`, `b_i` ...), with the shapes of `arrays`.
    """

    kind: ClassVar[str]
    drops_inputs: ClassVar[bool] = False
    weights: Weights = field(default_factory=dict, kw_only=True, repr=False)

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

    def input_shape(self) -> Shape | None:
        """Shape (depth, height, width) that the layer's fields ask for; None if it takes any."""
        return None

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the output for an input of `shape`, both (depth, height, width)."""
        return shape

    def missing_weights(self) -> list[str]:
        """Names of the arrays that the layer needs and does not have."""
        return [name for name in self.arrays() if name not in self.weights]

    @property
    def parameter_count(self) -> int:
        """Number of trained values."""
        return sum(rows * columns for rows, columns in self.weight_shapes().values())


def gated(gates: str, outputs: int, inputs: int) -> dict[str, ArrayRole]:
    """Arrays of a recurrent layer: W, U and b, each for all gates; without gates one of each."""
    names = [f"_{gate}" for gate in gates] or [""]
    return (
        {f"W{n}": ArrayRole((outputs, inputs), "matrix") for n in names}
        | {f"U{n}": ArrayRole((outputs, outputs), "matrix") for n in names}
        | {f"b{n}": ArrayRole((outputs, 1), "bias") for n in names}
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

    def arrays(self) -> dict[str, ArrayRole]:
        return gated(self.gates, self.state_size, self.input_size)

    @property
    def state_widths(self) -> tuple[int, ...]:
        return (self.state_size,)

    @property
    def remembers(self) -> bool:
        return self.remember_state

    @property
    def steps(self) -> int:
        return self.time_steps

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

    @property
    def state_widths(self) -> tuple[int, ...]:
        """Of the state h and of the cell c."""
        return (self.state_size, self.state_size)


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
    drops_inputs: ClassVar[bool] = True

    width: int
    input_size: int
    activation: str = "TANH"

    def arrays(self) -> dict[str, ArrayRole]:
        return {
            "W": ArrayRole((self.width, self.input_size), "matrix", decays=True),
            "b": ArrayRole((self.width, 1), "bias"),
        }

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

    def arrays(self) -> dict[str, ArrayRole]:
        shape = (1, self.size)
        return {
            "gamma": ArrayRole(shape, "scale", start=1.0),
            "beta": ArrayRole(shape, "scale"),
            "mu": ArrayRole(shape, "statistic"),
            "variance": ArrayRole(shape, "statistic", start=1.0),
        }

    def input_shape(self) -> Shape:
        return (1, 1, self.size)
