"""Scores of batches: a workspace made ready for calls that take little beside the scores."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import perf_counter
from weakref import WeakMethod

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import builtin, compilation, filled, python_functions
from pytmva_rnn.kernels.cpu.machine import program
from pytmva_rnn.kernels.cpu.machine.alone import Alone
from pytmva_rnn.kernels.cpu.machine.finishing import Finishing
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH
from pytmva_rnn.kernels.cpu.machine.op import INFERENCE
from pytmva_rnn.kernels.cpu.machine.workspace import Workspace

__all__ = ["Inference"]

Floats = NDArray[np.float32]

_FEW_BLOCKS = 8
"""Of a batch in which some events less than a vector of lanes count."""

_LEAST_ROUNDS, _MOST_ROUNDS = 3, 30
_ENOUGH = 1e-2  # seconds, for all rounds
_LEAST = 1e-7  # seconds, that an event takes


class Inference:
    """Runs a workspace's plan over batches.

    Parameters
    ----------
    workspace : Workspace
        Of a plan without training.
    outputs : int
    alone : weak reference to a method, optional
        Of whoever calls; it makes what scores events one by one, with the same bits, or None where nothing can.

    Attributes
    ----------
    workspace : Workspace
    slots : int
        Of scratch memory, one a thread.
    """

    def __init__(
        self, workspace: Workspace, outputs: int, alone: WeakMethod[Callable[[], Alone | None]] | None = None
    ) -> None:
        self.workspace = workspace
        self._outputs = outputs
        self._make_alone = alone
        self._alone: Alone | None = None
        self._small_batches = 0
        self.slots = len(workspace.scratch)
        self._job = filled(workspace.job, width=outputs, out=workspace.plan.view.place)
        self._record = filled(
            np.zeros(1, INFERENCE), job=self._job.ctypes.data, function=program.score, **python_functions()
        )
        self._infer = builtin(program.infer, self._record, workspace)
        self._way: tuple[bool, int, int, int] | None = None  # as the records have it

    def __call__(
        self,
        X: Floats,
        y: Floats,
        w: Floats,
        out: Floats,
        states: Floats,
        one_by_one: bool,
        threads: int,
        crew: int,
        finishing: Finishing | None = None,
    ) -> float:
        """Put the raw outputs (n, O) of the events X, or the scores, into `out`; returns the sum of their losses.

        All arrays are as `readable` has them. y and w are of no events in a plan without a loss. With `one_by_one` the
        remembered states pass from event to event. `crew` is the address of a record, 0 for none.
        """
        if self._make_alone is not None:
            self._consider(len(out), states)
        if states is not self.workspace.states:
            self.workspace.remember_in(states)
        way = (one_by_one, threads, crew, 0 if finishing is None else finishing.address)
        if way != self._way:
            # Ctrl-C may come in between
            self._way, record = None, self._record
            self._job["one_by_one"], record["threads"], record["crew"], record["finishing"] = way
            self._way = way
        total: float = self._infer(X, y, w, out)
        return total

    def _consider(self, events: int, states: Floats) -> None:
        """Have events scored one by one as well, if batches come again and again that do not fill a block."""
        if events % WIDTH == 0 or events > _FEW_BLOCKS * LANES:
            return
        self._small_batches += 1
        if self._small_batches == 1:  # for which it need not be compiled
            return
        assert self._make_alone is not None
        make = self._make_alone()
        assert make is not None
        with compilation("scoring"):
            self._alone = make()
        self._make_alone = None
        if self._alone is not None:
            self._job["alone"] = self._alone.record.ctypes.data
            self._choose(states)

    def _choose(self, states: Floats) -> None:
        """Choose how many events no longer take less one by one than together.

        That is measured: chains of sums that wait for each other and caches decide, and no score depends on it.
        """
        source, most = self.workspace.plan.operations[0].fields, WIDTH + 1
        X = np.zeros((most, source["T"] * source["D"]), np.float32)
        out = np.empty((most, self._outputs), np.float32)
        self(X[:0], X, X, out[:0], states, False, 1, 0)

        def seconds(events: int, few: int) -> float:
            self._job["few"] = few
            start = perf_counter()
            self._infer(X, X, X, out[:events])
            return perf_counter() - start

        ways = ((0, 0), (1, 1), (WIDTH, 0), (WIDTH + 1, 0))
        quickest, begun = [inf] * len(ways), perf_counter()
        for number in range(_MOST_ROUNDS):
            quickest = [min(best, seconds(*way)) for best, way in zip(quickest, ways, strict=True)]
            if number >= _LEAST_ROUNDS and perf_counter() - begun > _ENOUGH:
                break
        nothing, one, vector, two = quickest
        one = max(one - nothing, _LEAST)
        for name, time in (("few", vector - nothing), ("few_more", two - vector)):
            self._job[name] = max(0, min(WIDTH - 1, int(time / one)))
