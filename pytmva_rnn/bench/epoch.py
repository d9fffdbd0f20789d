"""Whole epochs through the public API, beside the bare kernels."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from pytmva_rnn.bench.cases import Problem
from pytmva_rnn.bench.contestants import Ours
from pytmva_rnn.bench.measure import Task, interleave, ratio, repeated
from pytmva_rnn.training import train

__all__ = ["EPOCH_GOAL", "Epochs", "measure_epochs"]

EPOCH_GOAL = 0.85
"""Part of the kernels' rate that the project means to keep."""

_EPOCHS = 4


@dataclass(frozen=True)
class Epochs:
    """Training events a second, and what remains of the kernels' rate.

    Attributes
    ----------
    layer : str
    events : int
        Training events of an epoch; a quarter of them more validate.
    threads : int
        The number with which `train` is faster.
    rate : float
        Events a second through `pytmva_rnn.train`: checks, initial weights, shuffling, steps, validation, history.
    kernel_rate : float
        Of training steps alone, always on the same batch.
    kept : float
        Median of `rate / kernel_rate` within a round.
    kept_with_validation : float
        The same with the kernels computing the losses of the validation sample as well.
    """

    layer: str
    events: int
    threads: int
    rate: float
    kernel_rate: float
    kept: float
    kept_with_validation: float


def measure_epochs(problem: Problem, threads: list[int], rounds: int, batches: int) -> Epochs:
    """Time whole epochs of `train` with `batches` training batches, and as many steps of the kernels, in turns."""
    found = [_measure(problem, count, rounds, batches) for count in threads]
    return max(found, key=lambda epochs: epochs.rate)


def _measure(problem: Problem, threads: int, rounds: int, batches: int) -> Epochs:
    size, tested = problem.case.batch, batches // 4
    random = np.random.default_rng(2)
    n = (batches + tested) * size
    X = random.standard_normal((n, problem.case.steps, problem.case.inputs), dtype=np.float32)
    y = (np.arange(n) % 2).astype(np.float32)
    # the names of 300 variables are no part of an epoch
    variables = problem.model.variables
    phase = replace(
        problem.options.training_strategy[0], max_epochs=_EPOCHS, test_repetitions=1, convergence_steps=_EPOCHS
    )
    validation = type(problem.options.validation_size)(tested * size)
    options = replace(problem.options, training_strategy=(phase,), validation_size=validation, random_seed=1)

    ours = Ours(problem, threads)
    step = ours.call("train")
    weights = np.ones(size, np.float32)

    def steps() -> None:
        for _ in range(_EPOCHS * batches):
            step()

    def steps_and_validation() -> None:
        steps()
        for _ in range((_EPOCHS + 1) * tested):
            ours.engine.loss(problem.X, problem.y, weights)

    with _quiet():
        timings = interleave(
            [
                Task("train", threads, repeated(lambda: train(X, y, options, variables=variables, threads=threads))),
                Task("steps", threads, repeated(steps)),
                Task("steps and validation", threads, repeated(steps_and_validation)),
            ],
            rounds,
            0.0,
        )
    whole, alone, both = timings
    trained = _EPOCHS * batches * size
    return Epochs(
        problem.layer,
        batches * size,
        threads,
        trained / whole.seconds,
        trained / alone.seconds,
        ratio(alone, whole),
        ratio(both, whole),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the table of each training."""
    log = logging.getLogger("pytmva_rnn")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
