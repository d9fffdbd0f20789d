"""Another shape for the same activations; see `kernels.reference.layers.reshape`."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.kernels.cpu.machine.plan import Plan
from pytmva_rnn.kernels.cpu.machine.steps import as_steps


def plan(layer: Any, plan: Plan, number: int) -> None:
    """Add the layer's operation to a plan; a flat one needs none, since other layers read steps where they lie."""
    if not layer.flat:
        as_steps(plan, number, layer.depth * layer.height, layer.width)
