"""TMVA's own vocabulary: a script for PyROOT's TMVA runs when its import is changed.

>>> from pytmva_rnn import tmva as TMVA
>>> loader = TMVA.DataLoader("dataset")
>>> loader.AddVariablesArray("vars_time0", 30)
>>> loader.GetDataSetInfo().GetNVariables()
30

Names, arguments and options are TMVA's; pages about `TMVA::Factory`, `TMVA::DataLoader` and `TMVA::Reader` describe
them. Trees are those of uproot or PyROOT, `"file.root:tree"`, or mappings of names to arrays. Methods are those of
`Types.kDL`. What TMVA has and this has not is refused by an error that says what to use instead.
"""

from __future__ import annotations

from typing import Any

from pytmva_rnn.errors import UnavailableError
from pytmva_rnn.tmva import experimental as Experimental
from pytmva_rnn.tmva.crossvalidation import CrossValidation
from pytmva_rnn.tmva.crossvalidation_result import CrossValidationResult
from pytmva_rnn.tmva.dataloader import DataLoader
from pytmva_rnn.tmva.enums import Types, VIType
from pytmva_rnn.tmva.factory import Factory
from pytmva_rnn.tmva.instead import explanation
from pytmva_rnn.tmva.kfolds import CvSplitKFolds
from pytmva_rnn.tmva.reader import Reader
from pytmva_rnn.tmva.settings import Config, PyMethodBase, Tools, gConfig

__all__ = [
    "Config",
    "CrossValidation",
    "CrossValidationResult",
    "CvSplitKFolds",
    "DataLoader",
    "Experimental",
    "Factory",
    "PyMethodBase",
    "Reader",
    "Tools",
    "Types",
    "VIType",
    "gConfig",
    "kAll",
    "kRandom",
    "kShort",
]

kShort, kAll, kRandom = VIType


def __getattr__(name: str) -> Any:
    """Say of the rest of TMVA what to use instead."""
    if name.startswith("_"):
        raise AttributeError(f"module 'pytmva_rnn.tmva' has no attribute {name!r}")
    raise UnavailableError(explanation("tmva", name, __all__))
