"""Steps of a training: a workspace made ready for calls that take little beside the steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import Operation, builtin, filled, python_functions
from pytmva_rnn.kernels.cpu.machine import program
from pytmva_rnn.kernels.cpu.machine.op import TRAINING
from pytmva_rnn.kernels.cpu.machine.workspace import Workspace

__all__ = ["Descent"]

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


class Descent:
    """Trains by a workspace's plan on batches of one size.

    Parameters
    ----------
    workspace : Workspace
        Of a plan for training.
    update : array of UPDATE, shape (1,)
        What the optimizer's steps are of; shared, not copied.
    optimizer : Operation or None
        The function that makes them.
    regularization : int
        Number of the penalty.
    decay : float
        Its factor.

    Attributes
    ----------
    workspace : Workspace
    threads : int
        That the gradients are added up for.
    """

    def __init__(
        self, workspace: Workspace, update: NDArray[Any], optimizer: Operation | None, regularization: int, decay: float
    ) -> None:
        self.workspace = workspace
        self.threads = len(workspace.gradients)
        self._record = filled(
            np.zeros(1, TRAINING),
            job=workspace.job.ctypes.data,
            function=program.walk,
            threads=self.threads,
            matrices=workspace.matrices.ctypes.data,
            matrix_count=len(workspace.matrices),
            blocks=len(workspace.sums),
            update=update.ctypes.data,
            optimizer=optimizer,
            regularization=regularization,
            decay=decay,
            **python_functions(),
        )
        self._train = builtin(program.train, self._record, (workspace, update))
        # windows on single numbers are quicker to set than fields
        self._batches, self._t, self._crew = (self._record[name] for name in ("batches", "t", "crew"))

    def __call__(
        self,
        X: Floats,
        y: Floats,
        w: Floats,
        order: Integers,
        keys: Integers,
        states: Floats,
        batches: int,
        t: int,
        crew: int,
    ) -> float:
        """Sum of the losses of the batches `X[order[k]]`, without penalty; after each, with t > 0, comes a step.

        All arrays are as `readable` has them. `batches` came before these, t is the number of the first step, and
        `crew` the address of a record; where that is 0, one thread does what the threads would do, with the same sums.
        """
        if states is not self.workspace.states:
            self.workspace.remember_in(states)
        self._batches[0], self._t[0], self._crew[0] = batches, t, crew
        total: float = self._train(X, y, w, order, keys)
        return total
