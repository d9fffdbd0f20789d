"""Whether the options in a weight file say what its network is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from pytmva_rnn.description import INITIALIZATIONS, LOSSES, Layer, Shape
from pytmva_rnn.errors import OptionError, WeightFileError
from pytmva_rnn.options import MethodOptions, parse_options
from pytmva_rnn.options.layer_specs import Context, LayerSpec
from pytmva_rnn.weightfile.nodes import Node

__all__ = ["NetworkNode", "check_options"]


@dataclass
class NetworkNode:
    """What could be read of a network; None stands for what could not.

    Attributes
    ----------
    node : Node
        `<Weights>`.
    outputs : int, optional
        How many outputs classes or targets ask for.
    shapes : list of Shape
        The input, then the output of each layer.
    """

    node: Node
    analysis: str | None
    variables: int
    outputs: int | None
    loss: str | None
    initialization: str | None
    shapes: list[Shape | None]
    layers: list[Layer | None] = field(default_factory=list)


def check_options(node: Node | None, network: NetworkNode) -> Iterator[WeightFileError]:
    """Where Layout, InputLayout, ErrorStrategy and WeightInitialization contradict the network.

    Parameters
    ----------
    node : Node, optional
        `<Options>`. An option that is not there is not checked: its default may have been another one in the version
        of TMVA that wrote the file.
    network : NetworkNode
    """
    found: dict[str, Node] = {}
    for option in node.children("Option") if node else ():
        if option.has("name"):
            name = option.attribute("name")
            if name in found:
                yield option.error(f"{name}: expected each option once, found it in line {found[name].line}, too")
            found.setdefault(name, option)
    for name, check in _CHECKS.items():
        if name in found:
            option = found[name]
            try:
                # What does not matter for these options, such as an odd training strategy, is of no importance here.
                yield from check(option, parse_options({name: option.text}), network)
            except OptionError as error:
                yield option.error(error.message)


def _line(node: Node) -> str:
    return f"<{node.tag}> in line {node.line}"


def _input_layout(option: Node, options: MethodOptions, network: NetworkNode) -> Iterator[WeightFileError]:
    shape = network.shapes[0]
    said = options.input_shape(network.variables)
    if shape and said != shape:
        yield option.error(
            f"InputLayout: {option.text} is depth {said[0]}, height {said[1]}, width {said[2]}; but "
            f"{_line(network.node)} has InputDepth {shape[0]}, InputHeight {shape[1]}, InputWidth {shape[2]}"
        )


def _layout(option: Node, options: MethodOptions, network: NetworkNode) -> Iterator[WeightFileError]:
    specs, nodes = options.layout, network.node.children()
    if len(specs) != len(nodes):
        yield option.error(
            f"Layout: expected the {len(nodes)} layers that {_line(network.node)} has, found {len(specs)}: "
            f"{option.text}"
        )
        return
    for number, (spec, layer) in enumerate(zip(specs, network.layers, strict=True)):
        shape = network.shapes[number]
        if layer and shape and network.outputs:
            context = Context(shape, network.variables, network.outputs)
            for difference in _differences(spec, layer, context, nodes[number]):
                yield option.error(f"Layout: layer {number}: {difference}")


def _differences(spec: LayerSpec, layer: Layer, context: Context, node: Node) -> Iterator[str]:
    try:
        wanted = spec.build(context)
    except OptionError as error:
        yield error.message
        return
    if wanted.kind != layer.kind:
        yield f"{spec} is {wanted.kind}, but {_line(node)} is not"
        return
    for item in fields(layer):
        ours, theirs = getattr(wanted, item.name), getattr(layer, item.name)
        # A switch that old versions did not write says nothing about the option.
        unsaid = isinstance(theirs, bool) and not _has_switch(node, item.name)
        if item.name != "weights" and not unsaid and not _same(ours, theirs):
            yield f"{spec} has {item.name.replace('_', ' ')} {ours}, but {_line(node)} has {theirs}"


def _has_switch(node: Node, name: str) -> bool:
    return node.has("".join(word.title() for word in name.split("_"))) or name == "flat"


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float):
        return bool(np.float32(ours) == np.float32(theirs))
    return bool(ours == theirs)


def _error_strategy(option: Node, options: MethodOptions, network: NetworkNode) -> Iterator[WeightFileError]:
    # TMVA takes the sum of squares for every regression, and knows softmax for several classes only.
    told = network.analysis == "Multiclass" or (
        network.analysis == "Classification" and options.error_strategy != "MUTUALEXCLUSIVE"
    )
    wanted = LOSSES[options.error_strategy] if told else "R" if network.analysis == "Regression" else None
    if wanted and network.loss and network.loss != wanted:
        yield option.error(
            f"ErrorStrategy: {option.text} in a {str(network.analysis).lower()} is the LossFunction {wanted}; "
            f"but {_line(network.node)} has {network.loss}"
        )


def _initialization(option: Node, options: MethodOptions, network: NetworkNode) -> Iterator[WeightFileError]:
    wanted = INITIALIZATIONS[options.weight_initialization]
    if network.initialization and network.initialization != wanted:
        yield option.error(
            f"WeightInitialization: {option.text} is the Initialization {wanted}; "
            f"but {_line(network.node)} has {network.initialization}"
        )


_CHECKS = {
    "InputLayout": _input_layout,
    "Layout": _layout,
    "ErrorStrategy": _error_strategy,
    "WeightInitialization": _initialization,
}
