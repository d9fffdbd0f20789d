"""An epoch that several processes train together: each step by the gradient of all, or some steps apart and then the
mean of the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import BackendError, OptionError
from pytmva_rnn.interruption import raise_interruption, signal_number
from pytmva_rnn.kernels import Engine, SharesSteps
from pytmva_rnn.options import MethodOptions
from pytmva_rnn.training.problem import Problem
from pytmva_rnn.training.ranks import Ranks
from pytmva_rnn.training.training_events import Events

__all__ = ["SharedSteps", "check_local_steps", "check_shareable"]


def check_local_steps(given: Any) -> None:
    """Refuse what is no number of steps.

    Raises
    ------
    OptionError
        For less than one.
    """
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise OptionError(f"local_steps is a whole number from 1 on, not {given!r}")


def check_shareable(problem: Problem, options: MethodOptions, ranks: Ranks, *, checkpoints: bool) -> None:
    """Refuse what several processes cannot do together.

    Raises
    ------
    OptionError
        For layers with statistics of whole batches, states that pass from batch to batch, CreateMVAPdfs, and
        checkpoints.
    """
    if ranks.count == 1:
        return
    if checkpoints:
        raise OptionError("several processes that train together keep no checkpoints: leave checkpoint and resume out")
    for number, layer in enumerate(problem.layers):
        if any(array.role == "statistic" for array in layer.arrays().values()):
            raise OptionError(
                f"layer {number}, {layer.kind}, needs mean and variance of a whole batch, which no process of several "
                "has: train it in one process, or leave it out"
            )
        if layer.remembers:
            raise OptionError(
                f"layer {number}, {layer.kind}, passes its state from batch to batch (RememberState), which several "
                "processes cannot: train it in one process"
            )
    if options.create_mva_pdfs:
        raise OptionError("CreateMVAPdfs needs the scores of all events in one process: leave it out, or train in one")


class SharedSteps:
    """Steps that all processes make together.

    Parameters
    ----------
    engine : Engine
        Of this process.
    ranks : Ranks
    local_steps : int
        Steps that each makes by itself before the weights become the mean of all; with 1 there is one step of all, by
        the mean of their gradients.

    Raises
    ------
    BackendError
        For an engine that cannot.
    """

    def __init__(self, engine: Engine, ranks: Ranks, local_steps: int) -> None:
        if not isinstance(engine, SharesSteps):
            raise BackendError('several processes train together with backend="cpu" or "reference" only')
        self._engine: Any = engine
        self._shares: SharesSteps = engine
        self._ranks = ranks
        self._local_steps = local_steps
        self._apart = 0  # steps since the weights were the same
        trained = engine.trained()
        self._buffer: NDArray[Any] = np.empty(sum(array.size for array in trained) + 1, trained[0].dtype)

    def steps(
        self, sample: Events, batches: NDArray[np.int64], keys: NDArray[np.int64], check: Callable[[], None]
    ) -> float:
        """Train on whole batches, (k, n) numbers of events; returns the mean of this process's losses.

        A signal that any process has got is raised in all, after the same step.
        """
        total = 0.0
        for events, key in zip(batches, keys, strict=True):
            if self._local_steps == 1:
                loss, gradient = self._shares.gradient(sample.X, sample.y, sample.w, events, int(key))
                self._average(gradient, check)
                self._shares.descend()
            else:
                loss = self._engine.step(sample.X, sample.y, sample.w, events, int(key))
                self._apart += 1
                if self._apart == self._local_steps:
                    self._average_weights(check)
            total += loss
        return total / len(batches)

    def finished(self, loss: float, check: Callable[[], None]) -> float:
        """End an epoch with the same weights everywhere; returns the mean of the losses of all processes."""
        if self._apart:
            self._average_weights(check)
        self._ranks.check_same(self._shares.trained())
        return self._ranks.mean([loss])

    def _average_weights(self, check: Callable[[], None]) -> None:
        self._average(self._shares.trained(), check)
        self._shares.changed()
        self._apart = 0

    def _average(self, arrays: Sequence[NDArray[Any]], check: Callable[[], None]) -> None:
        """Put the mean of all processes into the arrays; in one message, which also tells of signals."""
        number = _noted(check)
        size = sum(array.size for array in arrays)
        flat = self._buffer[: size + 1]
        np.concatenate([array.reshape(-1) for array in arrays], out=flat[:size])
        flat[size] = bool(number)
        sums = self._ranks.add(flat)
        if sums[size]:
            raise_interruption(max(self._ranks.gathered(number)))
        sums /= self._ranks.count
        place = 0
        for array in arrays:
            array[...] = sums[place : place + array.size].reshape(array.shape)
            place += array.size


def _noted(check: Callable[[], None]) -> int:
    """The signal that has come, 0 if none has."""
    try:
        check()
    except KeyboardInterrupt as error:
        return signal_number(error)
    return 0
