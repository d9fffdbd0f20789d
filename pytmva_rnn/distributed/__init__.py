"""Work on several processes and machines, with the executors that there are."""

from __future__ import annotations

from pytmva_rnn.distributed.scored_files import ScoredFile, ScoredFiles
from pytmva_rnn.distributed.scoring_of_files import RETRIES, score_files
from pytmva_rnn.distributed.several_trainings import train_many
from pytmva_rnn.distributed.trainings import FailedTraining, Spread, Training, Trainings
from pytmva_rnn.distributed.variations import Variation, vary

__all__ = [
    "RETRIES",
    "FailedTraining",
    "ScoredFile",
    "ScoredFiles",
    "Spread",
    "Training",
    "Trainings",
    "Variation",
    "score_files",
    "train_many",
    "vary",
]
