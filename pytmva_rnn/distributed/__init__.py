"""Work on several processes and machines, with the executors that there are."""

from __future__ import annotations

from pytmva_rnn.distributed.scored_files import ScoredFile, ScoredFiles
from pytmva_rnn.distributed.scoring_of_files import score_files

__all__ = ["ScoredFile", "ScoredFiles", "score_files"]
