"""TMVA's enumerations, under the names that scripts use: `Types.kDL`, `Types.kTraining`."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from pytmva_rnn.errors import OptionError
from pytmva_rnn.tmva.explained import ExplainedType

__all__ = ["Types", "VIType", "check_method_type"]


class EMVA(IntEnum):
    """Types of methods."""

    kVariable = 0
    kCuts = 1
    kLikelihood = 2
    kPDERS = 3
    kHMatrix = 4
    kFisher = 5
    kKNN = 6
    kCFMlpANN = 7
    kTMlpANN = 8
    kBDT = 9
    kDT = 10
    kRuleFit = 11
    kSVM = 12
    kMLP = 13
    kBayesClassifier = 14
    kFDA = 15
    kBoost = 16
    kPDEFoam = 17
    kLD = 18
    kPlugins = 19
    kCategory = 20
    kDNN = 21
    kDL = 22
    kPyRandomForest = 23
    kPyAdaBoost = 24
    kPyGTB = 25
    kPyKeras = 26
    kPyTorch = 27
    kC50 = 28
    kRSNNS = 29
    kRSVM = 30
    kRXGB = 31
    kCrossValidation = 32
    kMaxMethod = 33


class EAnalysisType(IntEnum):
    """What is to be learned."""

    kClassification = 0
    kRegression = 1
    kMulticlass = 2
    kNoAnalysisType = 3
    kMaxAnalysisType = 4


class ETreeType(IntEnum):
    """Samples; kMaxTreeType is for events that the split may put into either."""

    kTraining = 0
    kTesting = 1
    kMaxTreeType = 2
    kValidation = 3
    kTrainingOriginal = 4


class ESBType(IntEnum):
    """Signal and background."""

    kSignal = 0
    kBackground = 1
    kSBBoth = 2
    kMaxSBType = 3
    kTrueType = 4


class VIType(IntEnum):
    """How `Factory.EvaluateImportance` chooses sets of variables."""

    kShort = 0
    kAll = 1
    kRandom = 2


class Types(metaclass=ExplainedType):
    """Home of TMVA's enumerations, as in C++: both `Types.kDL` and `Types.EMVA.kDL`."""

    EMVA = EMVA
    EAnalysisType = EAnalysisType
    ETreeType = ETreeType
    ESBType = ESBType

    @staticmethod
    def Instance() -> type[Types]:
        """The class itself, for `Types.Instance().GetMethodName(...)`."""
        return Types

    @staticmethod
    def GetMethodName(method: int) -> str:
        """Name of a type of method: `DL`."""
        return EMVA(method).name.removeprefix("k")

    @staticmethod
    def GetMethodType(method: Any) -> int:
        """Type of a method of this name."""
        found = EMVA.__members__.get(f"k{method}")
        if found is None:
            raise OptionError(f"TMVA has no type of method {str(method)!r}")
        return found


for _enumeration in (EMVA, EAnalysisType, ETreeType, ESBType):
    for _member in _enumeration:
        setattr(Types, _member.name, _member)


def check_method_type(kind: Any) -> None:
    """Refuse every type of method but `Types.kDL`, which may also be called "DL".

    Raises
    ------
    OptionError
        Naming the type and what to do.
    """
    name = kind.name if isinstance(kind, EMVA) else EMVA(kind).name if kind in EMVA.__members__.values() else str(kind)
    if name.removeprefix("k") != "DL":
        raise OptionError(
            f"methods of the type {name} are not part of pytmva_rnn, which has TMVA's deep networks only: book "
            "Types.kDL, or this method with ROOT's own TMVA"
        )
