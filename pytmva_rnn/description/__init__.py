"""A trained network as plain data: what a TMVA weight file says, without mathematics and without files."""

from __future__ import annotations

from pytmva_rnn.description.description import (
    OUTPUT_FUNCTIONS,
    Analysis,
    Description,
    Loss,
    Option,
    OutputFunction,
    Regularization,
)
from pytmva_rnn.description.history import HistoryRow, running_epochs
from pytmva_rnn.description.layers import (
    ACTIVATIONS,
    GRU,
    LSTM,
    RNN,
    ArrayRole,
    BatchNorm,
    Dense,
    Layer,
    Recurrent,
    Reshape,
    Shape,
    Weights,
)
from pytmva_rnn.description.transformations import (
    PCA,
    CumulativeDistribution,
    Decorrelation,
    Gauss,
    Normalize,
    Transformation,
    TransformInput,
)
from pytmva_rnn.description.variables import Variable

__all__ = [
    "ACTIVATIONS",
    "GRU",
    "LSTM",
    "OUTPUT_FUNCTIONS",
    "PCA",
    "RNN",
    "Analysis",
    "ArrayRole",
    "BatchNorm",
    "CumulativeDistribution",
    "Decorrelation",
    "Dense",
    "Description",
    "Gauss",
    "HistoryRow",
    "Layer",
    "Loss",
    "Normalize",
    "Option",
    "OutputFunction",
    "Recurrent",
    "Regularization",
    "Reshape",
    "Shape",
    "TransformInput",
    "Transformation",
    "Variable",
    "Weights",
    "running_epochs",
]
