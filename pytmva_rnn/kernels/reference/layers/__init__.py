"""The layers, one file each, and the table in which they stand."""

from __future__ import annotations

from typing import Any, Protocol

from pytmva_rnn.kernels.reference.layers import batchnorm, dense, gru, lstm, reshape, rnn
from pytmva_rnn.kernels.reference.machine.recurrent import Array, Cache, Memory, Parameters
from pytmva_rnn.registration import Registry

__all__ = ["LAYERS", "LayerEquations", "register_layer"]


class LayerEquations(Protocol):
    """What a layer's file has; see `pytmva_rnn.kernels.reference`."""

    def forward(
        self, layer: Any, p: Parameters, x: Array, memory: Memory, training: bool, /
    ) -> tuple[Array, Cache]: ...

    def backward(self, layer: Any, p: Parameters, cache: Cache, dy: Array, /) -> tuple[Array, Parameters]: ...


LAYERS: Registry[str, LayerEquations] = Registry("layer of the reference backend")
"""By the kind that a layer's description has."""


def register_layer(kind: str, equations: LayerEquations) -> None:
    """Let networks with layers of a kind run on this backend.

    Parameters
    ----------
    kind : str
        As in the layer's description.
    equations : module or object
        With the functions `forward` and `backward`.

    Raises
    ------
    ValueError
        If there is such a layer already.
    """
    LAYERS.add(kind, equations)


register_layer("RNN", rnn)
register_layer("LSTM", lstm)
register_layer("GRU", gru)
register_layer("DENSE", dense)
register_layer("RESHAPE", reshape)
register_layer("BNORM", batchnorm)
