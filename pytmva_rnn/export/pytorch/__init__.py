"""PyTorch: a network as a module of it, and a module, a state dict or a file of one as a network."""

from __future__ import annotations

from pytmva_rnn.export.pytorch.candidate_bias import freeze_candidate_bias
from pytmva_rnn.export.pytorch.torch_reading import from_torch
from pytmva_rnn.export.pytorch.torch_writing import save_torch, to_torch

__all__ = ["freeze_candidate_bias", "from_torch", "save_torch", "to_torch"]
