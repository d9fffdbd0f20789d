"""The variable transformations' nodes: one entry of `FORMATS` per transformation, for reading and writing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.model import Normalize, Transformation, TransformInput, Variable
from pytmva_rnn.weightfile.markup import Element, UnwritableError
from pytmva_rnn.weightfile.nodes import Node, ordered
from pytmva_rnn.weightfile.numbers import scientific

__all__ = ["FORMATS", "Known", "TransformationFormat", "read_transformations", "transformations_element"]

Inputs: TypeAlias = tuple[TransformInput, ...]
Known: TypeAlias = Mapping[str, Sequence[Variable]]
T = TypeVar("T", bound=Transformation)


@dataclass(frozen=True)
class TransformationFormat(Generic[T]):
    """How one kind of transformation stands in the file, beside the selection that all have.

    Attributes
    ----------
    transformation : type
    read : callable
        Makes the transformation from its node, its inputs, its outputs and the number of classes.
    children : callable
        The nodes behind the selection.
    """

    transformation: type[T]
    read: Callable[[Node, Inputs, Inputs, int], T]
    children: Callable[[T], list[Element]]


def read_transformations(node: Node, known: Known, classes: int) -> tuple[Transformation, ...]:
    """The transformations of the node `<Transformations>`, in the order in which they apply.

    Parameters
    ----------
    node : Node
    known : mapping of "Variable", "Target" and "Spectator" to the file's variables
    classes : int
        Number of classes.

    Raises
    ------
    WeightFileError
        If a transformation is not supported, or its selection or numbers do not fit.
    """
    return tuple(_read(child, known, classes) for child in node.counted("Transform", "NTransformations"))


def transformations_element(transformations: Sequence[Transformation]) -> Element:
    """The node `<Transformations>`."""
    return Element(
        "Transformations", {"NTransformations": len(transformations)}, [_element(t) for t in transformations]
    )


def _read(node: Node, known: Known, classes: int) -> Transformation:
    name = node.attribute("Name")
    entry = _BY_NAME.get(name)
    if entry is None:
        raise node.error(f"Name: expected one of {', '.join(_BY_NAME)}; found the unsupported {name!r}")
    selection = node.child("Selection")
    inputs = _read_selection(selection.child("Input"), "Input", "NInputs", known)
    outputs = _read_selection(selection.child("Output"), "Output", "NOutputs", known)
    transformation: Transformation = entry.read(node, inputs, outputs, classes)
    return transformation


def _read_selection(node: Node, tag: str, count: str, known: Known) -> Inputs:
    selected = []
    for child in node.counted(tag, count):
        item = TransformInput(child.choice("Type", known), child.attribute("Label"), child.attribute("Expression"))
        # TMVA, too, is content when one of the two agrees.
        if not any(item.label == v.label or item.expression == v.expression for v in known[item.type]):
            raise child.error(
                f"expected the Label or Expression of a {item.type.lower()} of this file, "
                f"found Label {item.label!r}, Expression {item.expression!r}"
            )
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
    return Element("Transform", {"Name": transformation.kind}, [selection, *entry.children(transformation)])


def _selection_element(tag: str, count: str, selected: Inputs) -> Element:
    items = [Element(tag, {"Type": s.type, "Label": s.label, "Expression": s.expression}) for s in selected]
    return Element(tag, {count: len(selected)}, items)


def _read_normalize(node: Node, inputs: Inputs, outputs: Inputs, classes: int) -> Normalize:
    found = ordered(node.children("Class"), "ClassIndex")
    # With a single class (regression) TMVA writes no second entry for "all classes together".
    expected = (1, 2) if classes == 1 else (classes + 1,)
    if len(found) not in expected:
        wanted = " or ".join(map(str, expected))
        raise node.error(f"expected {wanted} <Class> nodes for {classes} classes, found {len(found)}")
    return Normalize(inputs, outputs, np.array([_read_ranges(child.child("Ranges"), len(inputs)) for child in found]))


def _read_ranges(node: Node, count: int) -> NDArray[np.float64]:
    found = node.children("Range")
    if len(found) != count:
        raise node.error(f"expected {count} <Range> nodes, one per input, found {len(found)}")
    ranges = np.empty((count, 2))
    for place, child in enumerate(ordered(found, "Index")):
        for column, name in enumerate(("Min", "Max")):
            ranges[place, column] = child.number(name)
    return ranges


def _normalize_children(transformation: Normalize) -> list[Element]:
    ranges, inputs = np.asarray(transformation.ranges, dtype=np.float64), len(transformation.inputs)
    if ranges.ndim != 3 or ranges.shape[1:] != (inputs, 2) or not np.isfinite(ranges).all():
        raise UnwritableError(
            f"Normalize: expected finite ranges of the shape (classes + 1, {inputs}, 2), found the shape {ranges.shape}"
            + ("" if np.isfinite(ranges).all() else " with NaN or infinite values")
        )
    return [
        Element("Class", {"ClassIndex": number}, [Element("Ranges", children=_range_elements(ranges[number]))])
        for number in range(len(ranges))
    ]


def _range_elements(ranges: NDArray[np.float64]) -> list[Element]:
    return [
        Element("Range", {"Index": n, "Min": scientific(low, 16), "Max": scientific(high, 16)})
        for n, (low, high) in enumerate(ranges.tolist())
    ]


FORMATS: tuple[TransformationFormat[Any], ...] = (
    TransformationFormat(Normalize, _read_normalize, _normalize_children),
)
_BY_NAME = {entry.transformation.kind: entry for entry in FORMATS}
_BY_TYPE = {entry.transformation: entry for entry in FORMATS}
