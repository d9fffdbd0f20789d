"""Variable transformations as modules of PyTorch, with the rounding of TMVA's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pytmva_rnn import extras
from pytmva_rnn.transformations.cumulative import LEVEL, POINTS, SMALLEST
from pytmva_rnn.transformations.gauss import FLOOR, LARGEST_ARGUMENT, ROOT_TWO
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

__all__ = ["TorchChain"]

torch: Any = extras.torch()


class TorchChain(torch.nn.Module):  # type: ignore[misc]  # PyTorch is optional
    """A chain of transformations on (n, columns), as `pytmva_rnn.transformations.Chain` does it.

    Constants and arithmetic are in the precision that TMVA has, whatever that of the network: `.float()`, `.double()`
    and `.half()` leave them as they are.

    Parameters
    ----------
    steps : sequence of (instruction, columns read, columns written)
        Of `pytmva_rnn.transformations.chain_steps`.
    """

    def __init__(self, steps: Sequence[tuple[Instruction, Sequence[int], Sequence[int]]]) -> None:
        super().__init__()
        self.steps = torch.nn.ModuleList(_Step(*step) for step in steps)

    def forward(self, values: Any) -> Any:
        event = values.double()
        for number, step in enumerate(self.steps):
            event = step(event, last=number == len(self.steps) - 1)
        return event.to(values.dtype)


class _Step(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, instruction: Instruction, sources: Sequence[int], goals: Sequence[int]) -> None:
        super().__init__()
        self.operation = instruction.operation
        self.register_buffer("numbers", torch.from_numpy(np.array(instruction.parameters, np.float64)))
        self.register_buffer("table", torch.from_numpy(np.array(instruction.table, np.float32)))
        self.register_buffer("sources", torch.tensor(list(sources)), persistent=False)
        self.register_buffer("goals", torch.tensor(list(goals)), persistent=False)

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Any:
        """Follow to other devices, but not to other precisions."""
        return super()._apply(lambda tensor: tensor.to(fn(tensor.new_empty(0)).device), recurse)

    def forward(self, event: Any, last: bool) -> Any:
        values = _OPERATIONS[self.operation](event[:, self.sources], self.numbers, self.table)
        if not last:  # what the next step reads is an event of TMVA, whose values are float32
            values = values.float().double()
        return event.index_copy(1, self.goals, values)


def _scaled(values: Any, parameters: Any, table: Any) -> Any:
    low, factor = parameters.float().chunk(2)
    return ((values.float() - low) * factor * 2 - 1).double()


def _from_scaled(values: Any, parameters: Any, table: Any) -> Any:
    low, factor = parameters.float().chunk(2)
    return (low + (values.float() + 1) / (factor * 2)).double()


def _rotated(values: Any, parameters: Any, table: Any) -> Any:
    count = values.shape[1]
    before, after, columns = parameters[:count], parameters[count : 2 * count], parameters[2 * count :]
    return (values - before) @ columns.reshape(count, count) + after


def _flat(values: Any, parameters: Any, table: Any) -> Any:
    low, high = parameters.chunk(2)
    points = table.double().reshape(-1, POINTS)
    place = (values - low) / (high - low) * POINTS - 0.5
    left = torch.where(place > 0, place.clamp(max=POINTS - 2), 0).long()
    first, second = _at(points, left), _at(points, left + 1)
    y = first + (place - left) * (second - first)
    return torch.where(y >= SMALLEST, y, SMALLEST).clamp(FLOOR, 1 - FLOOR)


def _normal(values: Any, parameters: Any, table: Any) -> Any:
    argument = (2 * _flat(values, parameters, table) - 1).clamp(-LARGEST_ARGUMENT, LARGEST_ARGUMENT)
    return ROOT_TWO * torch.special.erfinv(argument)


def _from_flat(values: Any, parameters: Any, table: Any) -> Any:
    """By bisection, as `value_at`, for all values at once."""
    low, high = parameters.chunk(2)
    points = table.double().reshape(-1, POINTS)
    below = torch.zeros_like(values, dtype=torch.int64)
    above, middle = torch.full_like(below, POINTS), torch.full_like(below, POINTS // 2)
    first, second = torch.zeros_like(values), torch.zeros_like(values)
    for _ in range(POINTS.bit_length()):
        searching = (below < middle) & (middle < above)
        at = _at(points, middle - 1)
        down, up = searching & (values < at), searching & ~(values < at)
        above, second = torch.where(down, middle, above), torch.where(down, at, second)
        below, first = torch.where(up, middle, below), torch.where(up, at, first)
        middle = torch.where(searching, below + (above - below) // 2, middle)
    height = second - first
    part = torch.where(height > LEVEL, (values - first) / height, first)
    found = low + (below - 0.5 + (above - below) * part) * (high - low) / POINTS
    return torch.where(values.isnan(), values, found)


def _from_normal(values: Any, parameters: Any, table: Any) -> Any:
    return _from_flat((torch.special.erf(values / ROOT_TWO) + 1) / 2, parameters, table)


def _at(points: Any, places: Any) -> Any:
    """The points (count, POINTS) of each column at places (n, count)."""
    return torch.gather(points.T, 0, places.clamp(0, POINTS - 1))


_OPERATIONS: dict[int, Callable[[Any, Any, Any], Any]] = {
    SCALED: _scaled,
    FROM_SCALED: _from_scaled,
    ROTATED: _rotated,
    FLAT: _flat,
    FROM_FLAT: _from_flat,
    NORMAL: _normal,
    FROM_NORMAL: _from_normal,
}
