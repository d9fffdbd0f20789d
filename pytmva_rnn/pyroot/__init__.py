"""The PyROOT bridge: networks in RDataFrame, ROOT data in training, and C++ TMVA beside ours where ROOT has it."""

from __future__ import annotations

from pytmva_rnn.pyroot.beside import Comparison, Registered, compare_with_tmva, register
from pytmva_rnn.pyroot.frames import define
from pytmva_rnn.pyroot.to_arrays import to_arrays, train

__all__ = ["Comparison", "Registered", "compare_with_tmva", "define", "register", "to_arrays", "train"]
