"""What a network may choose: TMVA's names in the options, and its letters in the weight file; each stands here once."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from pytmva_rnn.errors import OptionError

__all__ = [
    "ACTIVATIONS",
    "ANALYSES",
    "INITIALIZATIONS",
    "LOSSES",
    "OPTIMIZERS",
    "OUTPUT_FUNCTIONS",
    "REGULARIZATIONS",
    "Analysis",
    "Initialization",
    "Loss",
    "OutputFunction",
    "Regularization",
    "analysis_of",
]

Analysis: TypeAlias = Literal["Classification", "Regression", "Multiclass"]
Loss: TypeAlias = Literal["C", "R", "S"]
OutputFunction: TypeAlias = Literal["I", "S", "M"]
Initialization: TypeAlias = Literal["G", "U", "I", "Z", "X", "F"]
Regularization: TypeAlias = Literal["0", "1", "2"]

ANALYSES: tuple[Analysis, ...] = get_args(Analysis)
"""What can be learned."""

LOSSES: dict[str, Loss] = {"SUMOFSQUARES": "R", "CROSSENTROPY": "C", "MUTUALEXCLUSIVE": "S"}
"""By ErrorStrategy."""

INITIALIZATIONS: dict[str, Initialization] = {
    "GAUSS": "G",
    "UNIFORM": "U",
    "IDENTITY": "I",
    "ZERO": "Z",
    "XAVIER": "X",
    "XAVIERUNIFORM": "F",
}
"""By WeightInitialization."""

REGULARIZATIONS: dict[str, Regularization] = {"NONE": "0", "L1": "1", "L2": "2"}
"""By Regularization."""

OPTIMIZERS = ("SGD", "ADAM", "ADAGRAD", "RMSPROP", "ADADELTA")

ACTIVATIONS = ("LINEAR", "RELU", "SIGMOID", "TANH", "SYMMRELU", "SOFTSIGN", "GAUSS", "FTANH")
"""Names of the activation functions; the index is TMVA's number for them in the weight file."""

OUTPUT_FUNCTIONS: dict[Analysis, OutputFunction] = {"Classification": "S", "Regression": "I", "Multiclass": "M"}
"""What TMVA makes of the raw outputs in each analysis."""


def analysis_of(text: str) -> Analysis:
    """The analysis of this name, in whatever case.

    Raises
    ------
    OptionError
        If there is none.
    """
    for kind in ANALYSES:
        if kind.lower() == text.lower():
            return kind
    raise OptionError(f"unknown analysis {text!r}; choose one of {', '.join(ANALYSES).lower()}")
