"""When and where the state of a training is kept."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytmva_rnn.errors import OptionError
from pytmva_rnn.outputs import CHECKPOINT, Output
from pytmva_rnn.training.checkpoint_file import previous, write_parts
from pytmva_rnn.training.training_state import TrainingState

__all__ = ["Checkpoint", "Checkpointer"]

log = logging.getLogger("pytmva_rnn")

_MINUTES = 10.0
"""Between checkpoints, where nobody says otherwise."""

_AGE = 0.5
"""Seconds of training, beside the batch at hand, that an interruption may cost: a copy of the state is no older."""


@dataclass(frozen=True)
class Checkpoint:
    """When and where the state of a training is kept, so that an interruption costs nothing.

    It is kept as well when Ctrl-C, SIGTERM, SIGHUP or an error, such as too little memory, ends the training.

    Attributes
    ----------
    file : path
        Ends with `.npz`. The checkpoint before stays beside it, as `NAME.previous.npz`.
    every_epochs : int, optional
        A checkpoint after each so many epochs of a phase.
    every_minutes : float, optional
        A checkpoint so many minutes after the last; the default, 10, where `every_epochs` is not given.
    replace : bool
        Begin anew where there is the checkpoint of a training that is not done, or a file that is no checkpoint.

    Raises
    ------
    OptionError
        For what is no name of a file, and numbers that are not above zero.

    Examples
    --------
    >>> from pytmva_rnn import Checkpoint, train
    >>> result = train(X, y, options, checkpoint=Checkpoint("lstm.npz", every_epochs=5), resume=True)  # doctest: +SKIP
    """

    file: str | os.PathLike[str]
    every_epochs: int | None = None
    every_minutes: float | None = None
    replace: bool = False

    def __post_init__(self) -> None:
        file: Any = self.file
        if not isinstance(file, str | os.PathLike) or not Path(file).name:
            raise OptionError(f"the file of a checkpoint is a path that ends with .npz, not {str(file)!r:.80}")
        epochs, minutes = self.every_epochs, self.every_minutes
        if epochs is not None and (type(epochs) is not int or epochs < 1):
            raise OptionError(f"every_epochs is a whole number from 1 on, not {epochs!r}")
        if minutes is not None and (type(minutes) not in (int, float) or not 0 < minutes < math.inf):
            raise OptionError(f"every_minutes is a number above 0, not {minutes!r}")

    def outputs(self, *, resumed: bool) -> list[Output]:
        """What will be written: the newest checkpoint, and the one before.

        With `resumed` the newest is to be gone on from: it may be damaged beyond recognition, and the other whole.
        """
        newest = replace(CHECKPOINT, ours=lambda content: True) if resumed else CHECKPOINT
        file = Path(self.file)
        return [Output("checkpoints", file, newest), Output("earlier checkpoints", previous(file), CHECKPOINT)]

    @property
    def seconds(self) -> float:
        """Between checkpoints."""
        if self.every_minutes is None:
            return math.inf if self.every_epochs is not None else 60 * _MINUTES
        return 60 * self.every_minutes


class Checkpointer:
    """Keeps the state of a training as it goes on.

    Parameters
    ----------
    settings : Checkpoint
    path : Path
        The file, behind all links.
    about : dict
        What else the file says: of which training it is, and who wrote it.
    start : TrainingState, optional
        What the training goes on from.
    sound : bool
        Whether the file holds that: then it may become the checkpoint before the newest.
    """

    def __init__(
        self, settings: Checkpoint, path: Path, about: Mapping[str, Any], start: TrainingState | None, *, sound: bool
    ) -> None:
        self._settings, self.path, self._about = settings, path, about
        self._last, self._sound, self._is_written = start, sound, sound
        self._noted = self._written = time.monotonic()

    def wants(self, epoch: int, batch: int) -> bool:
        """Whether the state after so many epochs and batches is to be noted."""
        return self._due(epoch, batch) or time.monotonic() - self._noted > _AGE

    def note(self, state: TrainingState) -> None:
        """Take the state as the one to go on from, and write it if it is time to."""
        self._last, self._is_written = state, False
        self._noted = time.monotonic()
        at = state.position
        if at is not None and self._due(at.epoch, at.batch):
            self.keep()

    def keep(self) -> bool:
        """Write what was noted last; whether there is a checkpoint of it. A failure is told: it is no end."""
        if self._last is None:
            return False
        if not self._is_written and self._write(self._last):
            self._is_written = True
            log.debug("checkpoint of %s: %s", self._last, self.path)
        return self._is_written

    def finish(self, state: TrainingState) -> None:
        """Mark the training as done, with what it has found: to go on means then to take that."""
        if self._write(state):
            with suppress(OSError):  # it is only tidying
                previous(self.path).unlink(missing_ok=True)

    def __str__(self) -> str:
        return f"the checkpoint of {self._last} is in {self.path}"

    def _due(self, epoch: int, batch: int) -> bool:
        every = self._settings.every_epochs
        by_epochs = every is not None and epoch > 0 and batch == 0 and epoch % every == 0
        return by_epochs or time.monotonic() - self._written >= self._settings.seconds

    def _write(self, state: TrainingState) -> bool:
        plain, arrays = state.parts()
        self._written = time.monotonic()  # what fails is tried again when the next one is due
        try:
            write_parts(self.path, {**self._about, "state": plain}, arrays, keep_previous=self._sound)
        except (MemoryError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            log.warning("%s: the checkpoint of %s cannot be written: %s", self.path, state, reason)
            return False
        self._sound = True
        return True
