"""Weight file -> `Description`."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from math import prod
from typing import Any, TypeVar, get_args

from pytmva_rnn.description import (
    ANALYSES,
    OUTPUT_FUNCTIONS,
    Analysis,
    Description,
    Initialization,
    Layer,
    Loss,
    Option,
    OutputFunction,
    Regularization,
    Shape,
    Variable,
    outputs_problem,
)
from pytmva_rnn.errors import DataError, WeightFileError
from pytmva_rnn.weightfile.layer_nodes import read_layer
from pytmva_rnn.weightfile.mva_pdf_nodes import read_mva_pdfs
from pytmva_rnn.weightfile.nodes import Node, ordered, parse, parse_bytes
from pytmva_rnn.weightfile.option_checks import NetworkNode, check_options
from pytmva_rnn.weightfile.other_methods import hint
from pytmva_rnn.weightfile.transformation_nodes import read_transformations, var_transform_steps
from pytmva_rnn.weightfile.variable_nodes import SPECTATORS, TARGETS, VARIABLES, VariableList

__all__ = [
    "LETTERS",
    "check_classes",
    "check_input",
    "check_output_function",
    "check_outputs",
    "is_other_method",
    "layer_nodes",
    "other_batch_size",
    "read_analysis",
    "read_classes",
    "read_description",
    "read_optional",
    "read_options",
    "read_shape",
    "read_title",
    "with_network",
]

log = logging.getLogger("pytmva_rnn")

D = TypeVar("D", bound=Description)

_METHOD = "DL::"
LETTERS = {
    "loss": ("LossFunction", get_args(Loss)),
    "initialization": ("Initialization", get_args(Initialization)),
    "regularization": ("Regularization", get_args(Regularization)),
    "output_function": ("OutputFunction", get_args(OutputFunction)),
}


def read_description(path: str | os.PathLike[str]) -> Description:
    """Read a weight file; see `pytmva_rnn.read_weights`."""
    if not os.fspath(path).endswith(".xml"):
        log.warning("%s: the name does not end in .xml, without which C++ TMVA's Reader never returns", os.fspath(path))
    root = parse(path)
    title = read_title(root)
    info = tuple((i.attribute("name"), i.attribute("value")) for i in root.child("GeneralInfo").children("Info"))
    analysis = read_analysis(root.child("GeneralInfo"))
    variables = VARIABLES.read(root.child("Variables"))
    spectators = read_optional(root, SPECTATORS)
    targets = TARGETS.read(root.child("Targets")) if analysis == "Regression" else read_optional(root, TARGETS)
    classes = read_classes(root)
    transformations = root.find("Transformations")
    known = {"Variable": variables, "Target": targets, "Spectator": spectators}
    options = read_options(root.find("Options"))
    chain = next((option.value for option in options if option.name == "VarTransform"), "None")
    for step in var_transform_steps(chain):
        if step.class_name is not None:
            log.warning(
                "%s: VarTransform has %s; scores use all classes together, as C++ TMVA's Reader forgets the class",
                os.fspath(path),
                step.text,
            )
    read = Description(
        title=title,
        analysis=analysis,
        info=info,
        mva_pdfs=read_mva_pdfs(root.find("MVAPdfs")),
        options=options,
        variables=variables,
        spectators=spectators,
        targets=targets,
        classes=classes,
        transformations=read_transformations(transformations, known, len(classes), chain) if transformations else (),
        **_network(root.child("Weights"), len(variables)),
    )
    weights = root.child("Weights")
    check_classes(root.child("Classes"), read.analysis, len(classes))
    check_output_function(weights, read.analysis, read.output_function)
    check_outputs(weights, read.analysis, read.outputs, len(classes), len(targets))
    try:
        read.check()
    except DataError as error:
        raise weights.error(str(error)) from None
    network = NetworkNode(
        weights,
        read.analysis,
        len(variables),
        read.outputs,
        read.loss,
        read.initialization,
        list(read.shapes()),
        list(read.layers),
    )
    for problem in check_options(root.find("Options"), network):
        log.warning("%s; the network is taken as it is, as by C++ TMVA", problem)
    return read


def with_network(described: D, xml: bytes) -> D:
    """What is described, with the network of a `<Weights>` node, a document of its own.

    Raises
    ------
    WeightFileError
        If the node is wrong, or does not fit what is described.
    """
    node = parse_bytes(xml, "<Weights>")
    read = replace(described, **_network(node, len(described.variables)))
    try:
        read.check()
    except DataError as error:
        raise node.error(str(error)) from None
    return read


def is_other_method(root: Node) -> bool:
    """Whether the document is, for all that it says, none of MethodDL."""
    return root.tag != "MethodSetup" or (root.has("Method") and not root.attribute("Method").startswith(_METHOD))


def read_title(root: Node) -> str:
    """The method's title; an error, with advice, for files of other methods."""
    if root.tag != "MethodSetup":
        raise root.error("expected <MethodSetup>, the root of a TMVA weight file")
    method = root.attribute("Method")
    if not method.startswith(_METHOD):
        kind = method.split("::")[0]
        raise root.error(
            f'Method: this is a {kind} weight file; expected one of MethodDL (Method="{_METHOD}..."), found {method!r}'
            f"; {hint(kind)}"
        )
    return method[len(_METHOD) :]


