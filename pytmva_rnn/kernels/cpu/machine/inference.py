"""Scores of batches: a workspace made ready for calls that take little beside the scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import builtin, python_function
from pytmva_rnn.kernels.cpu.machine import program
from pytmva_rnn.kernels.cpu.machine.op import INFERENCE
from pytmva_rnn.kernels.cpu.machine.workspace import Workspace

__all__ = ["Inference"]

Floats = NDArray[np.float32]


class Inference:
    """Runs a workspace's plan over batches.

    Parameters
    ----------
    workspace : Workspace
        Of a plan without training.
    outputs : int

    Attributes
    ----------
    workspace : Workspace
    slots : int
        Of scratch memory, one a thread.
    """

    def __init__(self, workspace: Workspace, outputs: int) -> None:
        self.workspace = workspace
        self._job, self._record = workspace.job, np.zeros(1, INFERENCE)
        scratch = workspace.scratch
        self.slots = len(scratch)
        for name, value in {
            "table": workspace.table.ctypes.data,
            "operations": len(workspace.table),
            "shared": workspace.frame.ctypes.data,
            "scratch": scratch.ctypes.data,
            "scratch_step": scratch.strides[0],
            "width": outputs,
            "out": workspace.plan.view.place,
        }.items():
            self._job[name] = value
        for name, value in {
            "job": self._job.ctypes.data,
            "function": program.score.address,
            "as_float": python_function("PyFloat_FromDouble"),
            "release": python_function("PyEval_SaveThread"),
            "hold": python_function("PyEval_RestoreThread"),
        }.items():
            self._record[name] = value
        self._infer = builtin(program.infer, self._record, workspace)
        # as the records have them
        self._states: Floats | None = None
        self._way: tuple[bool, int, int] | None = None

    def __call__(
        self, X: Floats, y: Floats, w: Floats, out: Floats, states: Floats, one_by_one: bool, threads: int, crew: int
    ) -> float:
        """Put the raw outputs (n, O) of the events X into `out`; returns the sum of their losses.

        All arrays are as `readable` has them. y and w are of no events in a plan without a loss. With `one_by_one` the
        remembered states pass from event to event. `crew` is the address of a record, 0 for none.
        """
        if states is not self._states:
            job, self._states = self._job, None
            job["states"], job["states_step"], job["state_blocks"] = states.ctypes.data, states.strides[0], len(states)
            self._states = states
        way = (one_by_one, threads, crew)
        if way != self._way:
            # Ctrl-C may come in between
            self._way = None
            self._job["one_by_one"], self._record["threads"], self._record["crew"] = way
            self._way = way
        return float(self._infer(X, y, w, out))
