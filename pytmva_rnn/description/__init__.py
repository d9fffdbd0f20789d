"""A trained network as plain data: what a TMVA weight file says, without mathematics and without files."""

from __future__ import annotations

from pytmva_rnn.description.abstract_layer import ArrayRole, Layer, LayerWeights, Shape
from pytmva_rnn.description.arrays import not_finite
from pytmva_rnn.description.choices import (
    ACTIVATIONS,
    ANALYSES,
    INITIALIZATIONS,
    LOSSES,
    OPTIMIZERS,
    OUTPUT_FUNCTIONS,
    REGULARIZATIONS,
    Analysis,
    Initialization,
    Loss,
    OutputFunction,
    Regularization,
    analysis_of,
)
from pytmva_rnn.description.description import Description, Option, check_chain, outputs_problem
from pytmva_rnn.description.history import HistoryRow, running_epochs
from pytmva_rnn.description.in_words import (
    LOSS_NAMES,
    OUTPUT_FUNCTION_NAMES,
    learnt,
    scored,
    settings_in_words,
    size_in_words,
)
from pytmva_rnn.description.layers import GRU, LSTM, RNN, BatchNorm, Dense, Recurrent, Reshape
from pytmva_rnn.description.memory import check_memory, machine_memory
from pytmva_rnn.description.mva_pdfs import MVAPdf
from pytmva_rnn.description.padded_steps import mark_padding, padded_steps
from pytmva_rnn.description.tmva_differences import tmva_differences
from pytmva_rnn.description.transformations import (
    PCA,
    CumulativeDistribution,
    Decorrelation,
    Gauss,
    Identity,
    Known,
    Normalize,
    Transformation,
    TransformInput,
    columns_of,
)
from pytmva_rnn.description.variables import Variable

__all__ = [
    "ACTIVATIONS",
    "ANALYSES",
    "GRU",
    "INITIALIZATIONS",
    "LOSSES",
    "LOSS_NAMES",
    "LSTM",
    "OPTIMIZERS",
    "OUTPUT_FUNCTIONS",
    "OUTPUT_FUNCTION_NAMES",
    "PCA",
    "REGULARIZATIONS",
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
    "Identity",
    "Initialization",
    "Known",
    "Layer",
    "LayerWeights",
    "Loss",
    "MVAPdf",
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
    "analysis_of",
    "check_chain",
    "check_memory",
    "columns_of",
    "learnt",
    "machine_memory",
    "mark_padding",
    "not_finite",
    "outputs_problem",
    "padded_steps",
    "running_epochs",
    "scored",
    "settings_in_words",
    "size_in_words",
    "tmva_differences",
]
