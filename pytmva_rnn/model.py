"""A trained network as plain data: what a TMVA weight file says, without mathematics and without files.

Shapes follow TMVA: a weight matrix is (outputs, inputs), a bias is (outputs, 1), and the activations between layers
have the shape (depth, height, width) that TMVA gives them: (T, 1, D) for the input of a recurrent network, (1, T, H)
for a returned sequence, (1, 1, H) for a last state or a dense layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ACTIVATIONS",
    "GRU",
    "LSTM",
    "PCA",
    "RNN",
    "BatchNorm",
    "CumulativeDistribution",
    "Decorrelation",
    "Dense",
    "Gauss",
    "Layer",
    "Model",
    "Normalize",
    "Option",
    "Recurrent",
    "Reshape",
    "TransformInput",
    "Transformation",
    "Variable",
]

Shape: TypeAlias = tuple[int, int, int]
Weights: TypeAlias = Mapping[str, NDArray[Any]]
Loss: TypeAlias = Literal["C", "R", "S"]
OutputFunction: TypeAlias = Literal["I", "S", "M"]
Regularization: TypeAlias = Literal["0", "1", "2"]
Analysis: TypeAlias = Literal["Classification", "Regression", "Multiclass"]

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


@dataclass(frozen=True)
class Variable:
    """An input variable, spectator or target as the weight file describes it."""

    expression: str
    label: str
    title: str
    unit: str = ""
    internal: str = ""
    type: str = "F"
    min: float = 0.0
    max: float = 0.0


@dataclass(frozen=True)
class Option:
    """One method option: its text, and whether the user gave it."""

    name: str
    value: str
    modified: bool = False


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


@dataclass(frozen=True, eq=False)
class Model:
    """A network with everything that a weight file says about it.

    Attributes
    ----------
    layers : tuple of Layer
    variables, spectators, targets : tuple of Variable
    classes : tuple of str
        Class 0 is the signal class.
    input_layout : (depth, height, width) of one event; (T, 1, D) for a recurrent network, (1, 1, D) for a dense one.
    batch_layout : (depth, height, width) of a training batch.
    loss : "C" cross entropy, "R" sum of squares, "S" softmax cross entropy.
    output_function : "I" identity, "S" sigmoid, "M" softmax.
    initialization : "G" GAUSS, "U" UNIFORM, "I" IDENTITY, "Z" ZERO, "X" XAVIER, "F" XAVIERUNIFORM.
    regularization : "0" none, "1" L1, "2" L2.
    options : tuple of Option
        The method's options as the file has them; `pytmva_rnn.options.parse_options` understands them.
    info : tuple of (name, value)
        Provenance: the file's GeneralInfo.
    """

    layers: tuple[Layer, ...]
    variables: tuple[Variable, ...]
    input_layout: Shape
    batch_layout: Shape
    title: str = "DL"
    analysis: Analysis = "Classification"
    spectators: tuple[Variable, ...] = ()
    targets: tuple[Variable, ...] = ()
    classes: tuple[str, ...] = ("Signal", "Background")
    transformations: tuple[Transformation, ...] = ()
    options: tuple[Option, ...] = ()
    info: tuple[tuple[str, str], ...] = ()
    batch_size: int = 1
    loss: Loss = "C"
    initialization: str = "X"
    regularization: Regularization = "0"
    output_function: OutputFunction = "S"
    weight_decay: float = 0.0

    @property
    def outputs(self) -> int:
        """Number of outputs O of the last layer."""
        depth, height, width = self.shapes()[-1]
        return depth * height * width

    def shapes(self) -> list[Shape]:
        """Shapes of the activations: the input, then the output of each layer."""
        shapes = [self.input_layout]
        for layer in self.layers:
            shapes.append(layer.output_shape(shapes[-1]))
        return shapes

    def predict(self, X: ArrayLike, *, backend: str = "cpu") -> NDArray[np.float32]:
        """Score events: transformations, network and output function, as TMVA's Reader does.

        Parameters
        ----------
        X : array, shape (n, NVar) or (n, T, D)
            Raw variables, time-major.
        backend : str
            "cpu" (float32) or "reference" (float64, slow).

        Returns
        -------
        ndarray of float32, shape (n,) for one output, else (n, O)
            Scores; regression targets are mapped back to their own scale. A NaN is reported as -999.

        Raises
        ------
        DataError
            If the shape of X does not fit the model.
        """
        from pytmva_rnn.network import predict  # plain data knows no mathematics

        return predict(self, X, backend=backend)

    def predict_one(self, x: ArrayLike) -> Any:
        """Score one event in a few microseconds, on the CPU.

        The first call prepares the weights; many threads may call at once. With RememberState every event starts from
        a state of zero.

        Parameters
        ----------
        x : array, shape (NVar,) or (T, D)
            Raw variables, time-major; fastest as contiguous float32.

        Returns
        -------
        float for one output, else ndarray of float32, shape (O,)
            As `predict` has it.

        Raises
        ------
        DataError
            If the shape of x does not fit the model.
        """
        return self._scorer(x)

    @cached_property
    def _scorer(self) -> Any:
        from pytmva_rnn.single import Scorer

        return Scorer(self)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle takes along: the data, not what is prepared from it."""
        return {name: value for name, value in self.__dict__.items() if name != "_scorer"}
