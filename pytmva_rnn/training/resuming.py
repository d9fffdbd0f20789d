"""Going on with a training: its checkpoint found, and refused where it is of another one."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import llvmlite
import numpy as np

from pytmva_rnn._version import __version__
from pytmva_rnn.errors import CheckpointError, OptionError
from pytmva_rnn.network.devices import hardware
from pytmva_rnn.options import TrainingPhase
from pytmva_rnn.outputs import check_outputs
from pytmva_rnn.training.checkpoint import Checkpoint, Checkpointer
from pytmva_rnn.training.checkpoint_file import previous, read_header, read_parts
from pytmva_rnn.training.fingerprint import differences
from pytmva_rnn.training.problem import Problem
from pytmva_rnn.training.training_state import TrainingState, largest_state

__all__ = ["Resume", "agreed_threads", "continuation", "keeping"]

log = logging.getLogger("pytmva_rnn")

Resume: TypeAlias = "bool | str | os.PathLike[str]"

_MOST_TOLD = 6
"""Differences."""


def keeping(checkpoint: Checkpoint | str | os.PathLike[str] | None, resume: Resume) -> Checkpoint | None:
    """The checkpoints that arguments of `train` ask for; `resume` may name the file.

    Raises
    ------
    OptionError
        If nobody names a file, or what is named is none.
    """
    if not isinstance(resume, bool | str | os.PathLike):
        raise OptionError(f"resume is True, False or the path of a checkpoint, not {resume!r:.80}")
    named = None if isinstance(resume, bool) else Checkpoint(resume)
    if checkpoint is None:
        if resume is True:
            raise OptionError('resume=True needs the file: checkpoint="NAME.npz", or resume="NAME.npz"')
        return named
    return checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)


def continuation(
    settings: Checkpoint,
    resume: Resume,
    problem: Problem,
    phases: tuple[TrainingPhase, ...],
    training: Mapping[str, Any],
    backend: str,
) -> tuple[Checkpointer, TrainingState | None]:
    """What keeps the checkpoints, and with `resume` the state of the newest one that is whole, to go on from.

    Parameters
    ----------
    settings : Checkpoint
    resume : bool or path
        With True a training begins where there is no checkpoint yet; a file that is named has to be there.
    problem : Problem
    phases : tuple of TrainingPhase
    training : dict
        The training's fingerprint.
    backend : str

    Raises
    ------
    CheckpointError
        For a checkpoint that is damaged, with no whole one beside it, or of another training; and without `resume`, for
        one of a training that is not done.
    OutputError
        For a file that is no checkpoint, or a place that cannot be written to.
    """
    itself = resume is True or (resume is not False and Path(resume).resolve() == Path(settings.file).resolve())
    path, _ = check_outputs(settings.outputs(resumed=itself), force=settings.replace)
    written_by = {"pytmva_rnn": __version__, "NumPy": np.__version__, "llvmlite": llvmlite.__version__}
    written_by |= {"processor": hardware(backend), "system": platform.system()}
    about = {"training": training, "written by": written_by}
    source = path if isinstance(resume, bool) else Path(resume).resolve()
    found = None
    if resume:
        found = _newest(source, lambda file: read_parts(file, largest_state(problem, phases)))
        if found is None and not isinstance(resume, bool):
            raise CheckpointError(f"there is no checkpoint {resume}")
        if found is None:
            log.info("there is no checkpoint %s yet: the training begins", path)
    elif not settings.replace:
        _refuse_unfinished(path)
    if found is None:
        return Checkpointer(settings, path, about, None, sound=False), None
    taken, (header, arrays) = found
    try:
        _check_same(header.get("training"), training)
        plain = header.get("state")
        if not isinstance(plain, dict):
            raise CheckpointError("it has no state of a training")
        state = TrainingState.of_parts(plain, arrays, problem, phases)
    except CheckpointError as error:
        raise CheckpointError(f"{taken}: {error}") from error
    _tell_other_machine(taken, header.get("written by"), written_by)
    log.info("going on from %s: %s", taken, state)
    return Checkpointer(settings, path, about, state, sound=taken == path), state


def agreed_threads(threads: int | None, state: TrainingState | None) -> int | None:
    """Those that a training began with, unless others are asked for: then it is told what that means."""
    if state is None or threads == state.threads:
        return threads
    if threads is None:
        return state.threads
    before = "as many threads as pay" if state.threads is None else f"{state.threads} threads"
    log.warning(
        "the training was begun with %s and goes on with %d: the weights will be those that it would have had without "
        "a break within rounding, not to the last bit",
        before,
        threads,
    )
    return threads


def _newest(path: Path, read: Callable[[Path], Any]) -> tuple[Path, Any] | None:
    """The newest checkpoint that is whole, as it is read; None if there is none at all."""
    there = [file for file in (path, previous(path)) if file.exists()]
    errors = []
    for file in there:
        try:
            content = read(file)
        except CheckpointError as error:
            errors.append(str(error))
            continue
        if file != path:
            log.warning("%s; going on from the one before", errors[0] if errors else f"there is no {path}")
        return file, content
    if errors:
        raise CheckpointError("; ".join([*errors, "remove it to begin anew"]))
    return None


def _refuse_unfinished(path: Path) -> None:
    found = _newest(path, read_header)
    state = None if found is None else found[1].get("state")
    if found is not None and not (isinstance(state, dict) and state.get("done") is True):
        raise CheckpointError(
            f"{found[0]} is the checkpoint of a training that is not done: go on with it (resume=True, --resume), or "
            "begin anew and lose it (remove it, Checkpoint(replace=True), --force)"
        )


def _check_same(saved: Any, now: Mapping[str, Any]) -> None:
    if not isinstance(saved, dict):
        raise CheckpointError("it does not say which training it is of")
    if found := differences(saved, now):
        more = f"; and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
        raise CheckpointError(f"it is of another training: {'; '.join(found[:_MOST_TOLD])}{more}")


def _tell_other_machine(path: Path, saved: Any, now: Mapping[str, str]) -> None:
    if not isinstance(saved, dict):
        saved = {}
    told = [
        f"{name} {str(saved.get(name))[:60]}, now {value}" for name, value in now.items() if saved.get(name) != value
    ]
    if told:
        log.warning(
            "%s was written elsewhere (%s): the last bits of what follows may be others than without a break",
            path,
            "; ".join(told),
        )
