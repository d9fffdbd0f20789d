"""The nodes that describe variables, spectators and targets, which differ in their tags only."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from pytmva_rnn.description import Variable
from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.weightfile.markup import Element
from pytmva_rnn.weightfile.nodes import Node, ordered
from pytmva_rnn.weightfile.numbers import scientific

__all__ = ["SPECTATORS", "TARGETS", "VARIABLES", "VariableList", "infinite_range", "read_variable"]


@dataclass(frozen=True)
class VariableList:
    """A list such as `<Variables NVar="2"><Variable VarIndex="0" .../>...`."""

    tag: str
    count: str
    item: str
    index: str

    def read(self, node: Node) -> tuple[Variable, ...]:
        """The variables in the order of their indices."""
        items = ordered(node.counted(self.item, self.count), self.index)
        variables = tuple(read_variable(item) for item in items)
        for item in items:
            for problem in infinite_range(item):
                warnings.warn(f"{problem}: did the training sample hold such values?", stacklevel=3)
        return variables

    def element(self, variables: tuple[Variable, ...]) -> Element:
        items = [Element(self.item, {self.index: n} | _attributes(v)) for n, v in enumerate(variables)]
        return Element(self.tag, {self.count: len(variables)}, items)


def infinite_range(node: Node) -> Iterator[WeightFileError]:
    """What is wrong with the range of a variable: a limit that is no finite number."""
    for name in ("Min", "Max"):
        try:
            node.number(name)
        except WeightFileError as error:
            yield error


def read_variable(node: Node) -> Variable:
    """The variable, spectator or target of a node."""
    return Variable(
        expression=node.attribute("Expression"),
        label=node.attribute("Label"),
        title=node.attribute("Title"),
        unit=node.attribute("Unit"),
        internal=node.attribute("Internal"),
        type=node.attribute("Type"),
        # The range only describes the training data; an infinite value there is no reason to refuse the network.
        min=node.number("Min", finite=False),
        max=node.number("Max", finite=False),
    )


def _attributes(variable: Variable) -> dict[str, str | int]:
    return {
        "Expression": variable.expression,
        "Label": variable.label,
        "Title": variable.title,
        "Unit": variable.unit,
        "Internal": variable.internal,
        "Type": variable.type,
        "Min": scientific(variable.min, 8),
        "Max": scientific(variable.max, 8),
    }


VARIABLES = VariableList("Variables", "NVar", "Variable", "VarIndex")
SPECTATORS = VariableList("Spectators", "NSpec", "Spectator", "SpecIndex")
TARGETS = VariableList("Targets", "NTrgt", "Target", "TargetIndex")
