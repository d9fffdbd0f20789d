"""The batches of a training: the launches of one, made again for each of all epochs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels.cuda.machine.graphs import Graphs, Repeated
from pytmva_rnn.kernels.cuda.machine.layer import Run
from pytmva_rnn.kernels.cuda.machine.schedule import Schedule
from pytmva_rnn.kernels.cuda.machine.staging import PLACES, Staging
from pytmva_rnn.kernels.cuda.machine.sums import LossSums
from pytmva_rnn.kernels.cuda.machine.workspace import NetworkWorkspace
from pytmva_rnn.kernels.cuda.optimizers import Optimizer


class Batches:
    """Batches of events that are on the device, or that the host puts together.

    Parameters
    ----------
    workspace : NetworkWorkspace
        For training, as large as a batch.
    data : arrays X (n, T*D), y (n, O) and w (n,) on the device, or Staging
        The latter for batches that come one by one.
    optimizer : Optimizer
    sums : LossSums
        Gets the losses.
    states : remembered states, which go on from batch to batch
    most : int
        Batches of an epoch.
    stream : CUDA stream
    graphs : Graphs

    Attributes
    ----------
    most : int
    launch : callable
        Launches the next batch.
    """

    def __init__(
        self,
        workspace: NetworkWorkspace,
        data: tuple[Any, ...] | Staging,
        optimizer: Optimizer,
        sums: LossSums,
        states: list[tuple[Any, ...]],
        most: int,
        stream: Any,
        graphs: Graphs,
    ) -> None:
        self.most = most
        self._workspace, self._optimizer, self._sums, self._stream = workspace, optimizer, sums, stream
        self._staging = data if isinstance(data, Staging) else None
        self._data = data.arrays if isinstance(data, Staging) else data
        self._schedule = Schedule(most, workspace.events)
        self._run = Run(workspace.events, states, partials=workspace.partials, schedule=self._schedule, stream=stream)
        self.launch = Repeated(self._launches, stream, graphs)

    def begin(self, batches: NDArray[np.int64], keys: NDArray[np.int64], done: int) -> None:
        """Start an epoch of the events `batches` (k, events); see `Schedule.begin`."""
        if self._staging is not None:
            self._staging.begin()
            count, events = batches.shape
            batches = np.arange(events) + events * (np.arange(count)[:, np.newaxis] % PLACES)
        self._schedule.begin(batches, keys, self._optimizer.rates(len(batches)), done, self._stream)
        self._sums.clear(self._stream)

    def step(self, arrays: tuple[NDArray[Any], ...], chosen: NDArray[np.int64]) -> None:
        """Train on the next batch, the events `chosen` of the host's arrays if they come from there."""
        if self._staging is None:
            self.launch()
            return

        self._staging.bring(arrays, chosen)
        self.launch()
        self._staging.release()

    def _launches(self, stream: Any) -> None:
        """All of a batch: its events are put together, go forward and back, and move the weights."""
        run = replace(self._run, stream=stream)
        self._workspace.learn(run, self._data, self._schedule.order, self._sums.sums)
        self._optimizer.step(run)
