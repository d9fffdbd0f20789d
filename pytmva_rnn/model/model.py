"""A network with everything that a weight file says about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.model.layers import Layer, Shape
from pytmva_rnn.model.transformations import Transformation

Loss: TypeAlias = Literal["C", "R", "S"]
OutputFunction: TypeAlias = Literal["I", "S", "M"]
Regularization: TypeAlias = Literal["0", "1", "2"]
Analysis: TypeAlias = Literal["Classification", "Regression", "Multiclass"]

OUTPUT_FUNCTIONS: dict[Analysis, OutputFunction] = {"Classification": "S", "Regression": "I", "Multiclass": "M"}
"""What TMVA makes of the raw outputs in each analysis."""


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

    def check_weights(self) -> None:
        """Make sure that every layer has all its weights.

        Raises
        ------
        DataError
            If one has not, as before a training.
        """
        for number, layer in enumerate(self.layers):
            missing = layer.missing_weights()
            if missing:
                raise DataError(
                    f"layer {number} ({layer.kind}) has no weights {', '.join(missing)}; train the model first"
                )

    def predict(self, X: ArrayLike, *, backend: str = "cpu") -> NDArray[np.float32]:
        """Score events: transformations, network and output function, as TMVA's Reader does.

        Parameters
        ----------
        X : array, shape (n, NVar) or (n, T, D)
            Raw variables, time-major.
        backend : str
            "cpu" (float32), "cuda" (an NVIDIA GPU, float32) or "reference" (float64, slow).

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
