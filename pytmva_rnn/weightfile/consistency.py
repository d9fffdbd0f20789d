"""Whether the parts of a weight file fit each other: the reader's checks, going on after the first that fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from math import prod
from typing import ParamSpec, TypeVar

from pytmva_rnn.description import Analysis, Layer, Shape, Variable
from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.weightfile.layer_nodes import (
    LayerFormat,
    check_fit,
    check_size,
    layer_format,
    matrix_shapes,
    read_values,
)
from pytmva_rnn.weightfile.mva_pdf_nodes import read_mva_pdfs
from pytmva_rnn.weightfile.nodes import Node, ordered
from pytmva_rnn.weightfile.option_checks import NetworkNode, check_options
from pytmva_rnn.weightfile.reading import (
    LETTERS,
    check_classes,
    check_input,
    check_output_function,
    check_outputs,
    layer_nodes,
    other_batch_size,
    read_analysis,
    read_shape,
    read_title,
)
from pytmva_rnn.weightfile.transformation_nodes import read_transformation, transform_nodes
from pytmva_rnn.weightfile.variable_nodes import (
    SPECTATORS,
    TARGETS,
    VARIABLES,
    VariableList,
    infinite_range,
    read_variable,
)

__all__ = ["inconsistencies"]

P = ParamSpec("P")
T = TypeVar("T")


_KEPT = 5000
"""Errors of a file; of more than that nobody needs to know which."""


class _Enough(Exception):
    """So many errors have been found that nobody needs to know of more."""


@dataclass
class _Report:
    """Collects what checks raise."""

    errors: list[WeightFileError] = field(default_factory=list)

    def attempt(self, check: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The check's result, or None if it fails."""
        try:
            return check(*args, **kwargs)
        except WeightFileError as error:
            # the frames that it came through would be kept with it, of each of many
            self.errors.append(error.with_traceback(None))
            if len(self.errors) >= _KEPT:
                raise _Enough from None
            return None


def inconsistencies(root: Node) -> list[WeightFileError]:
    """Everything in a document of MethodDL that does not fit something else in it, or that is missing.

    Where a wrong part makes it impossible to judge another one, such as an unknown layer the input of the next, that
    check is left out.
    """
    report = _Report()
    with suppress(_Enough):
        _check(report, root)
    return report.errors


def _check(report: _Report, root: Node) -> None:
    report.attempt(read_title, root)
    info = report.attempt(root.child, "GeneralInfo")
    analysis = report.attempt(read_analysis, info) if info else None
    variables = _variables(report, report.attempt(root.child, "Variables"), VARIABLES)
    spectators = _variables(report, report.attempt(root.find, "Spectators"), SPECTATORS)
    find = root.child if analysis == "Regression" else root.find
    targets = _variables(report, report.attempt(find, "Targets"), TARGETS)
    classes = _classes(report, report.attempt(root.child, "Classes"), analysis)
    transformations = report.attempt(root.find, "Transformations")
    if transformations:
        known = {"Variable": variables, "Target": targets, "Spectator": spectators}
        report.attempt(transform_nodes, transformations, _var_transform(root))
        for transform in transformations.children("Transform"):
            report.attempt(read_transformation, transform, known, classes)
    report.attempt(read_mva_pdfs, report.attempt(root.find, "MVAPdfs"))
    weights = report.attempt(root.child, "Weights")
    if weights:
        outputs = {"Classification": 1, "Multiclass": classes, "Regression": len(targets)}.get(analysis or "")
        network = _network(report, weights, analysis, len(variables), outputs)
        if network.shapes[-1] and analysis:
            found = prod(network.shapes[-1])
            report.attempt(check_outputs, weights, analysis, found, classes, len(targets))
        report.errors += check_options(report.attempt(root.find, "Options"), network)


def _var_transform(root: Node) -> str:
    options = root.find("Options")
    found = [item for item in options.children("Option") if item.has("name")] if options else []
    return next((item.text for item in found if item.attribute("name") == "VarTransform"), "None")


