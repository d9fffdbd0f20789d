"""The layers of a network as plain data.

Shapes follow TMVA: a weight matrix is (outputs, inputs), a bias is (outputs, 1), and the activations between layers
have the shape (depth, height, width) that TMVA gives them: (T, 1, D) for the input of a recurrent network, (1, T, H)
for a returned sequence, (1, 1, H) for a last state or a dense layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from pytmva_rnn.description.abstract_layer import ArrayRole, Layer, Shape
from pytmva_rnn.description.choices import ACTIVATIONS
from pytmva_rnn.errors import DataError


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

    def takes(self, shape: Shape) -> bool:
        # The steps of an event are its depth in the network's input, and its height in the output of such a layer.
        depth, height, width = shape
        steps = self.time_steps
        return width == self.input_size and steps in (depth, height) and depth * height == steps

    def expected_input(self) -> str:
        return f"{self.time_steps} time steps (depth or height) of {self.input_size} inputs (width)"

    def output_shape(self, shape: Shape) -> Shape:
        return (1, self.time_steps if self.return_sequence else 1, self.state_size)


@dataclass(frozen=True, eq=False)
class RNN(Recurrent):
    """Elman network: `h = tanh(W x + U h + b)`."""

    kind: ClassVar[str] = "RNN"
    leaves_out_steps: ClassVar[bool] = True


@dataclass(frozen=True, eq=False)
class LSTM(Recurrent):
    """Long short-term memory with gates i (input), f (forget), c (candidate) and o (output)."""

    kind: ClassVar[str] = "LSTM"
    leaves_out_steps: ClassVar[bool] = True
    gates: ClassVar[str] = "ifco"

    @property
    def state_widths(self) -> tuple[int, ...]:
        """Of the state h and of the cell c."""
        return (self.state_size, self.state_size)


@dataclass(frozen=True, eq=False)
class GRU(Recurrent):
    """Gated recurrent unit with gates r (reset), z (update) and c (candidate)."""

    kind: ClassVar[str] = "GRU"
    leaves_out_steps: ClassVar[bool] = True
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

    def layout(self) -> str:
        return f"{self.kind}|{self.width}|{self.activation}"

    def check_fields(self) -> None:
        super().check_fields()
        if self.activation not in ACTIVATIONS:
            raise DataError(f"activation: expected one of {', '.join(ACTIVATIONS)}; found {self.activation!r}")


@dataclass(frozen=True, eq=False)
class Reshape(Layer):
    """Gives the activations another shape; `flat` makes T*H features of a sequence, time-major."""

    kind: ClassVar[str] = "RESHAPE"

    depth: int
    height: int
    width: int
    flat: bool = False

    def sizes(self) -> dict[str, int]:
        return {} if self.flat else super().sizes()

    def takes(self, shape: Shape) -> bool:
        return self.flat or prod(shape) == self.depth * self.height * self.width

    def expected_input(self) -> str:
        depth, height, width = self.depth, self.height, self.width
        return f"{depth * height * width} values (Depth {depth}, Height {height}, Width {width})"

    def layout(self) -> str:
        return f"{self.kind}|FLAT" if self.flat else super().layout().rpartition("|")[0]

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

    def layout(self) -> str:
        return f"{self.kind}|{self.momentum:.7g}|{self.epsilon:.7g}"

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
