"""One language of formulas, with ROOT's meaning: what a selection, a weight or an input may say."""

from __future__ import annotations

from pytmva_rnn.formula.event_columns import Columns
from pytmva_rnn.formula.formula import Formula
from pytmva_rnn.formula.sources_of_events import evaluate

__all__ = ["Columns", "Formula", "evaluate"]
