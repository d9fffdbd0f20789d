"""The PyROOT bridge: networks in RDataFrame, ROOT data in training, and where ROOT has TMVA, ours beside and in it."""

from __future__ import annotations

from pytmva_rnn.pyroot.beside import Comparison, Registered, compare_with_tmva, register
from pytmva_rnn.pyroot.frames import define
from pytmva_rnn.pyroot.plugin import install, plugin_header
from pytmva_rnn.pyroot.to_arrays import to_arrays, train

__all__ = [
    "Comparison",
    "Registered",
    "compare_with_tmva",
    "define",
    "install",
    "plugin_header",
    "register",
    "to_arrays",
    "train",
]
