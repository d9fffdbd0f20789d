"""The nodes that describe variables, spectators and targets, which differ in their tags only."""

from __future__ import annotations

from dataclasses import dataclass

from pytmva_rnn.model import Variable
from pytmva_rnn.weightfile.markup import Element
from pytmva_rnn.weightfile.nodes import Node, ordered
from pytmva_rnn.weightfile.numbers import scientific

__all__ = ["SPECTATORS", "TARGETS", "VARIABLES", "VariableList"]


@dataclass(frozen=True)
class VariableList:
    """A list such as `<Variables NVar="2"><Variable VarIndex="0" .../>...`."""

    tag: str
    count: str
    item: str
    index: str

    def read(self, node: Node) -> tuple[Variable, ...]:
        """The variables in the order of their indices."""
        return tuple(_read(item) for item in ordered(node.counted(self.item, self.count), self.index))

    def element(self, variables: tuple[Variable, ...]) -> Element:
        items = [Element(self.item, {self.index: n} | _attributes(v)) for n, v in enumerate(variables)]
        return Element(self.tag, {self.count: len(variables)}, items)


def _read(node: Node) -> Variable:
    return Variable(
        expression=node.attribute("Expression"),
        label=node.attribute("Label"),
        title=node.attribute("Title"),
        unit=node.attribute("Unit"),
        internal=node.attribute("Internal"),
        type=node.attribute("Type"),
        # The range only describes the training data, which may well have held an infinite value.
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
