"""Transformations as ONNX operators: what `transformations.chain` does to an event, with the same precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pytmva_rnn.export.onnx.distribution_operators import (
    flat_of_normal,
    flatten,
    flatten_back,
    normal_of_flat,
)
from pytmva_rnn.export.onnx.graph_builder import GraphBuilder
from pytmva_rnn.transformations.instruction import (
    FLAT,
    FROM_FLAT,
    FROM_NORMAL,
    FROM_SCALED,
    NORMAL,
    ROTATED,
    SCALED,
    Instruction,
)

__all__ = ["add_transformations"]


def add_transformations(
    g: GraphBuilder,
    event: str,
    width: int,
    steps: Sequence[tuple[Instruction, Sequence[int], Sequence[int]]],
) -> str:
    """Transform events.

    Parameters
    ----------
    g : GraphBuilder
    event : str
        Values (N, width) in the network's own precision.
    width : int
    steps : sequence
        Of `transformations.chain.chain_steps`.

    Returns
    -------
    str
        Values of the same shape and type.
    """
    everything = list(range(width))
    for number, (instruction, sources, goals) in enumerate(steps):
        gathered = event if list(sources) == everything else _columns(g, event, sources)
        operation = _OPERATIONS[instruction.operation]
        precision = np.dtype(np.float32 if operation in (_scaled, _from_scaled) else np.float64)
        values = operation(g, _converted(g, gathered, g.real, precision), instruction)
        if number < len(steps) - 1:
            # what the next step reads is an event of TMVA, whose values are float32
            values, precision = _converted(g, values, precision, np.dtype(np.float32)), np.dtype(np.float32)
        values = _converted(g, values, precision, g.real)
        if list(goals) == everything:
            event = values
        else:
            origin = np.arange(width)
            origin[list(goals)] = width + np.arange(len(goals))
            event = _columns(g, g.add("Concat", event, values, axis=1), origin)
    return event


def _converted(g: GraphBuilder, value: str, old: np.dtype[Any], new: np.dtype[Any]) -> str:
    return value if old == new else g.cast(value, new)


def _columns(g: GraphBuilder, values: str, numbers: ArrayLike) -> str:
    return g.add("Gather", values, g.constant(numbers, np.int64), axis=1)


def _scaled(g: GraphBuilder, x: str, instruction: Instruction) -> str:
    """`(x - low)*factor*2 - 1`, in single precision."""
    low, factor = (g.constant(each, np.float32) for each in np.split(instruction.parameters, 2))
    one, two = g.constant(1, np.float32), g.constant(2, np.float32)
    shifted = g.add("Sub", x, low)
    return g.add("Sub", g.add("Mul", g.add("Mul", shifted, factor), two), one)


def _from_scaled(g: GraphBuilder, x: str, instruction: Instruction) -> str:
    """`low + (x + 1)/(factor*2)`, in single precision."""
    low, factor = np.split(instruction.parameters.astype(np.float32), 2)
    shifted = g.add("Add", x, g.constant(1, np.float32))
    scaled = g.add("Div", shifted, g.constant(factor * np.float32(2), np.float32))
    return g.add("Add", g.constant(low, np.float32), scaled)


def _rotated(g: GraphBuilder, x: str, instruction: Instruction) -> str:
    """`M (x - before) + after`."""
    size = int(np.sqrt(len(instruction.parameters) + 1)) - 1  # of the numbers, size*(size + 2) there are
    before, after, columns = np.split(instruction.parameters, [size, 2 * size])
    values = x
    if before.any():
        values = g.add("Sub", x, g.constant(before, np.float64))
    values = g.add("MatMul", values, g.constant(columns.reshape(size, size), np.float64))
    return g.add("Add", values, g.constant(after, np.float64)) if after.any() else values


def _normal(g: GraphBuilder, x: str, instruction: Instruction) -> str:
    return normal_of_flat(g, flatten(g, x, instruction))


def _from_normal(g: GraphBuilder, x: str, instruction: Instruction) -> str:
    return flatten_back(g, flat_of_normal(g, x), instruction)


_OPERATIONS: dict[int, Callable[[GraphBuilder, str, Instruction], str]] = {
    SCALED: _scaled,
    FROM_SCALED: _from_scaled,
    ROTATED: _rotated,
    FLAT: flatten,
    NORMAL: _normal,
    FROM_FLAT: flatten_back,
    FROM_NORMAL: _from_normal,
}
