"""The variable transformations' nodes: what all have in common. `transformation_formats.py` has what each adds."""

from __future__ import annotations

from collections.abc import Sequence

from pytmva_rnn.description import Identity, Known, Transformation, TransformInput
from pytmva_rnn.errors import OptionError
from pytmva_rnn.options.vartransform import TransformStep, parse_var_transform
from pytmva_rnn.weightfile.markup import Element
from pytmva_rnn.weightfile.nodes import Node
from pytmva_rnn.weightfile.transformation_formats import FORMATS, Inputs

__all__ = [
    "read_transformation",
    "read_transformations",
    "transform_nodes",
    "transformations_element",
    "var_transform_steps",
]

_BY_NAME = {name: entry for entry in FORMATS for name in (entry.transformation.kind, *entry.aliases)}
_BY_TYPE = {entry.transformation: entry for entry in FORMATS}


def read_transformations(node: Node, known: Known, classes: int, option: str = "None") -> tuple[Transformation, ...]:
    """The transformations of the node `<Transformations>`, in the order in which they apply.

    Each uses what was learned from all classes together, whatever class VarTransform names: so does C++ TMVA's Reader.

    Parameters
    ----------
    node : Node
    known : mapping of "Variable", "Target" and "Spectator" to the file's variables
    classes : int
        Number of classes.
    option : str
        The file's VarTransform, which says where identities are: they are counted, and have no node.

    Raises
    ------
    WeightFileError
        If a transformation is not supported, or its selection or numbers do not fit.
    """
    nodes = transform_nodes(node, option)
    return tuple(Identity() if child is None else read_transformation(child, known, classes) for child in nodes)


def transform_nodes(node: Node, option: str) -> list[Node | None]:
    """The nodes of the transformations, None for an identity; see `read_transformations`.

    Raises
    ------
    WeightFileError
        If there are not as many as `<Transformations>` says.
    """
    steps, found = var_transform_steps(option), node.children("Transform")
    with_nodes = sum(not step.is_identity for step in steps)
    if with_nodes != len(found) or len(steps) != node.integer("NTransformations"):
        # the option says something else than the file
        return list(node.counted("Transform", "NTransformations"))
    left = iter(found)
    return [None if step.is_identity else next(left) for step in steps]


def var_transform_steps(option: str) -> tuple[TransformStep, ...]:
    """What the file's VarTransform says; nothing for a wrong text, which does not keep a file from being read."""
    try:
        return parse_var_transform(option)
    except OptionError:
        return ()


def transformations_element(transformations: Sequence[Transformation]) -> Element:
    """The node `<Transformations>`."""
    return Element(
        "Transformations",
        {"NTransformations": len(transformations)},
        [_element(each) for each in transformations if not isinstance(each, Identity)],
    )


def read_transformation(node: Node, known: Known, classes: int) -> Transformation:
    """The transformation of one node `<Transform>`; see `read_transformations`."""
    name = node.attribute("Name")
    entry = _BY_NAME.get(name)
    if entry is None:
        raise node.error(f"Name: expected one of {', '.join(_BY_NAME)}; found the unsupported {name!r}")
    selection = node.child("Selection")
    inputs = _read_selection(selection.child("Input"), "Input", "NInputs", known)
    outputs = _read_selection(selection.child("Output"), "Output", "NOutputs", known)
    if [item.type for item in inputs] != [item.type for item in outputs]:
        raise selection.error("expected as many outputs as inputs, of the same types in the same order")
    if not entry.transformation.by_column and len({item.type for item in inputs}) > 1:
        raise selection.error(f"expected inputs of one type for {name}, found variables mixed with others")
    transformation: Transformation = entry.read(node, inputs, outputs, classes)
    return transformation


def _read_selection(node: Node, tag: str, count: str, known: Known) -> Inputs:
    selected: list[TransformInput] = []
    left = {kind: list(variables) for kind, variables in known.items()}
    for child in node.counted(tag, count):
        item = TransformInput(child.choice("Type", known), child.attribute("Label"), child.attribute("Expression"))
        # TMVA, too, is content when one of the two agrees.
        fitting = [v for v in left[item.type] if item.label == v.label or item.expression == v.expression]
        if not fitting:
            again = " once more" if any(item.label == s.label for s in selected) else ""
            raise child.error(
                f"expected the Label or Expression of a {item.type.lower()} of this file, "
                f"found Label {item.label!r}, Expression {item.expression!r}{again}"
            )
        both = [v for v in fitting if item.label == v.label and item.expression == v.expression]
        left[item.type].remove((both or fitting)[0])
        selected.append(item)
    return tuple(selected)


def _element(transformation: Transformation) -> Element:
    entry = _BY_TYPE[type(transformation)]
    selection = Element(
        "Selection",
        children=[
            _selection_element("Input", "NInputs", transformation.inputs),
            _selection_element("Output", "NOutputs", transformation.outputs),
        ],
    )
    attributes = {"Name": transformation.kind, **entry.attributes(transformation)}
    return Element("Transform", attributes, [selection, *entry.children(transformation)])


def _selection_element(tag: str, count: str, selected: Inputs) -> Element:
    items = [Element(tag, {"Type": s.type, "Label": s.label, "Expression": s.expression}) for s in selected]
    return Element(tag, {count: len(selected)}, items)
