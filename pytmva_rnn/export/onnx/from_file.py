"""ONNX files as Models: what TMVA's layers can do exactly, and the rest refused in words."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn import extras
from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError, TMVAError, first_line
from pytmva_rnn.export.foreign import ForeignNetwork, check_agreement, foreign_model
from pytmva_rnn.export.metadata import METADATA, as_asked, carried_layers, model_from, refuse_said_twice, retrained
from pytmva_rnn.export.onnx.layer_operators import layer_weights
from pytmva_rnn.export.onnx.running import network_runner
from pytmva_rnn.export.onnx.tracing import trace
from pytmva_rnn.model import Model

__all__ = ["from_onnx", "onnx_outputs"]

_EVENTS = 32


def from_onnx(
    source: Any,
    *,
    variables: Sequence[str | Variable] | None = None,
    ranges: ArrayLike | None = None,
    analysis: str | None = None,
    classes: Sequence[str] | None = None,
    targets: Sequence[str | Variable] | None = None,
    spectators: Sequence[str | Variable] = (),
    title: str | None = None,
    steps: int | None = None,
) -> Model:
    """A network in an ONNX file as a Model, which `save` writes as a weight file that C++ TMVA reads.

    What the exporter wrote around the layers is evaluated on numbers, not matched with patterns; a layer has to get
    what TMVA's would. In the end the file and the Model answer the same random events, within 1e-5. Everything else is
    refused. A file that `save_onnx` wrote gives back its model, transformations and names included, to the digit of the
    weight file.

    Parameters
    ----------
    source : path-like or onnx.ModelProto
    variables, ranges, analysis, classes, targets, spectators, title
        What a weight file says and the file does not; see `pytmva_rnn.export.foreign.foreign_model`. The metadata of a
        file may have `variables`, `classes` and `targets` (lists in JSON), `analysis` and `title`.
    steps : int, optional
        T, where the file leaves the number of steps open.

    Returns
    -------
    Model

    Raises
    ------
    DataError
        Naming the file, the node and what is not TMVA's; or what is missing.
    MissingExtraError
        If ONNX is not installed.
    OSError
        If the file cannot be opened.
    """
    onnx = extras.onnx()
    proto, name = _loaded(onnx, source)
    said = {entry.key: entry.value for entry in proto.metadata_props}
    inputs = _inputs(onnx, proto, name, steps)
    _, run = network_runner(proto, name)
    given = {"variables": variables, "ranges": ranges, "analysis": analysis, "classes": classes, "targets": targets}
    if METADATA in said and (arrays := _own_arrays(onnx, proto, said[METADATA], name)) is not None:
        refuse_said_twice(name, {**given, "spectators": spectators or None})
        try:
            model, same = model_from(said[METADATA], arrays)
        except TMVAError as error:
            raise DataError(f"{name}: {error}") from None
        model = model if same else retrained(model, name)
        model = as_asked(model, name, title=title, steps=steps)
        network = ForeignNetwork(name, model.layers, model.event_shape, model.output_function)
        if prod(inputs[0].shape) != prod(model.event_shape):
            raise DataError(f"{name}: expected events of {prod(model.event_shape)} numbers, found {inputs[0].shape}")
        check_agreement(model, network, inputs[0].asking(run), inputs[0].whole(_EVENTS))
        return model
    network, chosen = _traced(proto, inputs, name)
    about = _from_metadata(said, name) | {key: value for key, value in given.items() if value is not None}
    about["title"] = title or about.get("title", "DL")
    model = foreign_model(network, spectators=spectators, **about)
    check_agreement(model, network, chosen.asking(run), chosen.whole(_EVENTS))
    return model


def onnx_outputs(source: Any, steps: int | None = None) -> tuple[str, Callable[[NDArray[np.float32]], NDArray[Any]]]:
    """What runs an ONNX file, and the outputs that it gives.

    Parameters
    ----------
    source : path-like or onnx.ModelProto
        Of a network that `from_onnx` reads.
    steps : int, optional
        T, where the file leaves the number of steps open.

    Returns
    -------
    by : str
        "ONNX Runtime" with its version, or "onnx.reference".
    outputs : callable
        Of events (n, NVar), the file's outputs (n, O).

    Raises
    ------
    DataError, MissingExtraError, OSError
        As `from_onnx`.
    """
    onnx = extras.onnx()
    proto, name = _loaded(onnx, source)
    inputs = _inputs(onnx, proto, name, steps)
    ours = any(entry.key == METADATA for entry in proto.metadata_props)
    chosen = inputs[0] if ours or len(inputs) == 1 else _traced(proto, inputs, name)[1]
    by, run = network_runner(proto, name)
    ask = chosen.asking(run)

    def outputs(X: NDArray[np.float32]) -> NDArray[Any]:
        filled = np.concatenate([X, np.repeat(X[-1:], chosen.whole(len(X)) - len(X), axis=0)])
        return ask(filled)[: len(X)]

    return by, outputs


def _loaded(onnx: Any, source: Any) -> tuple[Any, str]:
    if isinstance(source, onnx.ModelProto):
        proto, name = onnx.ModelProto(), "the ONNX model"
        proto.CopyFrom(source)
    else:
        name = os.fspath(source)
        with Path(name).open("rb"):
            pass  # the errors of a file that is not there are the system's
        try:
            proto = onnx.load(name)
        except Exception as error:  # protobuf's own errors, and those of data in further files
            raise DataError(f"{name}: it cannot be read as an ONNX file: {first_line(error)}") from error
    del proto.graph.value_info[:]  # what exporters say of shapes is not always true, and not needed
    try:
        onnx.checker.check_model(proto, full_check=True)
        return (onnx.inliner.inline_local_functions(proto) if proto.functions else proto), name
    except Exception as error:
        raise DataError(f"{name}: it is no valid ONNX file: {first_line(error)}") from error


@dataclass(frozen=True)
class EventInput:
    """How a file wants its events.

    Attributes
    ----------
    shape : tuple of int
        Of one event.
    axis : int
        Of the input along which the events stand.
    batch : int, optional
        How many events the file takes; None for any number.
    dtype : dtype
    """

    shape: tuple[int, ...]
    axis: int
    batch: int | None
    dtype: np.dtype[Any]

    def traced_events(self) -> int:
        """How many events to trace: as many as no size of the network's input is."""
        return self.batch or next(n for n in range(3, 1000) if n not in self.shape)

    def whole(self, events: int) -> int:
        """At least so many events that the file takes them in whole batches."""
        return events if self.batch is None else self.batch * -(-events // self.batch)

    def asking(self, run: Callable[[NDArray[Any]], NDArray[Any]]) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
        """The file's outputs for events (n, NVar)."""

        def ask(X: NDArray[np.float32]) -> NDArray[Any]:
            x = np.moveaxis(X.astype(self.dtype).reshape(len(X), *self.shape), 0, self.axis)
            batches = np.split(x, len(X) // self.batch, self.axis) if self.batch else [x]
            return np.concatenate([np.reshape(run(batch), (batch.shape[self.axis], -1)) for batch in batches])

        return ask


def _inputs(onnx: Any, proto: Any, name: str, steps: int | None) -> list[EventInput]:
    """How the events may lie in a file's input; several where all its sizes are fixed."""
    constants = {each.name for each in (*proto.graph.initializer, *proto.graph.sparse_initializer)}
    inputs = [each for each in proto.graph.input if each.name not in constants]
    if len(inputs) != 1 or len(proto.graph.output) != 1:
        raise DataError(
            f"{name}: expected one input and one output, found {', '.join(each.name for each in inputs)} and "
            f"{', '.join(each.name for each in proto.graph.output)}; export a network that returns its scores alone"
        )
    kind = inputs[0].type.tensor_type
    real = {onnx.TensorProto.FLOAT: np.float32, onnx.TensorProto.DOUBLE: np.float64}
    if kind.elem_type not in real or not kind.HasField("shape"):
        raise DataError(f"{name}: expected an input of real numbers of 32 or 64 bits, with its shape; found another")
    sizes = [each.dim_value or None for each in kind.shape.dim]
    free = [axis for axis, size in enumerate(sizes) if size is None]
    if len(sizes) == 3 and free == [0, 1] and steps is not None:
        choices = [[None, steps, sizes[2]], [steps, None, sizes[2]]]
    else:
        choices = [sizes]
    if len(sizes) < 2 or any(each.count(None) > 1 for each in choices) or any((size or 1) < 1 for size in sizes):
        shown = ", ".join("?" if size is None else str(size) for size in sizes)
        raise DataError(
            f"{name}: expected an input (N, T, D) or (N, NVar) with a fixed number of steps and variables, found "
            f"({shown}); give steps=T where T is open"
        )
    found = []
    for each in choices:
        for axis in [each.index(None)] if None in each else range(min(2, len(each) - 1)):
            shape = tuple(size or 0 for place, size in enumerate(each) if place != axis)
            found.append(EventInput(shape, axis, each[axis], np.dtype(real[kind.elem_type])))
    return found


def _own_arrays(onnx: Any, proto: Any, text: str, name: str) -> list[Any] | None:
    """The layers' weights in a file that `to_onnx` made; None if another program has given it other arrays."""
    constants = {each.name: each for each in proto.graph.initializer}
    try:
        layers = carried_layers(text)
    except TMVAError as error:
        raise DataError(f"{name}: {error}") from None
    try:
        return [
            layer_weights(layer, number, lambda key: onnx.numpy_helper.to_array(constants[key]))
            for number, layer in enumerate(layers)
        ]
    except (IndexError, KeyError, ValueError):
        return None


def _traced(proto: Any, inputs: Sequence[EventInput], name: str) -> tuple[ForeignNetwork, EventInput]:
    """The network, and which input it was that could be understood."""
    problem: DataError | None = None
    for each in inputs:
        try:
            return trace(proto, each.traced_events(), each.axis, each.shape, name), each
        except TMVAError as error:
            problem = problem or DataError(str(error))
        except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
            problem = problem or DataError(f"{name}: it cannot be understood: {first_line(error)}")
    raise problem or DataError(f"{name}: it cannot be understood")


def _from_metadata(said: dict[str, str], name: str) -> dict[str, Any]:
    about: dict[str, Any] = {key: said[key] for key in ("analysis", "title") if key in said}
    for key in ("variables", "classes", "targets"):
        if key in said:
            try:
                values = json.loads(said[key])
            except (ValueError, RecursionError):
                values = None
            if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
                raise DataError(f"{name}: metadata, {key}: expected a list of names in JSON, found {said[key][:60]!r}")
            about[key] = values
    return about
