"""Many trainings at once: each by an executor's worker, checked before, none lost, none made twice."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pytmva_rnn.config import Configuration
from pytmva_rnn.data import Division
from pytmva_rnn.distributed.processes import LostProcessError, Processes
from pytmva_rnn.distributed.tasks import InTurn, Submits, TaskEnd, run_tasks
from pytmva_rnn.distributed.training_plan import Writes, make_plan
from pytmva_rnn.distributed.training_run import TrainingRun
from pytmva_rnn.distributed.training_task import (
    FAILED,
    Events,
    Outcome,
    fingerprint_of,
    load_events,
    run_task,
)
from pytmva_rnn.distributed.trainings import Trainings
from pytmva_rnn.distributed.variations import Variation
from pytmva_rnn.errors import DataError, OptionError, first_line
from pytmva_rnn.interruption import Interruption, raise_interruption, signal_number
from pytmva_rnn.kernels import BACKENDS
from pytmva_rnn.network.threads import asked_threads
from pytmva_rnn.options import MethodOptions, SplitOptions
from pytmva_rnn.report.permutation import check_executor

__all__ = ["train_many"]

log = logging.getLogger("pytmva_rnn")


def train_many(
    data: Events,
    variations: Iterable[Variation],
    options: str | Mapping[str, Any] | MethodOptions | None = None,
    *,
    split: SplitOptions | str | Mapping[str, Any] | None = None,
    title: str | None = None,
    folder: str | Path | None = None,
    executor: Submits | None = None,
    workers: int | None = None,
    threads: int | None = None,
    backend: str | None = None,
    force: bool = False,
    further: Writes | None = None,
    resume: bool = False,
) -> Trainings:
    """Train once for each variation, and compare.

    Trainings that are finished already, of the same events and options, are taken as they are. One that fails does not
    end the others. Ctrl-C, SIGTERM and SIGHUP end all, and keep what is finished. With the same number of threads each
    training gives the same weights whatever runs it.

    Parameters
    ----------
    data : Configuration, Dataset or Division
        Events as `load_config`, `load` or `divide` give them. The files of a configuration are read by each worker;
        arrays are sent to it.
    variations : iterable of Variation
        What `vary` gives.
    options : str, mapping or MethodOptions
        What all have in common, as for `pytmva_rnn.train`; not with a Configuration, which has them.
    split : SplitOptions, str or mapping, optional
        How a Dataset is divided; by default as it was read for.
    title : str, optional
        Of the method, `DL` by default.
    folder : path, optional
        Where to write a weight file for each, `<title>_<name>.weights.xml` or what the configuration calls it, and the
        table of all, `*.trainings.json`. Without it nothing is written, and the networks are in the results.
    executor : object with `submit`, optional
        What runs the trainings: a pool of `concurrent.futures`, a `dask.distributed.Client`, an `MPIPoolExecutor`.
    workers : int, optional
        In place of an executor: as many processes at a time, each for one training.
    threads : int, optional
        For each training; by default those of the machine shared out between the workers, and one each on an executor.
    backend : str, optional
        As for `pytmva_rnn.train`.
    force : bool
        Replace files that are there and hold something else, and without `resume` the checkpoints of trainings that are
        not done.
    further : object with `outputs` and `write`, optional
        Writes more than the weights.
    resume : bool
        Of a configuration: keep the state of each training, as its [checkpoint] says, and go on from there with those
        that were broken off.

    Returns
    -------
    Trainings

    Raises
    ------
    OptionError, DataError, ConfigError
        For what is wrong with all trainings, before any is begun.
    OutputError
        For files that cannot be written or would overwrite another.
    ValueError
        For an unknown backend.

    Examples
    --------
    >>> from pytmva_rnn import train_many, vary
    >>> trainings = train_many(data, vary(seeds=range(1, 9)), options, folder="results", workers=4)  # doctest: +SKIP
    >>> print(trainings)  # doctest: +SKIP
    >>> scores = trainings.ensemble().predict(X)  # doctest: +SKIP
    """
    check_executor(executor)
    if executor is not None and workers is not None:
        raise OptionError("give an executor or a number of workers, not both")
    _check_workers(workers)
    if backend is not None and backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r}; choose one of {', '.join(BACKENDS)}")
    place = None if folder is None else Path(folder).absolute()  # workers may be elsewhere
    if place is not None and _masks_padding(data):
        raise DataError(
            "several trainings are kept in weight files of TMVA, which cannot leave out steps that are not there "
            "(mask_padding): train them one by one, or without a folder"
        )
    plan = make_plan(data, tuple(variations), options, split, title, place, further, resume, force)
    plan.check(force)
    events = load_events(data)
    run = TrainingRun(plan, fingerprint_of(events), backend)
    run.take_finished()
    count = len(run.missing())
    if run.done:
        log.info("%d of %d trainings are finished already", len(run.done), len(plan.variations))
    tasks = run.tasks(_threads(threads, executor, min(workers or 1, count), workers is not None))
    interrupted = 0
    try:
        with Interruption() as interruption, ExitStack() as stack:
            engine = executor or stack.enter_context(Processes(workers, fresh=True) if workers else InTurn())
            for end in run_tasks(engine, run_task, [(task,) for task in tasks], check=interruption.check):
                outcome = _outcome(end, tasks[end.number].name)
                if outcome.exit_code > 128 and isinstance(engine, InTurn):  # the signal was for all
                    raise_interruption(outcome.exit_code - 128)
                run.add(outcome, here=isinstance(engine, InTurn))
    except KeyboardInterrupt as error:
        interrupted = signal_number(error)
        log.warning("interrupted: keeping the %d trainings that are finished", len(run.done))
    return run.results(events, interrupted)


def _check_workers(given: Any) -> None:
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
        raise OptionError(f"workers = {given!r}: at least one is needed, as a whole number")


def _outcome(end: TaskEnd, name: str) -> Outcome:
    """What came back, or what an executor says of a worker that it has lost."""
    if end.error is None:
        found: Outcome = end.value
        return found
    if isinstance(end.error, LostProcessError):
        return Outcome(name, str(end.error), end.error.exit_code)
    return Outcome(name, f"{type(end.error).__name__}: {first_line(end.error)}", FAILED)


def _threads(given: int | None, executor: Submits | None, workers: int, shared: bool) -> int | None:
    asked = asked_threads(given)
    if asked is not None:
        return asked
    if shared:
        from pytmva_rnn.kernels.cpu.machine.concurrency import available_threads  # it brings LLVM

        return max(1, available_threads() // max(1, workers))
    return None if executor is None else 1


def _masks_padding(data: Events) -> bool:
    if isinstance(data, Configuration):
        return data.recipe.mask_padding
    return (data.training if isinstance(data, Division) else data).mask_padding
