"""Networks of other frameworks as Models, with all that a weight file needs and other formats have not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.data.flat_variables import Variables
from pytmva_rnn.data.recipe import describe
from pytmva_rnn.description import (
    ANALYSES,
    INITIALIZATIONS,
    LOSSES,
    OUTPUT_FUNCTIONS,
    REGULARIZATIONS,
    Analysis,
    Dense,
    Layer,
    OutputFunction,
    Recurrent,
    Shape,
    Variable,
)
from pytmva_rnn.errors import DataError
from pytmva_rnn.kernels import output_function
from pytmva_rnn.model import Model
from pytmva_rnn.options import MethodOptions
from pytmva_rnn.weightfile.provenance import provenance

__all__ = ["ForeignNetwork", "check_agreement", "foreign_model"]

_TOLERANCE = 1e-5
_EVENTS = 32


@dataclass(frozen=True, eq=False)
class ForeignNetwork:
    """What a file or object of another framework says of its network.

    Attributes
    ----------
    source : str
        What errors call it: the path of the file, or the class of the object.
    layers : sequence of Layer
        With weights, and fitting each other.
    event_shape : (T, D)
        Of one event; (1, NVar) for a network without time.
    ending : "I", "S" or "M"
        What it makes of the outputs of its last layer: nothing, the sigmoid or the softmax.
    """

    source: str
    layers: Sequence[Layer]
    event_shape: tuple[int, int]
    ending: OutputFunction = "I"


def foreign_model(
    network: ForeignNetwork,
    *,
    variables: Sequence[str | Variable] | None = None,
    ranges: ArrayLike | None = None,
    analysis: str | None = None,
    classes: Sequence[str] | None = None,
    targets: Sequence[str | Variable] | None = None,
    spectators: Sequence[str | Variable] = (),
    title: str = "DL",
) -> Model:
    """A Model that `write_weights` writes and C++ TMVA reads.

    Parameters
    ----------
    network : ForeignNetwork
    variables : sequence of str or Variable
        The NVar inputs in their order, time-major, as `AddVariable` has them: `"pt"`, `"m := sqrt(E*E-p*p)"`, and
        `"vars_time{0..9}[30]"` for ten arrays of 30.
    ranges : array, shape (NVar, 2), optional
        Smallest and largest value of each variable in the training, for the weight file's Min and Max.
    analysis : "classification", "regression" or "multiclass", optional
        Needed for a network that ends without sigmoid or softmax: TMVA applies the one to the output of every
        classification, the other in every multiclass analysis.
    classes : sequence of str, optional
        Class 0 is the signal; without, as in a training.
    targets : sequence of str or Variable, optional
        Of a regression.
    spectators : sequence of str or Variable
    title : str
        Of the method.

    Raises
    ------
    DataError
        If something is missing that cannot be guessed, or the parts do not fit each other.
    """
    steps, inputs = network.event_shape
    layers = tuple(network.layers)
    if not layers:
        raise DataError(f"{network.source}: expected layers, found none")
    shape: Shape = (steps, 1, inputs) if steps > 1 or isinstance(layers[0], Recurrent) else (1, 1, inputs)
    kind = _analysis(network, analysis)
    if kind == "Regression" and network.ending == "S":
        layers = (*layers[:-1], _with_sigmoid(network, layers[-1]))
    described = _described(_needed(variables, network.event_shape, network.source))
    if len(described) != steps * inputs:
        raise DataError(
            f"{network.source}: expected the names of {steps * inputs} variables ({steps} step(s) of {inputs}), "
            f"found {len(described)}"
        )
    described = described if ranges is None else _with_ranges(described, ranges)
    options = MethodOptions(
        input_layout=(steps, inputs) if shape[0] > 1 or isinstance(layers[0], Recurrent) else shape,
        layout=",".join(layer.layout() for layer in layers),  # type: ignore[arg-type]  # as texts are taken
        error_strategy=_LOSSES[kind],
    )
    phase = options.training_strategy[0]
    model = Model(
        layers,
        described,
        shape,
        (phase.batch_size, steps, inputs) if isinstance(layers[0], Recurrent) else (1, phase.batch_size, inputs),
        title=title,
        analysis=kind,
        spectators=_described(spectators),
        options=options.to_model_options(),
        info=(*provenance(kind), ("pytmva_rnn Source", network.source)),
        loss=LOSSES[_LOSSES[kind]],
        initialization=INITIALIZATIONS[options.weight_initialization],
        regularization=REGULARIZATIONS[phase.regularization],
        output_function=OUTPUT_FUNCTIONS[kind],
        weight_decay=phase.weight_decay,
    )
    outputs = _outputs(model, network)
    model = replace(
        model,
        classes=_classes(kind, classes, outputs),
        targets=_described(targets or [f"target{k}" for k in range(outputs)]) if kind == "Regression" else (),
    )
    try:
        model.check()
    except DataError as error:
        raise DataError(f"{network.source}: {error}") from None
    return model


def check_agreement(
    model: Model,
    network: ForeignNetwork,
    ask: Callable[[NDArray[np.float32]], ArrayLike],
    events: int = _EVENTS,
) -> float:
    """Make sure that the Model answers what its source does, on random events.

    Parameters
    ----------
    model : Model
        Of `foreign_model`.
    network : ForeignNetwork
    ask : callable
        The source's outputs, (n, O) or for one output (n,), of events (n, NVar).
    events : int
        Number of events, for a source that takes no other.

    Returns
    -------
    float
        The largest difference of two scores, of those above 1 relative to them.

    Raises
    ------
    DataError
        Above 1e-5.
    """
    X = _random_events(model, events)
    found = model.predict(X, backend="reference").reshape(events, model.outputs).astype(np.float64)
    outputs = np.asarray(ask(X), np.float64)
    if outputs.size != found.size:
        raise DataError(f"{network.source}: expected outputs of the shape {found.shape}, found {outputs.shape}")
    wanted = outputs.reshape(found.shape)
    if network.ending == "I" and model.output_function != "I":
        wanted = output_function("reference", model.output_function)(wanted)
    differences = np.abs(found - wanted) / np.maximum(1, np.abs(wanted))
    largest = float(np.max(differences))
    if not largest <= _TOLERANCE:  # nor NaN
        raise DataError(
            f"{network.source}: as TMVA's layers, the network answers otherwise than its source, by up to "
            f"{largest:.3g} on random events where {_TOLERANCE:g} is allowed; it cannot be read"
        )
    return largest


def _random_events(model: Model, events: int) -> NDArray[np.float32]:
    """Over the ranges of the variables where these are known, and a little beyond; some steps are not there, if they
    may."""
    random = np.random.default_rng(20)
    X = random.normal(size=(events, len(model.variables)))
    X[events // 2 :] *= 3
    for column, variable in enumerate(model.variables):
        if variable.min < variable.max and np.isfinite([variable.min, variable.max]).all():
            low, width = variable.min, variable.max - variable.min
            X[:, column] = low + width * random.uniform(-0.05, 1.05, events)
    if model.mask_padding:
        steps, inputs = model.event_shape
        there = random.random((events, steps)) < 0.7
        there[0], there[-1] = False, True
        X[np.repeat(~there, inputs, axis=1)] = np.nan
    return X.astype(np.float32)


_LOSSES: dict[Analysis, str] = {
    "Classification": "CROSSENTROPY",
    "Regression": "SUMOFSQUARES",
    "Multiclass": "MUTUALEXCLUSIVE",
}
_ENDINGS: dict[OutputFunction, str] = {"I": "without an output function", "S": "with a sigmoid", "M": "with a softmax"}
_FITTING: dict[Analysis, tuple[OutputFunction, ...]] = {
    "Classification": ("S", "I"),
    "Multiclass": ("M", "I"),
    "Regression": ("I", "S"),
}
"""The endings with which a network can be what an analysis wants; a missing output function TMVA adds."""


def _analysis(network: ForeignNetwork, text: str | None) -> Analysis:
    source, ending = network.source, network.ending
    if text is None:
        outputs = _last_width(network.layers[-1])
        if ending == "M":
            return "Multiclass"
        if ending == "S" and outputs == 1:
            return "Classification"
        raise DataError(
            f"{source}: the network ends {_ENDINGS[ending]}, with {outputs} output(s), which may be any analysis; give "
            'analysis="regression" for its outputs as they are, "classification" or "multiclass" where TMVA is to '
            "apply its sigmoid or softmax to them"
        )
    for kind in ANALYSES:
        if kind.lower() == text.lower():
            if ending not in _FITTING[kind]:
                raise DataError(f"{source}: a network that ends {_ENDINGS[ending]} is no {kind.lower()} of TMVA's")
            return kind
    raise DataError(f"analysis: expected one of {', '.join(ANALYSES).lower()}; found {text!r}")


def _last_width(layer: Layer) -> int:
    return layer.output_shape((1, 1, 1))[2]


def _with_sigmoid(network: ForeignNetwork, layer: Layer) -> Layer:
    if not isinstance(layer, Dense) or layer.activation != "LINEAR":
        raise DataError(f"{network.source}: a sigmoid after a layer {layer.kind} is none of TMVA's layers")
    return replace(layer, activation="SIGMOID")


def _outputs(model: Model, network: ForeignNetwork) -> int:
    depth, height, width = model.shapes()[-1]
    if depth * height > 1:
        raise DataError(
            f"{network.source}: the network ends with {depth * height} steps of {width} outputs, but TMVA wants one "
            "output, or one for each class or target"
        )
    return width


def _needed(
    variables: Sequence[str | Variable] | None, event_shape: tuple[int, int], source: str
) -> Sequence[str | Variable]:
    if variables is not None:
        return variables
    steps, inputs = event_shape
    example = "pt, eta, ..." if steps == 1 else f"pt_0, eta_0, ... for the first of {steps} steps of {inputs}"
    raise DataError(
        f"{source}: a weight file names its variables, and the source does not; give the {steps * inputs} names, "
        f"time-major, as variables=[...]: {example}"
    )


def _described(given: Sequence[str | Variable]) -> tuple[Variable, ...]:
    if isinstance(given, str):
        raise DataError(f"variables are a list of names, not {given!r}")
    table: list[Variable] = []
    for each in given:
        table += [each] if isinstance(each, Variable) else describe(Variables((each,)).columns, None)  # type: ignore[arg-type]
    return tuple(table)


def _with_ranges(variables: tuple[Variable, ...], ranges: ArrayLike) -> tuple[Variable, ...]:
    limits = np.asarray(ranges, np.float64)
    if limits.shape != (len(variables), 2):
        raise DataError(f"ranges: expected the shape ({len(variables)}, 2), found {limits.shape}")
    return tuple(
        replace(variable, min=float(low), max=float(high))
        for variable, (low, high) in zip(variables, limits, strict=True)
    )


def _classes(kind: Analysis, given: Sequence[str] | None, outputs: int) -> tuple[str, ...]:
    if given is not None:
        return tuple(given)
    if kind == "Multiclass":
        return tuple(f"Class{k}" for k in range(outputs))
    return ("Regression",) if kind == "Regression" else ("Signal", "Background")
