"""Another shape for the same activations; see `kernels.reference.layers.reshape`."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.kernels.cuda.machine.layer import Memory
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights
from pytmva_rnn.kernels.cuda.small.part import Block
from pytmva_rnn.kernels.cuda.small.room import EventRows


def no_part(
    layer: Any, number: int, weights: DeviceWeights, memory: Memory, x: Any, *, training: bool, wanted: bool
) -> None:
    """Nothing has to be done: activations lie as (events, steps, width), and each part sees x in its own shape."""


def no_small_part(
    layer: Any, number: int, weights: DeviceWeights, block: Block, x: EventRows, dx: EventRows | None
) -> None:
    """Nothing has to be done in one kernel either."""
