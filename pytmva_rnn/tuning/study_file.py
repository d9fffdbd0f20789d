"""The study of Optuna in its SQLite file: opened, gone on with, and asked what its trials were."""

from __future__ import annotations

import json
import logging
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pytmva_rnn import extras
from pytmva_rnn.config import TuneConfig
from pytmva_rnn.config.tune_table import Choices, Range
from pytmva_rnn.errors import ConfigError, OutputError
from pytmva_rnn.tuning.search_space import Drawn, SearchSpace

__all__ = ["StudyFile", "TrialRow", "quiet"]

optuna: Any = extras.optuna()

_NAME = "pytmva_rnn"
_CONFIGURATION = "configuration"
_ERROR, _EVALUATION, _INTERRUPTED = "error", "evaluation", "interrupted"
_FOR_IMPORTANCE = 20
"""Complete trials, of fewer of which nobody can tell what matters."""
_BEGINNING = b"SQLite format 3\0"
_WAIT = 120
"""Seconds to wait for another process that writes to the file."""
_WORDS = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
"""Of Optuna's states; others are unfinished."""


@contextmanager
def quiet() -> Iterator[None]:
    """Without Optuna's own lines for each trial, and its warnings of what is experimental."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            yield
        finally:
            optuna.logging.set_verbosity(before)


@dataclass(frozen=True)
class TrialRow:
    """What became of a trial.

    Attributes
    ----------
    number : int
    state : "complete", "pruned", "failed", "interrupted" or "unfinished"
    value : float, optional
        What the search minimises; of complete ones.
    drawn : mapping of name -> number, or index of a choice
    parts : tuple of float
        The value of each fold.
    epochs : int
    seconds : float
    error : str
        Of a failed one.
    errors : mapping of epoch -> float
        Lowest validation error so far.
    """

    number: int
    state: str
    value: float | None
    drawn: Mapping[str, Any]
    parts: tuple[float, ...] = ()
    epochs: int = 0
    seconds: float = 0.0
    error: str = ""
    errors: Mapping[int, float] | None = None


class StudyFile:
    """A study in a file.

    Parameters
    ----------
    path : Path
        Made if it is not there.
    tuning : TuneConfig
    space : SearchSpace
    content : mapping
        What has to be the same in all runs of the study, as plain data.
    several : bool
        Whether trials run beside each other.

    Raises
    ------
    OutputError
        For a file that is none of SQLite.
    ConfigError
        If the study in it is of another configuration; says what differs.
    """

    def __init__(
        self, path: Path, tuning: TuneConfig, space: SearchSpace, content: Mapping[str, Any], several: bool
    ) -> None:
        self.path = path
        self._tuning = tuning
        self._space = space
        self._several = several
        self._study = self._opened(content)

    def draw(self, running: int) -> tuple[Any, Drawn, dict[tuple[str, ...], Any]]:
        """Begin a trial.

        What it draws depends on the seed and on the trials that have ended, so that a search that was interrupted goes
        on as it would have.

        Parameters
        ----------
        running : int
            Trials that have begun and not ended.

        Returns
        -------
        trial : optuna.trial.Trial
        drawn, values
            As of `SearchSpace.draw`.
        """
        self._study.sampler = self._sampler(self.ended() + running)
        trial = self._study.ask()

        def choose(name: str, entry: Range | Choices) -> Any:
            if isinstance(entry, Choices):
                return trial.suggest_categorical(name, list(range(len(entry.values))))
            if entry.is_whole:
                step = 1 if entry.step is None else int(entry.step)
                return trial.suggest_int(name, int(entry.low), int(entry.high), step=step, log=entry.log)
            return trial.suggest_float(name, entry.low, entry.high, step=entry.step, log=entry.log)

        return trial, *self._space.draw(choose)

    def ended(self) -> int:
        """How many trials have ended, those not counted that were interrupted."""
        return sum(row.state in ("complete", "pruned", "failed") for row in self.rows())

    def rows(self) -> list[TrialRow]:
        """All trials, in the order of their beginning."""
        return [_row(trial) for trial in self._study.get_trials(deepcopy=False)]

    def complete(self, trial: Any, value: float, parts: tuple[float, ...], epochs: int, seconds: float) -> None:
        """Write down how good a trial is."""
        trial.set_user_attr(_EVALUATION, {"parts": list(parts), "epochs": epochs, "seconds": seconds})
        self._study.tell(trial, value)

    def prune(self, trial: Any) -> None:
        """Write down that a trial has ended early."""
        self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)

    def fail(self, trial: Any, error: str, *, interrupted: bool = False) -> None:
        """Write down why a trial has failed, or that it was interrupted."""
        trial.set_user_attr(_ERROR, error)
        trial.set_user_attr(_INTERRUPTED, interrupted)
        self._study.tell(trial, state=optuna.trial.TrialState.FAIL)

    def reporter(self, trial: Any) -> Reporter:
        """What reports the errors of a trial, also from another process."""
        return Reporter(str(self.path), trial._trial_id, self._tuning)

    def importances(self) -> dict[str, float]:
        """How much each entry matters, the largest first; empty where that cannot be told yet."""
        complete = sum(row.state == "complete" for row in self.rows())
        if complete < _FOR_IMPORTANCE:
            return {}
        try:
            evaluator = optuna.importance.PedAnovaImportanceEvaluator()
            found = optuna.importance.get_param_importances(self._study, evaluator=evaluator)
        except (RuntimeError, ValueError):  # all of them alike
            return {}
        return {name: float(value) for name, value in found.items()}

    def close(self) -> None:
        """Leave the file to others."""
        _close(self._storage)

    def _opened(self, content: Mapping[str, Any]) -> Any:
        if self.path.exists() and not self.path.is_file():
            raise OutputError(f"the trials cannot be written to {self.path}: that is no file")
        if self.path.exists() and self.path.stat().st_size:
            with self.path.open("rb") as file:
                other = file.read(len(_BEGINNING)) != _BEGINNING
            if other or _holds_others(self.path):
                raise OutputError(f"{self.path} is there already and holds no trials; name another [tune] storage")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._storage = _storage(str(self.path))
        study = optuna.create_study(
            study_name=_NAME, storage=self._storage, pruner=_pruner(self._tuning), load_if_exists=True
        )
        plain = json.loads(json.dumps(content, default=str))
        known = study.user_attrs.get(_CONFIGURATION)
        if known is None:
            study.set_user_attr(_CONFIGURATION, plain)
        elif differing := sorted(_differences(known, plain)):
            _close(self._storage)
            raise ConfigError(
                f"the trials in {self.path} are of another configuration: {', '.join(differing[:5])} differ(s); give "
                "[tune] another storage, or remove the file"
            )
        return study

    def _sampler(self, number: int) -> Any:
        seed = int(np.random.SeedSequence([self._tuning.seed, number]).generate_state(1)[0])
        if self._tuning.sampler == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        return optuna.samplers.TPESampler(seed=seed, constant_liar=self._several)


@dataclass(frozen=True)
class Reporter:
    """Reports the errors of a trial to the study's file, and ends it early; can be sent to another process."""

    path: str
    trial_id: int
    tuning: TuneConfig

    def __call__(self, error: float, step: int) -> None:
        """Report the lowest validation error so far.

        Raises
        ------
        optuna.TrialPruned
            If other trials were better at the same step.
        """
        trial = _trial(self)
        trial.report(error, step)
        if trial.should_prune():
            raise optuna.TrialPruned


