"""Models as ONNX files, which run wherever ONNX runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from pytmva_rnn import extras
from pytmva_rnn._version import __version__
from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.metadata import METADATA, carried_text
from pytmva_rnn.export.onnx.graph_builder import Activations, GraphBuilder
from pytmva_rnn.export.onnx.layer_operators import add_layer
from pytmva_rnn.export.onnx.transformation_operators import add_transformations
from pytmva_rnn.files import atomic_path
from pytmva_rnn.kernels import last_sequence
from pytmva_rnn.model import Model
from pytmva_rnn.network.scoring import NO_SCORE
from pytmva_rnn.transformations.chain import chain_steps
from pytmva_rnn.weightfile.stored_recipe import stored_inputs

__all__ = ["INPUT", "LEAST_OPSET", "OUTPUT", "save_onnx", "to_onnx"]

INPUT, OUTPUT = "x", "scores"
LEAST_OPSET = 17
_IR_VERSION = 9  # what most readers take


def to_onnx(
    model: Model,
    *,
    opset: int = LEAST_OPSET,
    batch: int | None = None,
    dtype: DTypeLike = np.float32,
    check_nan: bool = True,
) -> Any:
    """A model as an ONNX graph, from raw variables to the scores that `Model.predict` gives.

    Input `x` has the shape (N, T, D), or for a network without time (N, NVar); output `scores` has (N, O).
    Transformations, the output function and the way back to the scale of regression targets are part of the graph. The
    operators are ONNX's own, recurrent ones with initial states of zero. With `mask_padding` the graph leaves out the
    steps whose inputs are all NaN: recurrent operators stand in a Scan then, step by step. Metadata has the title, the
    analysis, the names of classes, variables and targets, how to make the inputs from a tree (`recipe`, where it is
    known), and all else that `from_onnx` needs to give the model back.

    Parameters
    ----------
    model : Model
        With weights in all layers, and none that remembers its states.
    opset : int
        Version of ONNX's operators, 17 or later.
    batch : int, optional
        Fixed number N of events; if None, any. SOFIE needs 1.
    dtype : dtype
        Of input, weights and scores: float32, or float64, in which ONNX Runtime has no recurrent operators.
    check_nan : bool
        Whether an event with a NaN among its transformed variables gets TMVA's answer, -999 in a classification and
        NaN for all outputs in others. Without, it is left to the runtime (ONNX Runtime may make a number of it), and
        the operators IsNaN and Where are not needed.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    DataError
        For a network with RememberState, whose scores depend on the events before; for layers that have no ONNX; if the
        model's parts do not fit each other, see `Description.check`.
    MissingExtraError
        If ONNX is not installed.
    """
    onnx = extras.onnx()
    _check(model, opset, batch, onnx.defs.onnx_opset_version())
    g = GraphBuilder(dtype, batch)
    if g.real not in (np.float32, np.float64):
        raise DataError(f"dtype: expected float32 or float64, found {g.real}")
    steps, inputs = model.event_shape
    given = (steps, inputs) if model.input_layout[0] * model.input_layout[1] > 1 or _has_time(model) else (inputs,)
    x = Activations(INPUT, steps, inputs, flat=len(given) == 1)
    if model.mask_padding:
        g.there = _steps_there(g, x)
    x, bad = _transformed(g, model, x, check_nan)
    for number, layer in enumerate(model.layers):
        x = add_layer(g, layer, number, x)
        if model.mask_padding and number == last_sequence(model.layers):
            x = g.there_only(x)
    scores = _reported(g, model, g.flattened(x).name)
    if check_nan:
        if model.analysis == "Classification":
            bad = g.add("Or", bad, g.add("IsNaN", scores))
        answer = NO_SCORE if model.analysis == "Classification" else np.nan
        scores = g.add("Where", bad, g.constant(answer), scores)
    g.nodes.append(onnx.helper.make_node("Identity", [scores], [OUTPUT], name=OUTPUT))
    events = batch or "N"
    values = [
        onnx.helper.make_tensor_value_info(name, g.tensor_type(), [events, *shape])
        for name, shape in ((INPUT, given), (OUTPUT, (model.outputs,)))
    ]
    graph = onnx.helper.make_graph(g.nodes, "network", values[:1], values[1:], g.constants)
    made = onnx.helper.make_model(
        graph,
        opset_imports=[onnx.helper.make_opsetid("", opset)],
        ir_version=max(_IR_VERSION, onnx.helper.find_min_ir_version_for([onnx.helper.make_opsetid("", opset)])),
        producer_name="pytmva_rnn",
        producer_version=__version__,
    )
    onnx.helper.set_model_props(made, _metadata(model))
    return made


def save_onnx(
    model: Model,
    path: str | os.PathLike[str],
    *,
    opset: int = LEAST_OPSET,
    batch: int | None = None,
    dtype: DTypeLike = np.float32,
    check_nan: bool = True,
) -> None:
    """Write a model as an ONNX file, which appears complete or not at all; see `to_onnx`.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    content = to_onnx(model, opset=opset, batch=batch, dtype=dtype, check_nan=check_nan).SerializeToString()
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _check(model: Model, opset: int, batch: int | None, newest: int) -> None:
    model.check()
    if model.remembers:
        raise DataError(
            "RememberState has no ONNX: each score of such a network depends on the events before, and ONNX's "
            "operators keep nothing from one call to the next"
        )
    if not LEAST_OPSET <= opset <= newest:
        raise DataError(f"opset: expected {LEAST_OPSET} to {newest}, which the installed ONNX knows; found {opset}")
    if batch is not None and batch < 1:
        raise DataError(f"batch: expected a number of events from 1 on, found {batch}")