def read_analysis(node: Node) -> Any:
    """What `<GeneralInfo>` says was learnt."""
    found = [item for item in node.children("Info") if item.attribute("name") == "AnalysisType"]
    if not found:
        raise node.error(f'expected <Info name="AnalysisType">, one of {", ".join(ANALYSES)}; found none')
    return found[0].choice("value", ANALYSES)


def read_options(node: Node | None) -> tuple[Option, ...]:
    """The options; none if there is no node."""
    return tuple(
        Option(item.attribute("name"), item.text, item.choice("modified", ("Yes", "No")) == "Yes")
        for item in (node.children("Option") if node else ())
    )


def read_classes(root: Node) -> tuple[str, ...]:
    """Names of the classes."""
    nodes = root.child("Classes").counted("Class", "NClass")
    return tuple(node.attribute("Name") for node in ordered(nodes, "Index"))


def read_optional(root: Node, kind: VariableList) -> tuple[Variable, ...]:
    """Spectators or targets; none if there is no node."""
    node = root.find(kind.tag)
    return kind.read(node) if node else ()


def _network(node: Node, variables: int) -> dict[str, Any]:
    input_layout = read_shape(node, "Input", minimum=1)
    check_input(node, input_layout, variables)
    if problem := other_batch_size(node):
        log.warning("%s", problem)
    return {
        "input_layout": input_layout,
        "batch_layout": read_shape(node, "Batch"),
        "weight_decay": node.number("WeightDecay"),
        "layers": _layers(node, input_layout),
        **{name: node.choice(attribute, letters) for name, (attribute, letters) in LETTERS.items()},
    }


def other_batch_size(node: Node) -> WeightFileError | None:
    """What is wrong with the number of events that the network evaluates at once, which C++ TMVA wants to be 1."""
    found = node.integer("BatchSize", minimum=1)
    if found == 1:
        return None
    return node.error(f"BatchSize: expected 1, found {found}; C++ TMVA ends its process on such a file")


def check_input(node: Node, shape: Shape, variables: int) -> None:
    """Raise a WeightFileError unless the layout of an event holds all variables."""
    if prod(shape) != variables:
        sizes = " x ".join(map(str, shape))
        raise node.error(
            f"InputDepth x InputHeight x InputWidth: expected the number of variables, {variables}; "
            f"found {sizes} = {prod(shape)}"
        )


def read_shape(node: Node, prefix: str, minimum: int = 0) -> Shape:
    """(depth, height, width) from the attributes whose names begin with `prefix`, Input or Batch."""
    depth, height, width = (node.integer(prefix + size, minimum) for size in ("Depth", "Height", "Width"))
    return depth, height, width


def _layers(node: Node, shape: Shape) -> tuple[Layer, ...]:
    layers = []
    for number, child in enumerate(layer_nodes(node)):
        layers.append(read_layer(child, number, shape))
        shape = layers[-1].output_shape(shape)
    return tuple(layers)


def layer_nodes(node: Node) -> list[Node]:
    """The layers' nodes; the attribute NetDepth has to say how many there are."""
    nodes = node.children()
    expected = node.integer("NetDepth", minimum=1)
    if len(nodes) != expected:
        raise node.error(f"NetDepth: expected {expected} layers, found {len(nodes)}")
    return nodes


def check_classes(node: Node, analysis: str, classes: int) -> None:
    """Raise a WeightFileError unless a classification has two classes."""
    if analysis == "Classification" and classes != 2:
        raise node.error(f"NClass: expected 2 for a classification, found {classes}")


def check_output_function(node: Node, analysis: Analysis, letter: str) -> None:
    """Raise a WeightFileError unless the output function is the one that TMVA takes for an analysis."""
    wanted = OUTPUT_FUNCTIONS[analysis]
    if letter != wanted:
        raise node.error(f"OutputFunction: expected {wanted} for a {analysis.lower()}, found {letter}")


def check_outputs(node: Node, analysis: Analysis, outputs: int, classes: int, targets: int) -> None:
    """Raise a WeightFileError unless there are as many outputs as the analysis asks for."""
    if problem := outputs_problem(analysis, outputs, classes, targets):
        raise node.error(problem)
