"""A small network's batches and samples, each in one launch."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from pytmva_rnn.kernels.codes import LOSSES
from pytmva_rnn.kernels.cuda.losses import SUMS
from pytmva_rnn.kernels.cuda.machine.copies import fill
from pytmva_rnn.kernels.cuda.machine.device import empty, grant_shared, multiprocessors, upload, zeros
from pytmva_rnn.kernels.cuda.machine.layer import Run
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights
from pytmva_rnn.kernels.cuda.small.choice import blocks_of
from pytmva_rnn.kernels.cuda.small.kernels import SmallNetwork

_KEPT = 32
"""At most so many compiled kernels are kept for networks like those that have them."""

_kernels: dict[Any, Any] = {}


class RowPartials:
    """Partial sums of the weights' gradients, a row of all weights for each block; see `machine.partials.Partials`."""

    def __init__(self, rows: int, size: int) -> None:
        self.rows: Any = zeros((rows, size))
        self.flat = self.rows.reshape(rows * size)
        places = np.stack([np.arange(size), np.full(size, size), np.full(size, rows)])
        self.places: Any = upload(places, np.int64)


class SmallWorkspace:
    """What a small network needs for batches of up to `events` events; see `workspace.NetworkWorkspace`.

    Parameters
    ----------
    network : SmallNetwork
    weights : DeviceWeights
    loss : letter of the loss
    events : int
    """

    def __init__(self, network: SmallNetwork, weights: DeviceWeights, loss: str, events: int) -> None:
        self.events, self.outputs = events, network.outputs
        self._network, self._loss = network, LOSSES[loss]
        self._weights = weights.flat, upload(network.places(), np.int32)
        if network.block.training:
            self.partials = RowPartials(self._blocks(events), int(weights.flat.size))

    @cached_property
    def x(self) -> Any:
        """(events, T*D)"""
        return empty((self.events, self._network.numbers))

    @cached_property
    def out(self) -> Any:
        """(events, outputs)"""
        return empty((self.events, self.outputs))

    @cached_property
    def _inputs(self) -> tuple[Any, ...]:
        """Where events of the host go, x, y and w."""
        return self.x, empty((self.events, self.outputs)), empty(self.events)

    def learn(self, run: Run, data: tuple[Any, ...], order: Any, sums: Any) -> None:
        """One launch."""
        arguments = *data, order, run.schedule.now, *self._weights, run.partials.rows, sums, run.events
        self._launch(run, "learning", self._network.learning, arguments)

    def add_loss(self, run: Run, data: tuple[Any, ...], sums: Any, total: int) -> None:
        """One launch."""
        if isinstance(data[0], np.ndarray):
            for target, source in zip(self._inputs, data, strict=True):
                fill(target, source, run.stream)
            data = self._inputs
        self._launch(run, "losses", self._network.losses, (*data, *self._weights, sums, run.events, total))

    def forward(self, run: Run) -> None:
        """One launch."""
        arguments = self.x, *self._weights, self.out, run.events
        self._launch(run, "scoring", lambda _: self._network.scoring(), arguments)

    def _launch(self, run: Run, name: str, make: Callable[[int], Any], arguments: tuple[Any, ...]) -> None:
        key = name, self._loss, self._network.key
        if key not in _kernels:
            while len(_kernels) >= _KEPT:
                del _kernels[next(iter(_kernels))]
            _kernels[key] = make(self._loss)
        kernel, shared = _kernels[key], self._network.shared
        grant_shared(kernel, arguments, shared)
        kernel[self._blocks(run.events), self._network.block.threads, run.stream, shared](*arguments)

    def _blocks(self, events: int) -> int:
        groups = -(-events // self._network.block.events)
        return min(groups, blocks_of(self._network) * multiprocessors(), SUMS)
