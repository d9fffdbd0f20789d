"""What the recurrent layers share: where states start, and what they return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Parameters: TypeAlias = dict[str, Array]
Cache: TypeAlias = Mapping[str, Any]
Memory: TypeAlias = dict[str, Any]

THERE = "there"
"""The name in a layer's memory of the steps (B, T) that are there, where some may be not."""

STATES = ("h", "c")
"""The names in a layer's memory of the states whose widths it declares, in their order."""


def sigmoid(x: Array) -> Array:
    """`1 / (1 + exp(-x))`, without overflow."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


def initial(layer: Any, memory: Memory, name: str, events: int) -> Array:
    """State before the first step, shape (B, H): zero, or with RememberState what the last batch left."""
    state = np.zeros((events, layer.state_size))
    if layer.remember_state and name in memory:
        rows = min(events, len(memory[name]))
        state[:rows] = memory[name][:rows]
    return state


def chosen(there: NDArray[np.bool_] | None, t: int, value: Array, otherwise: Array | float) -> Array:
    """A value (B, H) of the events that step t is there of, and another of those that it is not; None: of all."""
    return value if there is None else np.where(there[:, t, np.newaxis], value, otherwise)


def finish(layer: Any, h: Array) -> Array:
    """All states after the initial one, (B, T, H), or the last one as (B, 1, H)."""
    return h[:, 1:] if layer.return_sequence else h[:, -1:]


def returned_gradient(layer: Any, dy: Array) -> Array:
    """Gradient of every state, (B, T, H), from that of the output: zero but for the last, if only that was returned."""
    if layer.return_sequence:
        return dy
    every = np.zeros((len(dy), layer.time_steps, layer.state_size))
    every[:, -1:] = dy
    return every
