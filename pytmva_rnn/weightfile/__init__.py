"""TMVA's weight file: reading it into a `Model` and writing a `Model` in TMVA's own form."""

from __future__ import annotations

from pytmva_rnn.weightfile.reader import read_weights
from pytmva_rnn.weightfile.writer import write_weights

__all__ = ["read_weights", "write_weights"]