def _has_time(model: Model) -> bool:
    return any(layer.state_widths for layer in model.layers[:1])


def _steps_there(g: GraphBuilder, x: Activations) -> str:
    """Which steps of the events are there, (N, T): those of which an input is no NaN."""
    marks = g.cast(g.add("IsNaN", x.name), np.float32)
    count = g.add("ReduceSum", marks, g.constant([-1], np.int64), keepdims=0)
    return g.add("Less", count, g.constant(x.width - 0.5, np.float32))


def _transformed(g: GraphBuilder, model: Model, x: Activations, check_nan: bool) -> tuple[Activations, str]:
    """The network's inputs, and for each event whether one of them is NaN, (N, 1)."""
    steps = chain_steps(model.transformations, model.variables)
    if steps:
        x = g.flattened(x)
        x = Activations(add_transformations(g, x.name, len(model.variables), steps), x.steps, x.width)
    if g.there:
        x = g.there_only(x)
    if not check_nan:
        return x, ""
    marks = g.cast(g.add("IsNaN", g.flattened(x).name), np.float32)
    count = g.add("ReduceSum", marks, g.constant([1], np.int64), keepdims=1)
    return x, g.add("Greater", count, g.constant(0, np.float32))


def _reported(g: GraphBuilder, model: Model, raw: str) -> str:
    """What TMVA reports: after the output function, on the scale of the targets."""
    if model.output_function == "S":
        return g.add("Sigmoid", raw)
    if model.output_function == "M":
        return g.add("Softmax", raw, axis=-1)
    if not model.targets:
        return raw
    back = chain_steps(model.transformations, model.targets, "Target", inverse=True)
    return add_transformations(g, raw, model.outputs, back)


def _metadata(model: Model) -> Mapping[str, str]:
    """Names for whoever reads the file, and all else for ourselves."""
    names = {
        "title": model.title,
        "analysis": model.analysis,
        "classes": json.dumps(model.classes),
        "variables": json.dumps(_declarations(model.variables)),
    }
    if model.targets:
        names["targets"] = json.dumps(_declarations(model.targets))
    recipe = stored_inputs(model)
    if recipe is not None:
        names["recipe"] = json.dumps(recipe)
    return names | {METADATA: carried_text(model)}


def _declarations(variables: Sequence[Variable]) -> list[str]:
    """The variables as they are declared: `pt`, `mass := sqrt(x)`, and `v[30]` for an array of 30."""
    declared: list[str] = []
    for (expression, label, kind), elements in groupby(
        variables, lambda each: (each.expression, each.label, each.type)
    ):
        if kind.endswith("[]"):
            declared.append(f"{expression}[{len(list(elements))}]")
        else:
            declared += [expression if label in ("", expression) else f"{label} := {expression}" for _ in elements]
    return declared
