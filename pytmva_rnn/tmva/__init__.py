"""TMVA's own vocabulary: a script for PyROOT's TMVA runs when its import is changed.

>>> from pytmva_rnn import tmva as TMVA
>>> loader = TMVA.DataLoader("dataset")
>>> loader.AddVariablesArray("vars_time0", 30)
>>> loader.GetDataSetInfo().GetNVariables()
30

Names, arguments and options are TMVA's; pages about `TMVA::Factory`, `TMVA::DataLoader` and `TMVA::Reader` describe
them. Trees are those of uproot or PyROOT, `"file.root:tree"`, or mappings of names to arrays. Methods are those of
`Types.kDL`.
"""

from __future__ import annotations

from typing import Any

from pytmva_rnn.tmva.dataloader import DataLoader
from pytmva_rnn.tmva.enums import Types
from pytmva_rnn.tmva.factory import Factory
from pytmva_rnn.tmva.reader import Reader
from pytmva_rnn.tmva.settings import Config, PyMethodBase, Tools, gConfig

__all__ = ["Config", "DataLoader", "Factory", "PyMethodBase", "Reader", "Tools", "Types", "gConfig"]


def __getattr__(name: str) -> Any:
    """Say of the rest of TMVA that it is not here."""
    raise AttributeError(f"pytmva_rnn.tmva has no {name!r}; of TMVA there are: {', '.join(__all__)}")
