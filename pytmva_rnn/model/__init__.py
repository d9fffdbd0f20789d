"""A trained network as plain data: what a TMVA weight file says, without mathematics and without files."""

from __future__ import annotations

from pytmva_rnn.model.layers import (
    ACTIVATIONS,
    GRU,
    LSTM,
    RNN,
    BatchNorm,
    Dense,
    Layer,
    Recurrent,
    Reshape,
    Shape,
    Weights,
)
from pytmva_rnn.model.model import (
    OUTPUT_FUNCTIONS,
    Analysis,
    Loss,
    Model,
    Option,
    OutputFunction,
    Regularization,
    Variable,
)
from pytmva_rnn.model.transformations import (
    PCA,
    CumulativeDistribution,
    Decorrelation,
    Gauss,
    Normalize,
    Transformation,
    TransformInput,
)

__all__ = [
    "ACTIVATIONS",
    "GRU",
    "LSTM",
    "OUTPUT_FUNCTIONS",
    "PCA",
    "RNN",
    "Analysis",
    "BatchNorm",
    "CumulativeDistribution",
    "Decorrelation",
    "Dense",
    "Gauss",
    "Layer",
    "Loss",
    "Model",
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
]
