"""A network with everything that a weight file says about it, and whether its parts fit each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import prod
from typing import Any, get_args

from pytmva_rnn.description.abstract_layer import Layer, Shape, is_whole
from pytmva_rnn.description.arrays import is_finite, is_tuple_of
from pytmva_rnn.description.choices import ANALYSES, Analysis, Initialization, Loss, OutputFunction, Regularization
from pytmva_rnn.description.memory import check_memory
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


@dataclass(frozen=True, eq=False, repr=False)
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
    mask_padding : bool
        Whether recurrent layers leave out the steps that are not there: states stay in them as they are, and a
        sequence that is returned is 0 in them. TMVA's networks do not, and a weight file cannot say it.
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
    mask_padding: bool = False

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

    def check(self) -> None:
        """Make sure that all parts fit each other, before anything is computed from them; once is enough.

        Sizes are possible and the machine has room for them, shapes chain from layer to layer, every layer has all its
        arrays with the shapes that it declares, finite in float32, there are as many outputs as the analysis asks for,
        and transformations fit the variables and classes. Arrays cannot change afterwards: layers and transformations
        keep them in memory of their own.

        Raises
        ------
        DataError
            Naming the layer's number and kind, the array, what was expected and what was found.
        """
        if "_checked" not in self.__dict__:
            _check(self)
            self.__dict__["_checked"] = True

    def check_shapes(self) -> None:
        """Make sure that the parts are what they should be and that shapes chain; arrays are not looked at.

        Raises
        ------
        DataError
            As `check` has it.
        """
        _check_parts(self)
        _check_layouts(self)
        check_chain(self.layers, self.input_layout)
        _check_masked(self)

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, list):  # which could change behind the back of `check`
                object.__setattr__(self, item.name, tuple(value))

    def __repr__(self) -> str:
        """A few lines, or what is wrong where it could not be shown."""
        try:
            self.check_shapes()
        except DataError as error:
            return f"{type(self).__name__}(title={self.title!r}): {error}"
        steps, inputs = self.event_shape
        counts = [f"{len(self.variables)} variables ({steps} step{'s' if steps > 1 else ''} of {inputs})"]
        counts += [
            f"{len(each)} {name}" for name, each in (("spectators", self.spectators), ("targets", self.targets)) if each
        ]
        classes = ", ".join(self.classes)
        shapes = " -> ".join(f"({depth}, {height}, {width})" for depth, height, width in self.shapes())
        lines = [
            f"{type(self).__name__}(title={self.title!r}): {self.analysis.lower()} of {classes}",
            "  " + ", ".join(counts),
            f"  layers {','.join(layer.layout() for layer in self.layers)}",
            f"  shapes {shapes}",
            f"  {sum(layer.parameter_count for layer in self.layers):,} parameters, loss {self.loss}, "
            f"output function {self.output_function}",
        ]
        if self.mask_padding:
            lines.append("  steps that are not there are left out")
        if self.transformations:
            lines.append(f"  transformations {', '.join(each.kind for each in self.transformations)}")
        return "\n".join(line if len(line) <= 300 else f"{line[:297]}..." for line in lines)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle takes along: the data, not what is prepared from it."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


_PARTS: dict[str, type[Any]] = {
    "layers": Layer,
    "variables": Variable,
    "spectators": Variable,
    "targets": Variable,
    "classes": str,
    "transformations": Transformation,
    "mva_pdfs": MVAPdf,
}
_LETTERS = {
    "loss": get_args(Loss),
    "initialization": get_args(Initialization),
    "regularization": get_args(Regularization),
    "output_function": get_args(OutputFunction),
}


def _check_parts(model: Description) -> None:
    for name, kind in _PARTS.items():
        found = getattr(model, name)
        if not is_tuple_of(kind, found):
            raise DataError(f"{name}: expected a tuple of {kind.__name__}, found {_shown(found)}")
    for name, letters in _LETTERS.items():
        if getattr(model, name) not in letters:
            raise DataError(f"{name}: expected one of {', '.join(letters)}; found {getattr(model, name)!r}")
    if model.analysis not in ANALYSES:
        raise DataError(f"analysis: expected one of {', '.join(ANALYSES)}; found {model.analysis!r}")
    if not is_finite(model.weight_decay):
        raise DataError(f"weight_decay: expected a finite number, found {model.weight_decay!r}")


def _check(model: Description) -> None:
    # in an order that lets nothing impossible be multiplied or allocated
    model.check_shapes()
    check_memory(model.layers, model.input_layout)
    _check_arrays(model)
    if model.analysis == "Classification" and len(model.classes) != 2:
        raise DataError(f"classes: expected 2 for a classification, found {len(model.classes)}")
    if problem := outputs_problem(model.analysis, model.outputs, len(model.classes), len(model.targets)):
        raise DataError(problem)
    known = {"Variable": model.variables, "Target": model.targets, "Spectator": model.spectators}
    for number, transformation in enumerate(model.transformations):
        try:
            transformation.check(known, len(model.classes))
        except DataError as error:
            raise DataError(f"transformation {number}: {error}") from None
    for pdf in model.mva_pdfs:
        pdf.check()


def outputs_problem(analysis: str, outputs: int, classes: int, targets: int) -> str:
    """What is wrong with the number of outputs of an analysis; empty if nothing is."""
    expected, what = {
        "Classification": (1, "output of the last layer for a classification"),
        "Multiclass": (classes, "outputs of the last layer, one for each of the classes"),
        "Regression": (targets, "outputs of the last layer, one for each of the targets"),
    }[analysis]
    return "" if outputs == expected else f"expected {expected} {what}, found {outputs}"


def _check_layouts(model: Description) -> None:
    for name, least in (("input_layout", 1), ("batch_layout", 0)):
        sizes = getattr(model, name)
        if not isinstance(sizes, tuple) or len(sizes) != 3 or not all(is_whole(s) and s >= least for s in sizes):
            raise DataError(f"{name}: expected (depth, height, width) of whole numbers, found {_shown(sizes)}")
    size, count = prod(model.input_layout), len(model.variables)
    if size != count:
        depth, height, width = model.input_layout
        raise DataError(
            f"input_layout: expected the number of variables, {count}, as depth x height x width; "
            f"found {depth} x {height} x {width} = {size}"
        )


def check_chain(layers: Sequence[Layer], shape: Shape) -> None:
    """Make sure that layers are possible, and that each takes what the one before gives; the first takes `shape`.

    Raises
    ------
    DataError
        Naming the layer's number and kind.
    """
    if not layers:
        raise DataError("layers: expected one or more, found none")
    for number, layer in enumerate(layers):
        try:
            layer.check_fields()
            layer.check_input(shape)
        except DataError as error:
            raise DataError(f"layer {number} ({layer.kind}): {error}") from None
        shape = layer.output_shape(shape)


def _check_masked(model: Description) -> None:
    """Steps that are not there mean something to recurrent layers alone, which have to be the first."""
    if not isinstance(model.mask_padding, bool):
        raise DataError(f"mask_padding: expected True or False, found {model.mask_padding!r}")
    if not model.mask_padding:
        return
    recurrent = [layer.leaves_out_steps for layer in model.layers]
    others = [bool(layer.state_widths) and not layer.leaves_out_steps for layer in model.layers]
    if any(others) or not recurrent[0] or recurrent != sorted(recurrent, reverse=True):
        number = others.index(True) if any(others) else recurrent.index(False)
        raise DataError(
            "mask_padding: expected layers first that can leave out steps (RNN, LSTM, GRU), and then others without "
            f"time; found {model.layers[number].kind} as layer {number}"
        )
    steps = [layer.steps for layer, has_states in zip(model.layers, recurrent, strict=True) if has_states]
    if set(steps) != {model.event_shape[0]}:
        raise DataError(
            f"mask_padding: expected recurrent layers of {model.event_shape[0]} steps as the events have, found "
            f"{', '.join(map(str, steps))}"
        )
    not_by_column = [each.kind for each in model.transformations if not each.by_column]
    if not_by_column:
        raise DataError(
            f"mask_padding: expected transformations of each variable by itself, found {not_by_column[0]}, which mixes "
            "in steps that are not there"
        )


def _check_arrays(model: Description) -> None:
    for number, layer in enumerate(model.layers):
        try:
            layer.check_weights()
        except DataError as error:
            raise DataError(f"layer {number} ({layer.kind}): {error}") from None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
