"""The layers, one file each, and the table in which they stand."""

from __future__ import annotations

from pytmva_rnn.kernels.cuda.layers import batchnorm, dense, gru, lstm, reshape, rnn
from pytmva_rnn.kernels.cuda.machine.layer import MakePart
from pytmva_rnn.kernels.cuda.small.dense import SmallDense
from pytmva_rnn.kernels.cuda.small.part import MakeSmallPart
from pytmva_rnn.registration import Registry

__all__ = ["LAYERS", "SMALL_LAYERS", "register_layer"]

LAYERS: Registry[str, MakePart] = Registry("layer of the CUDA backend")
"""By the kind that a layer's description has."""

SMALL_LAYERS: Registry[str, MakeSmallPart] = Registry("layer in one kernel of the CUDA backend")
"""Those that a small network's one kernel may have."""


def register_layer(kind: str, part: MakePart, small: MakeSmallPart | None = None) -> None:
    """Let networks with layers of a kind run on this backend.

    Parameters
    ----------
    kind : str
        As in the layer's description.
    part : class of Part, or function
        Lays the layer out for some events; None of a function says that nothing has to be done.
    small : class of SmallPart, or function, optional
        Lays it out in the one kernel of a small network; without one, networks with such a layer have no such kernel.

    Raises
    ------
    ValueError
        If there is such a layer already.
    """
    LAYERS.add(kind, part)
    if small is not None:
        SMALL_LAYERS.add(kind, small)


register_layer("RNN", rnn.RNNPart, rnn.SmallRNN)
register_layer("LSTM", lstm.LSTMPart, lstm.SmallLSTM)
register_layer("GRU", gru.GRUPart, gru.SmallGRU)
register_layer("DENSE", dense.DensePart, SmallDense)
register_layer("RESHAPE", reshape.no_part, reshape.no_small_part)
register_layer("BNORM", batchnorm.BatchNormPart)
