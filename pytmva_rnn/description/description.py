"""A network with everything that a weight file says about it."""

from __future__ import annotations

from dataclasses import dataclass

from pytmva_rnn.description.choices import Analysis, Initialization, Loss, OutputFunction, Regularization
from pytmva_rnn.description.layers import Layer, Shape
from pytmva_rnn.description.mva_pdfs import MVAPdf
from pytmva_rnn.description.transformations import Transformation
from pytmva_rnn.description.variables import Variable
from pytmva_rnn.errors import DataError


@dataclass(frozen=True)
class Option:
    """One method option: its text, and whether the user gave it."""

    name: str
    value: str
    modified: bool = False


@dataclass(frozen=True, eq=False)
class Description:
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
    mva_pdfs : tuple of MVAPdf
        Distributions of the scores of signal and background (option CreateMVAPdfs), if the file has them.
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
    mva_pdfs: tuple[MVAPdf, ...] = ()
    info: tuple[tuple[str, str], ...] = ()
    loss: Loss = "C"
    initialization: Initialization = "X"
    regularization: Regularization = "0"
    output_function: OutputFunction = "S"
    weight_decay: float = 0.0

    @property
    def event_shape(self) -> tuple[int, int]:
        """T and D of one event: (T, D) for a recurrent network, (1, NVar) for a dense one."""
        depth, height, width = self.input_layout
        return depth * height, width

    @property
    def remembers(self) -> bool:
        """Whether any layer's states pass from batch to batch, so that scores depend on the order of the events."""
        return any(layer.remembers for layer in self.layers)

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