@dataclass
class _Reported:
    """The trial that this process runs: to open the file takes longer than an epoch."""

    path: str
    study: Any
    storage: Any
    trial: Any = None


_reported: list[_Reported] = []


def _trial(reporter: Reporter) -> Any:
    if not _reported or _reported[0].path != reporter.path:
        for other in _reported:
            _close(other.storage)
        storage = _storage(reporter.path, checked=True)
        sampler = optuna.samplers.RandomSampler()  # nothing is drawn any more
        study = optuna.load_study(study_name=_NAME, storage=storage, sampler=sampler)
        _reported[:] = [_Reported(reporter.path, study, storage)]
    known = _reported[0]
    if known.trial is None or known.trial._trial_id != reporter.trial_id:
        known.study.pruner = _pruner(reporter.tuning)
        known.trial = optuna.trial.Trial(known.study, reporter.trial_id)
    return known.trial


def _holds_others(path: Path) -> bool:
    """Whether a file of SQLite is of another program, into which Optuna would write its tables."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_WAIT)) as file:
            names = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        raise OutputError(f"the trials in {path} cannot be read: {error}; name another [tune] storage") from error
    return bool(names) and "studies" not in names


def _close(storage: Any) -> None:
    storage.remove_session()
    storage.engine.dispose()


def _storage(path: str, *, checked: bool = False) -> Any:
    """The file; whether this Optuna can read it is known where it is `checked` already."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return optuna.storages.RDBStorage(
        f"sqlite:///{path}",
        engine_kwargs={"connect_args": {"timeout": _WAIT}},
        skip_compatibility_check=checked,
        skip_table_creation=checked,
    )


def _pruner(tuning: TuneConfig) -> Any:
    if tuning.pruner == "none":
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(n_startup_trials=tuning.startup_trials, n_warmup_steps=tuning.warmup_epochs)


def _row(trial: Any) -> TrialRow:
    known = trial.user_attrs.get(_EVALUATION, {})
    state = "interrupted" if trial.user_attrs.get(_INTERRUPTED) else _WORDS.get(trial.state.name, "unfinished")
    return TrialRow(
        trial.number,
        state,
        float(trial.value) if state == "complete" else None,
        dict(trial.params),
        tuple(known.get("parts", ())),
        int(known.get("epochs", 0)),
        float(known.get("seconds", 0.0)),
        str(trial.user_attrs.get(_ERROR, "")),
        dict(trial.intermediate_values),
    )


def _differences(one: Any, other: Any, name: str = "") -> Iterator[str]:
    """The names of what is not the same in two pieces of plain data."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {*one, *other}:
            yield from _differences(one.get(key), other.get(key), f"{name}.{key}" if name else key)
    elif one != other:
        yield name
