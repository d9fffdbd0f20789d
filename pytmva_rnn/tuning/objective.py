"""One trial of a search: a training, or one of each fold, and how good it is. This is what runs on workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from pytmva_rnn.config import Configuration, TuneConfig
from pytmva_rnn.data import Dataset, Division, kfold
from pytmva_rnn.data.entry_units import units_of
from pytmva_rnn.data.sampling import FREE
from pytmva_rnn.description import HistoryRow, running_epochs
from pytmva_rnn.errors import TrainingError
from pytmva_rnn.interruption import raise_interruption
from pytmva_rnn.options import MethodOptions
from pytmva_rnn.report import ScoredSample, deviation, roc_integral
from pytmva_rnn.training import Result, train
from pytmva_rnn.tuning.search_space import WITHOUT_EFFECT, checked_configuration

__all__ = ["Job", "Report", "TrialValue", "evaluate_job", "longest_training"]

Report: TypeAlias = Callable[[float, int], None]
"""Takes the lowest validation error so far and the number of epochs; raises what ends the trial."""

Pair: TypeAlias = tuple[Dataset, Dataset | None]
"""Events to train with, and those that validate if they are a sample of their own."""


@dataclass(frozen=True)
class Job:
    """What a worker needs to run a trial; small, and made of plain data.

    Attributes
    ----------
    path : Path
        Of the configuration file.
    tables : mapping
        Of the trial.
    tuning : TuneConfig
    fold_steps : int
        Epochs that a fold can have at most.
    backend, threads
        As for `pytmva_rnn.train`.
    """

    path: Path
    tables: Mapping[str, Any]
    tuning: TuneConfig
    fold_steps: int
    backend: str | None = None
    threads: int | None = None


@dataclass(frozen=True)
class TrialValue:
    """How good a trial is.

    Attributes
    ----------
    value : float
        The smaller, the better: the metric, or 1 minus a ROC integral; the mean of all folds.
    parts : tuple of float
        Of each fold.
    epochs : int
        Of all trainings.
    seconds : float
        That they took.
    """

    value: float
    parts: tuple[float, ...]
    epochs: int
    seconds: float


def longest_training(options: MethodOptions) -> int:
    """Epochs that a training has at most."""
    return sum(phase.max_epochs for phase in options.training_strategy)


def evaluate_job(job: Job, report: Report) -> TrialValue:
    """Train and evaluate.

    Raises
    ------
    TMVAError
        What is wrong with a trial's options.
    KeyboardInterrupt
        If a signal has ended a training.
    """
    config = checked_configuration(job.path, job.tables, job.tuning.seed)
    options = config.method.options
    if job.tuning.folds is not None:  # they validate
        options = replace(options, text={key: text for key, text in options.text.items() if key != "ValidationSize"})
    values: list[float] = []
    lowest_of_folds: list[float] = []
    epochs, seconds = 0, 0.0
    for number, (training, validation) in enumerate(_samples(job, config)):
        seen: list[HistoryRow] = []

        def on_epoch(row: HistoryRow, seen: list[HistoryRow] = seen, start: int = number * job.fold_steps) -> None:
            seen.append(row)
            lowest = min(each.validation_error for each in seen)
            report(float(np.mean([*lowest_of_folds, lowest])), start + running_epochs(seen)[-1])

        result = train(
            training,
            options,
            validation=validation,
            title=config.method.title,
            backend=job.backend,
            threads=job.threads,
            progress=False,
            additions=config.additions,
            on_epoch=on_epoch,
        )
        if result.interrupted:
            raise_interruption(result.interrupted)
        lowest_of_folds.append(_lowest_error(result))
        values.append(_value(job, result, validation))
        epochs += running_epochs(result.history)[-1] if result.history else 0
        seconds += result.training_time
    return TrialValue(float(np.mean(values)), tuple(values), epochs, seconds)


_read: dict[str, Division] = {}
"""The samples of the last trial in this process: most searches leave alone what is read."""


def _samples(job: Job, config: Configuration) -> Iterator[Pair]:
    """What is trained and validated with, read anew only where a trial changes what is read."""
    of_events = {key: table for key, table in job.tables.items() if key not in ("method", *WITHOUT_EFFECT)}
    key = json.dumps([str(job.path), of_events], default=str)
    if key not in _read:
        _read.clear()
        _read[key] = config.divide()
    parts = _read[key]
    if job.tuning.folds is None:
        yield parts.training, parts.validation
        return
    events = replace(parts.training, sample=np.full(len(parts.training), FREE))
    plain = replace(
        config.split, nTrain={}, nTest={}, TrainTestSplit={}, ScaleWithPreselEff=False, test=None, validation=None
    )
    yield from kfold(events, job.tuning.folds, by=units_of(events), options=plain)


def _lowest_error(result: Result) -> float:
    """Of the weights that were kept."""
    lowest = min([row.validation_error for row in result.history if np.isfinite(row.validation_error)], default=np.nan)
    return float(lowest if result.improved else result.initial_validation_error)


def _value(job: Job, result: Result, validation: Dataset | None) -> float:
    metric = job.tuning.metric
    if metric == "validation_error":
        value = _lowest_error(result)
    else:
        assert validation is not None  # which was checked before anything ran
        scores = result.model.predict(validation, backend=job.backend or "cpu")
        weights = validation.comparable_weights
        sample = ScoredSample(scores, weights, validation.class_index, validation.target_values)
        value = _distance(sample) if metric == "rms" else 1 - _area(sample, len(validation.classes))
    if not np.isfinite(value):
        raise TrainingError(f"the {metric} is {value}")
    return float(value)


def _area(sample: ScoredSample, classes: int) -> float:
    """The ROC integral, of several classes the mean of each against the rest."""
    numbers = range(1 if classes == 2 else classes)
    return float(np.mean([roc_integral(*sample.one_against_rest(number), sample.weights) for number in numbers]))


def _distance(sample: ScoredSample) -> float:
    """Root of the mean square of prediction - target, in spreads of the target; of several targets their mean."""
    bias, rms = deviation(sample.target_values, sample.scores, sample.weights)
    _, spread = deviation(np.zeros_like(sample.target_values), sample.target_values, sample.weights)
    return float(np.mean(np.sqrt(bias**2 + rms**2) / spread))
