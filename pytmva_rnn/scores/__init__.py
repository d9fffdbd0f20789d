"""The scores of events: read and computed in one way, as a table, as branches of a tree, in a ROOT file."""

from __future__ import annotations

from pytmva_rnn.scores.branch_names import branch_names
from pytmva_rnn.scores.score_table import score
from pytmva_rnn.scores.scored_events import ScoredEvents, Scoring

__all__ = ["ScoredEvents", "Scoring", "branch_names", "score"]
