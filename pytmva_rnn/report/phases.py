"""The history of a training, phase by phase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from pytmva_rnn.description import Description, HistoryRow
from pytmva_rnn.errors import OptionError
from pytmva_rnn.options import TrainingPhase, parse_options

__all__ = ["PhaseSummary", "phase_summaries"]


@dataclass(frozen=True)
class PhaseSummary:
    """One phase of a training.

    Attributes
    ----------
    number : int
        From 1.
    settings : str
        Optimizer, learning rate, batch size ...; empty where the weight file does not tell.
    epochs : int
        Until the last test of the validation sample.
    first_error, last_error : float
        Validation error at the first and the last test.
    best_error : float
        The lowest.
    best_epoch : int
        Of the phase.
    training_error : float
        At the best epoch.
    """

    number: int
    settings: str
    epochs: int
    first_error: float
    last_error: float
    best_error: float
    best_epoch: int
    training_error: float


def phase_summaries(model: Description, history: Sequence[HistoryRow]) -> tuple[PhaseSummary, ...]:
    """Of each phase that the history has a row of."""
    phases = _phases(model)
    found = []
    for number, group in groupby(history, key=lambda row: row.phase):
        rows = list(group)
        best = min(rows, key=lambda row: row.validation_error)
        found.append(
            PhaseSummary(
                number,
                _settings(phases[number - 1]) if number <= len(phases) else "",
                rows[-1].epoch,
                rows[0].validation_error,
                rows[-1].validation_error,
                best.validation_error,
                best.epoch,
                best.training_error,
            )
        )
    return tuple(found)


def _phases(model: Description) -> tuple[TrainingPhase, ...]:
    text = next((option.value for option in model.options if option.name == "TrainingStrategy"), None)
    try:
        return () if text is None else parse_options({"TrainingStrategy": text}).training_strategy
    except OptionError:  # of a file of other makers; the report is not to fail for it
        return ()


def _settings(phase: TrainingPhase) -> str:
    words = [f"{phase.optimizer}, learning rate {phase.learning_rate:g}, batches of {phase.batch_size}"]
    if phase.optimizer == "SGD" and phase.momentum:
        words.append(f"momentum {phase.momentum:g}")
    if phase.regularization != "NONE" and phase.weight_decay:
        words.append(f"{phase.regularization} with {phase.weight_decay:g}")
    if any(phase.drop_config):
        words.append(f"dropout {', '.join(f'{p:g}' for p in phase.drop_config)}")
    return ", ".join(words)
