"""Events one by one: the columns of the weights are the lanes, and a few events fill them where a block would not."""

from __future__ import annotations

import numpy as np

from pytmva_rnn.compile import array_at, filled, helper
from pytmva_rnn.kernels.cpu.machine.intrinsics import call, record_at
from pytmva_rnn.kernels.cpu.machine.op import EVENT, FRAME, OP
from pytmva_rnn.kernels.cpu.machine.weights import PanelWeights
from pytmva_rnn.kernels.cpu.machine.workspace import Workspace

__all__ = ["Alone", "walk_event"]


@helper
def walk_event(record_address, X):
    """Walk the event at an address through a network; `record_address` is that of a record EVENT."""
    of = record_at(record_address, EVENT)
    table, frame = array_at(of.table, of.operations, OP), record_at(of.frame, FRAME)
    frame.X = X
    for k in range(of.operations):
        call(table[k].forward, (of.table + k * table.itemsize, of.frame))


class Alone:
    """A plan for one event made ready, for one thread at a time.

    Parameters
    ----------
    workspace : Workspace
        Of that plan.
    panels : PanelWeights
        The weights that it reads, which live as long as this.
    outputs : int

    Attributes
    ----------
    workspace : Workspace
    record : array of EVENT, shape (1,)
    raw : array of float32, shape (O,)
        Where `walk_event` leaves the raw outputs.
    """

    def __init__(self, workspace: Workspace, panels: PanelWeights, outputs: int) -> None:
        self.workspace, self._panels = workspace, panels
        scratch, frame, table = workspace.scratch, workspace.frame, workspace.table
        frame["scratch"], frame["packed"] = scratch.ctypes.data, panels.packed.ctypes.data
        first = workspace.plan.view.place // scratch.itemsize
        self.raw = scratch[0, first : first + outputs]
        addresses = {"table": table.ctypes.data, "frame": frame.ctypes.data, "raw": self.raw.ctypes.data}
        self.record = filled(np.zeros(1, EVENT), operations=len(table), **addresses)
