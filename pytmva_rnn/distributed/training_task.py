"""One training of several, as a worker makes it: events and options in, a weight file or a network and numbers out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from pytmva_rnn.config import Configuration
from pytmva_rnn.data import Dataset, Division, divide
from pytmva_rnn.data.event_digest import digest_of_events
from pytmva_rnn.description.history import running_epochs
from pytmva_rnn.errors import DataError, TMVAError, TrainingError, first_line
from pytmva_rnn.files import digest_of
from pytmva_rnn.interruption import Held, raise_interruption, signal_number
from pytmva_rnn.model import Model
from pytmva_rnn.options import MethodOptions, SplitOptions
from pytmva_rnn.report.performance import Performance, evaluate
from pytmva_rnn.training import Checkpoint, Result, train
from pytmva_rnn.weightfile import write_weights

__all__ = ["Events", "Outcome", "TrainingTask", "fingerprint_of", "load_events", "measures", "run_task"]

Events: TypeAlias = Configuration | Dataset | Division
"""What trainings can be made of: a configuration, whose files each worker reads, events, or events that are divided."""

FAILED = 1
"""Exit code of a training that ends with an error."""


@dataclass(frozen=True, eq=False)
class TrainingTask:
    """All that a worker needs to know, as what can be sent to another process or machine.

    Attributes
    ----------
    name : str
    events : Configuration, Dataset or Division
    fingerprint : str
        What the events must be, since all trainings are to be of the same.
    split : SplitOptions
        How they are divided.
    options : MethodOptions
    title : str
    backend : str, optional
    threads : int, optional
    weights : Path, optional
        The weight file to write; without one the network comes back.
    scalar_elements : bool
        As for `pytmva_rnn.write_weights`.
    checkpoint : Checkpoint, optional
        Where its state is kept.
    resume : bool
        Go on from there, where it is.
    also : callable of the result and the samples, optional
        Writes what else is wanted of the training.
    """

    name: str
    events: Events
    fingerprint: str
    split: SplitOptions
    options: MethodOptions
    title: str = "DL"
    backend: str | None = None
    threads: int | None = None
    weights: Path | None = None
    scalar_elements: bool = False
    checkpoint: Checkpoint | None = None
    resume: bool = False
    also: Callable[[Result, Division], object] | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What comes back from a worker.

    Attributes
    ----------
    name : str
    error : str
        Why there is nothing else; empty if all went well.
    exit_code : int
        What a program would have returned that ended so.
    sha256 : str
        Of the weight file.
    model : Model, optional
        Where no weight file was asked for.
    numbers : mapping of str -> float
        Measures of the training: `validation error`, `epochs`, `seconds`.
    test, training : mapping of str -> float
        Measures on these samples; see `measures`.
    warnings : tuple of str
    """

    name: str
    error: str = ""
    exit_code: int = 0
    sha256: str = ""
    model: Model | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    test: Mapping[str, float] = field(default_factory=dict)
    training: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def run_task(task: TrainingTask, attempt: int = 1) -> Outcome:
    """Make one training; what goes wrong is told, not raised, since not every error can be sent.

    A training that fails would fail again: of several attempts there is one.
    """
    with _warnings() as heard:
        try:
            found = _trained(task)
        except (TMVAError, OSError) as error:
            found = Outcome(task.name, first_line(error), FAILED)
        except KeyboardInterrupt as error:
            found = Outcome(task.name, "interrupted", 128 + signal_number(error))
        except Exception as error:
            found = Outcome(task.name, f"{type(error).__name__}: {first_line(error)}", FAILED)
    return replace(found, warnings=tuple(heard))


def load_events(events: Events) -> Dataset | Division:
    """The events themselves: those of a configuration are read now."""
    return events.load() if isinstance(events, Configuration) else events


def fingerprint_of(events: Dataset | Division) -> str:
    """What tells events from others, also those that are divided already."""
    if isinstance(events, Dataset):
        return digest_of_events(events)
    samples = (events.training, events.validation, events.test)
    return " ".join(digest_of_events(sample) for sample in samples if sample is not None)


def _trained(task: TrainingTask) -> Outcome:
    events = load_events(task.events)
    if fingerprint_of(events) != task.fingerprint:
        raise DataError("the events are not those that the trainings began with: files were changed meanwhile")
    parts = divide(events, task.split) if isinstance(events, Dataset) else events
    with Held():  # a signal between the last batch and the last byte of the weights would cost the training
        result = _result(task, parts)
        if not result.interrupted and result.improved and task.weights is not None:
            write_weights(result.model, task.weights, scalar_elements=task.scalar_elements)
    if result.interrupted:
        raise_interruption(result.interrupted)
    if not result.improved:
        raise TrainingError("no epoch was better than the start: try a smaller LearningRate or more epochs")
    if task.also is not None:
        task.also(result, parts)
    backend = task.backend or "cpu"
    best = min(row.validation_error for row in result.history)
    numbers = {"validation error": best, "epochs": running_epochs(result.history)[-1], "seconds": result.training_time}
    return Outcome(
        task.name,
        sha256="" if task.weights is None else digest_of(task.weights),
        model=result.model if task.weights is None else None,
        numbers=numbers,
        test=measures(evaluate(result.model, parts.test, backend=backend)),
        training=measures(evaluate(result.model, parts.training, backend=backend)),
    )


def _result(task: TrainingTask, parts: Division) -> Result:
    """The training itself; a configuration says more of it than the options."""
    given: dict[str, Any] = {"backend": task.backend, "threads": task.threads, "progress": False}
    given |= {"checkpoint": task.checkpoint, "resume": task.resume}
    if isinstance(task.events, Configuration):
        config = replace(task.events.with_options(task.options), checkpoint=None)  # the task has its own, or none
        return config.train(parts.training, parts.validation, **given)
    return train(parts.training, task.options, validation=parts.validation, title=task.title, **given)


def measures(performance: Performance) -> dict[str, float]:
    """The numbers by which trainings are compared: ROC integrals of a classification, bias and RMS of a regression."""
    several = len(performance.separations) > 1
    found = {f"ROC integral{f' {row.name}' if several else ''}": row.roc_integral for row in performance.separations}
    for row in performance.deviations:
        found |= {f"bias {row.name}": row.bias, f"RMS {row.name}": row.rms}
    return found


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """What is warned of in this thread meanwhile, which is told where the trainings were asked for."""
    heard: list[str] = []
    thread = threading.get_ident()

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread:
                heard.append(self.format(record))

    handler = Heard(logging.WARNING)
    logger = logging.getLogger("pytmva_rnn")
    logger.addHandler(handler)
    try:
        yield heard
    finally:
        logger.removeHandler(handler)
