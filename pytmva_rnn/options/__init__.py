"""TMVA's option strings as frozen dataclasses, and back."""

from __future__ import annotations

from pytmva_rnn.options.method import MethodOptions, ValidationSize, parse_options
from pytmva_rnn.options.split import SplitOptions
from pytmva_rnn.options.strategy import TrainingPhase, parse_strategy

__all__ = ["MethodOptions", "SplitOptions", "TrainingPhase", "ValidationSize", "parse_options", "parse_strategy"]
