"""Events in inference: scores of those on the host, and the loss of a sample, in few launches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels.cuda.machine.copies import fill, pieces, read
from pytmva_rnn.kernels.cuda.machine.device import empty
from pytmva_rnn.kernels.cuda.machine.graphs import Graphs, Repeated
from pytmva_rnn.kernels.cuda.machine.layer import Run
from pytmva_rnn.kernels.cuda.machine.staging import Staging
from pytmva_rnn.kernels.cuda.machine.sums import LossSums
from pytmva_rnn.kernels.cuda.machine.workspace import NetworkWorkspace

States = list[tuple[Any, ...]]


class Pass:
    """Events on their way through the network, always as many.

    Parameters
    ----------
    workspace : NetworkWorkspace
        For inference, of as many events or more.
    run : Run
    graphs : Graphs

    Attributes
    ----------
    x : (events, T*D) on the device
    out : (events, outputs) on the device
        Raw outputs.
    launch : callable
        Computes `out` from `x`.
    """

    def __init__(self, workspace: NetworkWorkspace, run: Run, graphs: Graphs) -> None:
        self.x, self.out = workspace.x[: run.events], workspace.out[: run.events]
        self._workspace, self._run = workspace, run
        self.launch = Repeated(self._launches, run.stream, graphs)

    def _launches(self, stream: Any) -> None:
        self._workspace.forward(replace(self._run, stream=stream))


def streamed(X: NDArray[Any], staging: Staging, passes: Sequence[Pass], stream: Any) -> NDArray[np.float32]:
    """Raw outputs of the host's events X (n, T*D), which come while those before them are computed.

    Parameters
    ----------
    passes : sequence of Pass
        Of as many events as a place of the staging has, and the last of what remains.
    """
    results = empty((len(X), passes[0].out.shape[1]))
    for (start, stop), each in zip(pieces(len(X), staging.rows), passes, strict=True):
        (rows,) = staging.bring((X[start:stop],))
        fill(each.x, rows, stream)
        staging.release()
        each.launch()
        fill(results[start:stop], each.out, stream)
    return read(results)


class SampleLoss:
    """The loss of a sample that stays on the device.

    Parameters
    ----------
    workspace : NetworkWorkspace
        For inference: it takes the sample piece by piece.
    data : arrays X (n, T*D), y (n, O) and w (n,) on the device
    states : remembered states, of one row or a row for each event
    sums : LossSums
    stream : CUDA stream
    graphs : Graphs
    """

    def __init__(
        self,
        workspace: NetworkWorkspace,
        data: tuple[Any, ...],
        states: States,
        sums: LossSums,
        stream: Any,
        graphs: Graphs,
    ) -> None:
        self._workspace, self._sums, self._total = workspace, sums, len(data[0])
        self._pieces = [
            (tuple(each[start:stop] for each in data), Run(stop - start, _rows(states, start, stop)))
            for start, stop in pieces(self._total, workspace.events)
        ]
        self._repeated = Repeated(self._launches, stream, graphs)

    def value(self) -> float:
        """The loss by the weights as they are."""
        self._repeated()
        return self._sums.total()

    def _launches(self, stream: Any) -> None:
        self._sums.clear(stream)
        for data, run in self._pieces:
            self._workspace.add_loss(replace(run, stream=stream), data, self._sums.sums, self._total)


def loss_of_host(
    arrays: tuple[NDArray[Any], ...],
    workspace: NetworkWorkspace,
    states: States,
    sums: LossSums,
    staging: Staging,
    stream: Any,
) -> float:
    """The loss of the host's events X (n, T*D), y (n, O) and w (n,), which come as those of `streamed` do."""
    sums.clear(stream)
    total = len(arrays[0])
    for start, stop in pieces(total, staging.rows):
        data = staging.bring(tuple(each[start:stop] for each in arrays))
        run = Run(stop - start, _rows(states, start, stop), stream=stream)
        workspace.add_loss(run, data, sums.sums, total)
        staging.release()
    return sums.total()


def _rows(states: States, start: int, stop: int) -> States:
    """The remembered states of some events; of layers that remember nothing there is one row."""
    return [tuple(state[start:stop] if len(state) > 1 else state for state in each) for each in states]
