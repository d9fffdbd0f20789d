"""The layers, one file each, and the table in which they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from pytmva_rnn.kernels.cpu.layers import batchnorm, dense, gru, lstm, reshape, rnn
from pytmva_rnn.kernels.cpu.machine.plan import Plan
from pytmva_rnn.registration import Registry

__all__ = ["LAYERS", "LayerPlan", "register_layer"]

LayerPlan: TypeAlias = Callable[[Any, Plan, int], None]
"""Called with (layer, plan, number): adds the operations, weights and memory of layer `number` to the plan."""

LAYERS: Registry[str, LayerPlan] = Registry("layer of the CPU backend")
"""By the kind that a layer's description has."""


def register_layer(kind: str, plan: LayerPlan) -> None:
    """Let networks with layers of a kind run on this backend.

    Parameters
    ----------
    kind : str
        As in the layer's description.
    plan : callable (layer, plan, number)
        Adds the layer's operations, weights and memory to a plan, whose view it reads and replaces.

    Raises
    ------
    ValueError
        If there is such a layer already.
    """
    LAYERS.add(kind, plan)


register_layer("RNN", rnn.plan)
register_layer("LSTM", lstm.plan)
register_layer("GRU", gru.plan)
register_layer("DENSE", dense.plan)
register_layer("RESHAPE", reshape.plan)
register_layer("BNORM", batchnorm.plan)
