"""TMVA's weight file: reading it into a `Description` and writing one in TMVA's own form."""

from __future__ import annotations

from pytmva_rnn.weightfile.reading import read_description
from pytmva_rnn.weightfile.writing import write_weights

__all__ = ["read_description", "write_weights"]