def _variables(report: _Report, node: Node | None, kind: VariableList) -> list[Variable]:
    """The variables that can be read."""
    if node is None:
        return []
    report.attempt(node.counted, kind.item, kind.count)
    items = node.children(kind.item)
    report.attempt(ordered, items, kind.index)
    variables = []
    for item in items:
        variable = report.attempt(read_variable, item)
        if variable is None:
            # What it lacks is told; the rest of the file may still name it.
            texts = {name: item.attribute(name) if item.has(name) else "" for name in ("Expression", "Label")}
            variable = Variable(texts["Expression"], texts["Label"], title="")
        else:
            report.errors += infinite_range(item)
        variables.append(variable)
    return variables


def _classes(report: _Report, node: Node | None, analysis: str | None) -> int:
    if node is None:
        return 0
    report.attempt(node.counted, "Class", "NClass")
    classes = node.children("Class")
    report.attempt(ordered, classes, "Index")
    if analysis:
        report.attempt(check_classes, node, analysis, len(classes))
    return len(classes)


def _network(
    report: _Report, node: Node, analysis: Analysis | None, variables: int, outputs: int | None
) -> NetworkNode:
    shape = report.attempt(read_shape, node, "Input", minimum=1)
    if shape:
        report.attempt(check_input, node, shape, variables)
    if problem := report.attempt(other_batch_size, node):
        report.errors.append(problem)
    report.attempt(read_shape, node, "Batch")
    report.attempt(node.number, "WeightDecay")
    letters = {name: report.attempt(node.choice, attribute, allowed) for name, (attribute, allowed) in LETTERS.items()}
    function = letters["output_function"]
    if function and analysis:
        report.attempt(check_output_function, node, analysis, function)
    report.attempt(layer_nodes, node)
    network = NetworkNode(node, analysis, variables, outputs, letters["loss"], letters["initialization"], [shape])
    for number, child in enumerate(node.children()):
        layer = _layer(report, child, number, network.shapes[-1])
        network.layers.append(layer)
        network.shapes.append(_output(layer, network.shapes[-1]))
    return network


def _layer(report: _Report, node: Node, number: int, shape: Shape | None) -> Layer | None:
    """The layer without its weights; None if it cannot be told."""
    entry = report.attempt(layer_format, node, number)
    if entry is None:
        return None
    matrices = {name: report.attempt(node.child, tag) for tag, name in entry.matrices}
    known = shape or _own_input(node, entry)
    layer: Layer | None = report.attempt(entry.read, node, known or (1, 1, 1))
    if layer and shape:
        for check in (check_fit, *entry.checks):
            report.attempt(check, node, layer, shape)
    shapes = matrix_shapes(layer) if layer and known else {}
    for name, matrix in matrices.items():
        if matrix:
            _matrix(report, matrix, node, shapes.get(name))
    return layer


def _own_input(node: Node, entry: LayerFormat[Layer]) -> Shape | None:
    """The input that a layer behind an unknown one says to have: the columns of its first matrix."""
    for tag, _ in entry.matrices[:1]:
        try:
            return (1, 1, node.child(tag).integer("Columns", minimum=1))
        except WeightFileError:
            pass
    return None


def _matrix(report: _Report, node: Node, parent: Node, shape: tuple[int, int] | None) -> None:
    """A matrix that should have `shape`; None if that is not known."""
    for name, size in zip(("Rows", "Columns"), shape or (), strict=False):
        report.attempt(check_size, node, name, size, parent)
    # Where Rows and Columns are wrong, that is told; the numbers may fit them, or what they should be.
    own = _Report()
    rows, columns = (own.attempt(node.integer, name, minimum=1) for name in ("Rows", "Columns"))
    shapes = ([(rows, columns)] if rows and columns else []) + ([shape] if shape else [])
    attempts = _Report()
    if shapes and all(attempts.attempt(read_values, node, each) is None for each in dict.fromkeys(shapes)):
        report.errors.append(attempts.errors[-1])
    if shape is None:
        report.errors += own.errors


def _output(layer: Layer | None, shape: Shape | None) -> Shape | None:
    """The layer's output; None where it depends on an input that is not known."""
    if layer is None:
        return None
    if shape is not None:
        return layer.output_shape(shape)
    # A layer that gives the same for two different inputs does not depend on its input.
    one, other = layer.output_shape((1, 1, 1)), layer.output_shape((1, 1, 2))
    return one if one == other else None
