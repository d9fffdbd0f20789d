"""The error of the validation sample, by which weights are kept, and whether it has a lowest value at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.sums_of_weights import REMEDY
from pytmva_rnn.errors import TrainingError
from pytmva_rnn.kernels import Engine, WholeSamples
from pytmva_rnn.training.problem import Problem
from pytmva_rnn.training.ranks import Ranks
from pytmva_rnn.training.training_events import Events

__all__ = ["check_bounded", "lowest_possible", "validation_error"]


def validation_error(
    engine: Engine, sample: Events, size: int, ranks: Ranks, weights: NDArray[np.float32] | None = None
) -> float:
    """Mean loss of a sample's whole batches, each with the penalty, and the penalty once more.

    Parameters
    ----------
    engine : Engine
    sample : Events
    size : int
        Events of a batch.
    ranks : Ranks
        Processes that each have a part of the sample.
    weights : (n,), optional
        In place of the sample's own.
    """
    weights = sample.w if weights is None else weights
    if isinstance(engine, WholeSamples):
        losses = [engine.mean_loss(sample.X, sample.y, weights, size)]
    else:
        losses = [
            engine.loss(sample.X[k : k + size], sample.y[k : k + size], weights[k : k + size])
            for k in range(0, len(sample) // size * size, size)
        ]
    return ranks.mean(losses) + 2 * engine.penalty()


def lowest_possible(engine: Engine, problem: Problem, size: int, ranks: Ranks) -> float:
    """An error that no training reaches whose loss has a minimum; with negative weights it may have none."""
    sample = problem.validation
    if not ranks.some(bool((sample.w < 0).any() or (problem.training.w < 0).any())):
        return -np.inf
    return -10 * validation_error(engine, sample, size, ranks, np.abs(sample.w))


def check_bounded(error: float, floor: float, phase: int, epoch: int) -> None:
    """Refuse a loss that runs to minus infinity.

    Raises
    ------
    TrainingError
        If the error is below what `lowest_possible` told.
    """
    if error == -np.inf or error < floor:
        raise TrainingError(
            f"the loss runs to minus infinity ({error:.4g} in epoch {epoch} of phase {phase}), since somewhere "
            f"negative weights outweigh the others; {REMEDY}"
        )
