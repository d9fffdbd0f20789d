"""Whole epochs through the public API, beside the bare kernels."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from bench.cases import CaseData
from bench.contestants import Ours
from bench.measure import Task, best, interleave, ratio, repeated
from bench.patience import Patience
from pytmva_rnn.training import train

__all__ = ["EPOCH_GOAL", "Epochs", "measure_epochs"]

EPOCH_GOAL = 0.85
"""Part of the kernels' rate that the project means to keep."""

_EPOCHS = 20  # of a usual training, so that what comes before the first counts as it does there


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


def measure_epochs(
    problem: CaseData, threads: Sequence[int], rounds: int, batches: int, patience: Patience | None = None
) -> Epochs | None:
    """Time whole epochs of `train` with `batches` training batches, and as many steps of the kernels, in turns.

    Each side counts at its better number of threads. None where `patience` stops one of them altogether.
    """
    size, tested = problem.case.batch, max(1, batches // 4)
    n = (batches + tested) * size
    X = np.random.default_rng(2).standard_normal((n, *problem.X.shape[1:]), dtype=np.float32)
    y = (np.arange(n) % 2).astype(np.float32)
    phase = replace(
        problem.options.training_strategy[0], max_epochs=_EPOCHS, test_repetitions=1, convergence_steps=_EPOCHS
    )
    validation = replace(problem.options.validation_size, value=tested * size, percent=False)
    options = replace(problem.options, training_strategy=(phase,), validation_size=validation, random_seed=1)

    def training(count: int) -> Callable[[], object]:
        # with names given, as making them is no part of an epoch
        return lambda: train(X, y, options, variables=problem.model.variables, threads=count)

    names = ("train", "steps", "steps and validation")
    tasks = []
    for count in threads:
        steps = _kernels(problem, count, _EPOCHS * batches, 0)
        both = _kernels(problem, count, _EPOCHS * batches, (_EPOCHS + 1) * tested)
        for name, call in zip(names, (training(count), steps, both), strict=True):
            tasks.append(Task(name, count, repeated(call)))
    with _quiet():
        timings = interleave(tasks, rounds, 0.0, patience)
    if {timing.contestant for timing in timings} != set(names):
        return None
    whole, alone, validated = (best(timings, name) for name in names)
    trained = _EPOCHS * batches * size
    return Epochs(
        problem.layer,
        batches * size,
        whole.threads,
        trained / whole.seconds,
        trained / alone.seconds,
        ratio(alone, whole),
        ratio(validated, whole),
    )


def _kernels(problem: CaseData, threads: int, steps: int, losses: int) -> Callable[[], None]:
    """Training steps and losses of batches with nothing around them."""
    ours = Ours(problem, threads)
    step, weights = ours.call("train"), np.ones(len(problem.X), np.float32)

    def call() -> None:
        for _ in range(steps):
            step()
        for _ in range(losses):
            ours.engine.loss(problem.X, problem.y, weights)

    return call


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
