"""The search: trials drawn, run, written down, and the best of them made a configuration."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytmva_rnn.config import Configuration, TuneConfig
from pytmva_rnn.config.toml_file import configuration, read_tables
from pytmva_rnn.data import Steps
from pytmva_rnn.data.file_identity import identity
from pytmva_rnn.data.sources import files_read
from pytmva_rnn.distributed.processes import Processes
from pytmva_rnn.distributed.tasks import InTurn, Submits
from pytmva_rnn.errors import ConfigError, OptionError, TMVAError, TrainingError
from pytmva_rnn.interruption import raise_interruption, signal_number
from pytmva_rnn.outputs import CONFIGURATION, PICTURE, TRIALS, Output, check_outputs
from pytmva_rnn.tuning.best_file import write_best
from pytmva_rnn.tuning.objective import Job, longest_training
from pytmva_rnn.tuning.search_space import WITHOUT_EFFECT, SearchSpace, changed, checked_configuration, examples
from pytmva_rnn.tuning.study_file import StudyFile, TrialRow, quiet
from pytmva_rnn.tuning.trial_pictures import search_picture, value_words
from pytmva_rnn.tuning.trial_run import TrialOutcome, run_job
from pytmva_rnn.tuning.trials_table import write_table

__all__ = ["Search", "tune"]

log = logging.getLogger("pytmva_rnn")

_PAUSE = 0.05
"""Seconds between two looks at what is done."""
_CHANGES_THE_ERROR = (
    "ErrorStrategy",
    "Regularization",
    "WeightDecay",
    "ValidationSize",
    "IgnoreNegWeightsInTraining",
    "class_weights",
)
"""Options that change what the validation error means."""
_CHANGES_THE_EVENTS = ("input", "split", "weights", "for_each")
"""Tables that change which events validate, or what they weigh."""


@dataclass(frozen=True)
class Search:
    """What a search has found.

    Attributes
    ----------
    trials : list of TrialRow
        All, those of earlier runs included.
    best : TrialRow, optional
        None if no trial is complete.
    configuration : Configuration, optional
        Of the best one, as `best_path` holds it.
    best_path, table_path, storage_path : Path
        The files; `best_path` only where there is a best one.
    plot_path : Path, optional
    importances : mapping of name -> float
        How much each entry of the space matters; empty where that cannot be told yet.
    space : SearchSpace
    metric : str
    """

    trials: list[TrialRow]
    best: TrialRow | None
    configuration: Configuration | None
    best_path: Path
    table_path: Path
    storage_path: Path
    plot_path: Path | None
    importances: Mapping[str, float]
    space: SearchSpace
    metric: str

    @property
    def value_words(self) -> str:
        """What the search has minimised, in words."""
        return value_words(self.metric)


def tune(
    path: str | os.PathLike[str],
    *,
    folder: str | os.PathLike[str] = ".",
    trials: int | None = None,
    workers: int = 1,
    executor: Submits | None = None,
    backend: str | None = None,
    threads: int | None = None,
    force: bool = False,
    on_trial: Callable[[TrialRow, SearchSpace], object] | None = None,
) -> Search:
    """Search the options of a configuration, as its table [tune] says.

    Trials that are in the file of an earlier run are gone on from. With one worker at a time, the same seed and the
    same number of threads each run finds the same. Ctrl-C, SIGTERM and SIGHUP end the search, and keep what is
    finished. The test sample takes no part.

    Parameters
    ----------
    path : path-like
        A configuration as `pytmva_rnn.load_config` reads it, with a table [tune].
    folder : path-like
        Where the files that [tune] names are written.
    trials : int, optional
        In place of the number that [tune] has.
    workers : int
        Trials at a time; more than one run in processes of their own.
    executor : object with `submit`, optional
        What runs them instead: a pool of `concurrent.futures`, a `dask.distributed.Client`, an `MPIPoolExecutor`. Its
        workers must reach the files, also that of the trials.
    backend : str, optional
        As for `pytmva_rnn.train`.
    threads : int, optional
        For each training; by default as many as pay, of processes those of the machine shared out between them.
    force : bool
        Replace files that are there and hold something else.
    on_trial : callable, optional
        Called with the row of each trial that has ended, and the space.

    Raises
    ------
    ConfigError
        For what is wrong with the configuration or with any value that a trial could draw, before anything runs; and if
        the trials of an earlier run are of another configuration.
    OutputError
        For files that cannot be written.
    MissingExtraError
        If Optuna is not installed.
    KeyboardInterrupt
        After a signal; the files are written.
    """
    path, folder = Path(path), Path(folder)
    for name, number in (("workers", workers), ("trials", trials)):
        if number is not None and number < 1:
            raise OptionError(f"{name} must be 1 or more, not {number}")
    tables = read_tables(path)
    config = configuration(path, tables)
    if config.tuning is None:
        raise ConfigError(f"{path}: the table [tune] is missing: it says what to search")
    tuning = config.tuning if trials is None else replace(config.tuning, trials=trials)
    space, tuning, fold_steps = _checked(path, tables, tuning)
    outputs = _outputs(config, tuning, folder, force)
    content = {key: table for key, table in tables.items() if key not in WITHOUT_EFFECT}
    content["tune"] = {key: tables["tune"].get(key) for key in ("space", "seed", "metric", "folds")}
    content |= _orders(config, space)
    known = [identity(file) for file in files_read(config.input.sources)]
    content["files"] = [[each.get("size"), each.get("uuid")] for each in known]
    with quiet():
        study = StudyFile(outputs["storage"], tuning, space, content, several=workers > 1)
        try:
            plain = Job(path.resolve(), {}, tuning, fold_steps, backend, threads)
            ended_by = _Run(study, space, tables, plain, workers, on_trial).all(executor)
            search = _finished(study, space, tuning, config, outputs)
        finally:
            study.close()
    if ended_by:
        log.warning("interrupted: what is finished is kept in %s, and the same call goes on from there", study.path)
        raise_interruption(ended_by)
    return search


def _orders(config: Configuration, space: SearchSpace) -> dict[str, list[str]]:
    """The orders that trials depend on: of inputs, events, classes, and of what is drawn."""
    inputs = config.recipe.inputs
    return {
        "order of inputs": list(inputs.texts()) if isinstance(inputs, Steps) else [],
        "order of for_each": list(config.recipe.for_each),
        "order of classes": list(config.input.class_names),
        "order of tune.space": list(space.entries),
    }


def _checked(path: Path, tables: Mapping[str, Any], tuning: TuneConfig) -> tuple[SearchSpace, TuneConfig, int]:
    """The space, the search as it can be made, and the epochs of the longest training."""
    try:
        space = SearchSpace.of(tuning.space)
    except TMVAError as error:
        raise ConfigError(f"{path}: {error}") from error
    longest, meanings = 0, []
    for drawn, values in examples(space):
        try:
            made = checked_configuration(path, changed(tables, values), tuning.seed)
            made.check_fold()
            _check_events(made, tuning)
        except TMVAError as error:
            shown = ", ".join(f"{name} = {value!r}" for name, value in space.shown(drawn).items())
            raise ConfigError(f"[tune.space] {shown[:300]}: {error}") from error
        longest = max(longest, longest_training(made.method.options))
        meanings.append(_meaning(made))
    return space, _comparable(space, tuning, made.input.analysis, meanings), longest


def _check_events(config: Configuration, tuning: TuneConfig) -> None:
    own = config.input.validates(config.split)
    if tuning.folds is not None and own:
        raise ConfigError(
            f"[tune] folds = {tuning.folds}: the folds of the training sample validate, but there is another sample to "
            "validate with: leave one out"
        )
    if tuning.metric != "validation_error" and tuning.folds is None and not own:
        raise ConfigError(
            f"[tune] metric = {tuning.metric!r} needs a sample to validate with: write validation = 0.2 in [split], or "
            "folds = 5 in [tune]"
        )


def _meaning(config: Configuration) -> Mapping[str, Any]:
    """What the validation error of a configuration depends on beside network and events, however that is written."""
    options, phases = config.method.options, config.method.options.training_strategy
    penalties = {(p.regularization, p.weight_decay) for p in phases if p.regularization != "NONE"}
    return {
        "ErrorStrategy": options.error_strategy,
        "Regularization": penalties,
        "ValidationSize": options.validation_size,
        "IgnoreNegWeightsInTraining": options.ignore_neg_weights_in_training,
        "class_weights": dict(config.additions.class_weights),
        "VarTransform": options.var_transform if config.input.analysis == "regression" else None,
    }


def _comparable(
    space: SearchSpace, tuning: TuneConfig, analysis: str, meanings: Sequence[Mapping[str, Any]]
) -> TuneConfig:
    """Refuse to compare what cannot be: errors of which each means something else.

    The `meanings` are those of trials, as an option may be searched in a text or table that holds it among others.
    """
    of_error = (*_CHANGES_THE_ERROR, *(("VarTransform",) if analysis == "regression" else ()))
    changing = [
        name for name, place in space.places.items() if place[-1] in of_error or place[0] in _CHANGES_THE_EVENTS
    ]
    if not changing:
        changing = [name for name, value in meanings[0].items() if any(each[name] != value for each in meanings)]
    if not changing:
        return tuning
    if tuning.metric == "validation_error":
        other = "rms" if analysis == "regression" else "roc_integral"
        raise ConfigError(
            f"[tune.space] {', '.join(changing)}: the validation error of each trial would mean something else, and "
            f'none could be compared; write metric = "{other}" in [tune]'
        )
    if tuning.pruner == "none":
        return tuning
    log.warning("no trial ends early: validation errors cannot be compared where %s changes", ", ".join(changing))
    return replace(tuning, pruner="none")


def _outputs(config: Configuration, tuning: TuneConfig, folder: Path, force: bool) -> dict[str, Path]:
    named = [
        Output("best options", folder / tuning.best, CONFIGURATION),
        Output("trials", folder / tuning.table, TRIALS),
    ]
    if tuning.plot is not None:
        named.append(Output("plots", folder / tuning.plot, PICTURE))
    inputs: list[str | Path] = [config.path, *files_read(config.input.sources)]
    storage = (folder / tuning.storage).resolve()
    paths = check_outputs(named, [*inputs, storage], force=force)
    return {"storage": storage, **dict(zip(("best", "table", "plot"), paths, strict=False))}


class _Run:
    """Trials that are drawn, run and written down."""

    def __init__(
        self,
        study: StudyFile,
        space: SearchSpace,
        tables: Mapping[str, Any],
        job: Job,
        workers: int,
        on_trial: Callable[[TrialRow, SearchSpace], object] | None,
    ) -> None:
        self._study, self._space, self._tables = study, space, tables
        self._job, self._workers, self._on_trial = job, workers, on_trial
        minutes = job.tuning.minutes
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self._running: dict[Any, Any] = {}
        self._signal = 0

    def all(self, executor: Submits | None) -> int:
        """Run what is to be run; the number of the signal that has ended it, else 0."""
        own = None if executor is not None or self._workers == 1 else Processes(self._workers)
        chosen: Submits = executor or own or InTurn()
        try:
            while not self._signal:
                while self._more():
                    self._begin(chosen)
                if not self._running:
                    break
                self._collect()
        except KeyboardInterrupt as error:
            self._signal = signal_number(error)
        finally:
            if own is not None:
                own.stop()
            self._abandon()
        return self._signal

    def _more(self) -> bool:
        """Whether there is room and time for another trial, and one is wanted."""
        if self._signal or len(self._running) >= self._workers:
            return False
        if self._end is not None and time.monotonic() > self._end:
            return False
        return self._study.ended() + len(self._running) < self._job.tuning.trials

    def _begin(self, executor: Submits) -> None:
        trial, _, values = self._study.draw(len(self._running))
        job = replace(self._job, tables=changed(self._tables, values))
        self._running[executor.submit(run_job, job, self._study.reporter(trial))] = trial
        self._collect(pause=False)

    def _collect(self, *, pause: bool = True) -> None:
        done = [future for future in self._running if future.done()]
        for future in done:
            trial = self._running.pop(future)
            try:
                outcome = future.result()
            except BrokenExecutor as error:
                self._study.fail(trial, str(error), interrupted=True)
                raise TrainingError(f"the trials cannot be run: {error}") from error
            except Exception as error:  # the process that ran it has ended
                outcome = TrialOutcome("failed", error=str(error) or type(error).__name__)
            self._write(trial, outcome)
        if pause and not done:
            time.sleep(_PAUSE)

    def _write(self, trial: Any, outcome: TrialOutcome) -> None:
        if outcome.evaluation is not None:
            found = outcome.evaluation
            self._study.complete(trial, found.value, found.parts, found.epochs, found.seconds)
        elif outcome.state == "pruned":
            self._study.prune(trial)
        else:
            self._study.fail(trial, outcome.error, interrupted=outcome.state == "interrupted")
        self._signal = self._signal or outcome.signal
        if self._on_trial is not None:
            self._on_trial(self._study.rows()[trial.number], self._space)

    def _abandon(self) -> None:
        """Trials that nobody waits for any more."""
        for future, trial in self._running.items():
            with suppress(Exception):
                future.cancel()
            self._study.fail(trial, "", interrupted=True)
        self._running.clear()


def _finished(
    study: StudyFile,
    space: SearchSpace,
    tuning: TuneConfig,
    config: Configuration,
    outputs: Mapping[str, Path],
) -> Search:
    """Write what the search has found."""
    rows = study.rows()
    complete = [row for row in rows if row.value is not None]
    best = min(complete, key=lambda row: (row.value, row.number), default=None)
    write_table(outputs["table"], rows, space)
    found = None
    if best is not None:
        _, values = space.draw(lambda name, entry: best.drawn[name])
        found = write_best(outputs["best"], config.path, values, best, tuning)
    importances = study.importances()
    if "plot" in outputs and best is not None:
        search_picture(outputs["plot"], rows, space, tuning.metric, importances)
    return Search(
        rows,
        best,
        found,
        outputs["best"],
        outputs["table"],
        outputs["storage"],
        outputs.get("plot"),
        importances,
        space,
        tuning.metric,
    )
