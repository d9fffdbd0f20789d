"""The layers, one file each, and the table in which they stand."""

from __future__ import annotations

from pytmva_rnn.kernels.cuda.layers import batchnorm, dense, gru, lstm, reshape, rnn
from pytmva_rnn.kernels.cuda.machine.layer import MakePart
from pytmva_rnn.registration import Registry

__all__ = ["LAYERS", "register_layer"]

LAYERS: Registry[str, MakePart] = Registry("layer of the CUDA backend")
"""By the kind that a layer's description has."""


def register_layer(kind: str, part: MakePart) -> None:
    """Let networks with layers of a kind run on this backend.

    Parameters
    ----------
    kind : str
        As in the layer's description.
    part : class of Part, or function
        Lays the layer out for some events; None of a function says that nothing has to be done.

    Raises
    ------
    ValueError
        If there is such a layer already.
    """
    LAYERS.add(kind, part)


register_layer("RNN", rnn.RNNPart)
register_layer("LSTM", lstm.LSTMPart)
register_layer("GRU", gru.GRUPart)
register_layer("DENSE", dense.DensePart)
register_layer("RESHAPE", reshape.no_part)
register_layer("BNORM", batchnorm.BatchNormPart)
