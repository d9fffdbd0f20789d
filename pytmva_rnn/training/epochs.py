"""An epoch: a step on each batch of a sample, in pieces between which the state of the training can be kept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels import Engine, WholeEpochs
from pytmva_rnn.training.event_blocks import batches_at_once, blocks_of
from pytmva_rnn.training.progress import Progress
from pytmva_rnn.training.shared_steps import SharedSteps
from pytmva_rnn.training.training_events import Events
from pytmva_rnn.training.training_state import Position

__all__ = ["Epochs"]

_PIECE = 1 << 20
"""Events that are trained with at once, where there are more."""


class Epochs:
    """Trains an engine on a sample, epoch by epoch.

    Parameters
    ----------
    engine : Engine
    sample : Events
    size, count : int
        Of a batch, and how many of them there are.
    shared : SharedSteps, optional
        Where several processes train together.
    check : callable
        Called between steps: it raises if the training is to end.
    copied : bool
        As of `blocks_of`.
    """

    def __init__(
        self,
        engine: Engine,
        sample: Events,
        size: int,
        count: int,
        shared: SharedSteps | None,
        check: Callable[[], None],
        *,
        copied: bool,
    ) -> None:
        self._engine, self._sample, self._size, self._count = engine, sample, size, count
        self._shared, self._check, self._copied = shared, check, copied

    def train(self, at: Position, between: Callable[[], None], bar: Progress) -> float:
        """Go on with an epoch, on whole batches in the order at hand; returns the mean of all their losses.

        Parameters
        ----------
        at : Position
            Which goes on as well.
        between : callable
            Called between pieces, where the position is that of the engine.
        bar : Progress
        """
        batches = at.order[: self._count * self._size].reshape(-1, self._size)
        at_once = batches_at_once(self._sample, self._size) or max(1, _PIECE // self._size)
        blocks = [batches[first : first + at_once] for first in range(at.batch, len(batches), at_once)]
        for part, chosen in blocks_of(self._sample, blocks, copied=self._copied):
            if at.batch:
                between()
            at.loss += self._steps(part, chosen, at.keys) * (len(chosen) / len(batches))
            at.batch += len(chosen)
            bar.reach(at.epoch + at.batch / len(batches))
        if self._shared is not None:
            at.loss = self._shared.finished(at.loss, self._check)
        return at.loss

    def _steps(self, sample: Events, batches: NDArray[np.int64], keys: np.random.Generator) -> float:
        """Train on the batches, whose events are given; returns the mean of their losses."""
        drops = keys.integers(2**31, size=len(batches))
        if self._shared is not None:
            return self._shared.steps(sample, batches, drops, self._check)
        if isinstance(self._engine, WholeEpochs):
            return self._engine.epoch(sample.X, sample.y, sample.w, batches, drops, self._check)
        total = 0.0
        for events, key in zip(batches, drops, strict=True):
            total += self._engine.step(sample.X, sample.y, sample.w, events, int(key))
            self._check()
        return total / len(batches)
