"""What people read of a network: its parts in words."""

from __future__ import annotations

from pytmva_rnn.description.abstract_layer import Layer, Shape
from pytmva_rnn.description.description import Description

LOSS_NAMES = {"C": "cross entropy", "R": "sum of squares", "S": "softmax cross entropy"}
OUTPUT_FUNCTION_NAMES = {"I": "identity", "S": "sigmoid", "M": "softmax"}


def size_in_words(shape: Shape, times: str = "x") -> str:
    """(depth, height, width) of activations as `steps x width`, or `width` of a flat output."""
    steps = shape[0] * shape[1]
    return f"{steps} {times} {shape[2]}" if steps > 1 else str(shape[2])


def settings_in_words(layer: Layer) -> str:
    """What a layer was declared with; a switch that is off is left out."""
    given = {name: value for name, value in layer.settings().items() if value is not False}
    return ", ".join(name if value is True else f"{name} {value}" for name, value in given.items())


def learnt(model: Description) -> tuple[str, ...]:
    """Names of what the network tells apart, or predicts."""
    return tuple(target.label for target in model.targets) if model.analysis == "Regression" else model.classes


def scored(model: Description) -> tuple[str, ...]:
    """Names of the outputs, one each: of two classes the signal alone has one."""
    return learnt(model)[:1] if model.analysis == "Classification" else learnt(model)
