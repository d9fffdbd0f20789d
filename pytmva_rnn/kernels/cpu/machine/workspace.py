"""Plans of whole networks, and the memory that they need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import filled
from pytmva_rnn.kernels import last_sequence
from pytmva_rnn.kernels.cpu import dropout, losses
from pytmva_rnn.kernels.cpu.layers import LAYERS
from pytmva_rnn.kernels.cpu.machine import padding_marks, source
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.op import FRAME, JOB, ROOM
from pytmva_rnn.kernels.cpu.machine.plan import Plan, Table
from pytmva_rnn.kernels.cpu.machine.steps import as_steps

__all__ = ["Workspace", "aligned", "make_plan"]


def make_plan(
    layers: Sequence[Any],
    steps: int,
    inputs: int,
    loss: str | None,
    *,
    training: bool,
    single: bool = False,
    input_gradient: bool = False,
    drop: Sequence[float] = (),
    mask_padding: bool = False,
) -> Plan:
    """Lay out a network for training, inference or one event; `drop` gives each layer's probability to drop inputs."""
    plan = Plan(layers, training, single)
    source.plan(plan, steps, inputs, input_gradient)
    if mask_padding:
        padding_marks.plan_mask(plan)
    blanked = last_sequence(layers) + 1 if mask_padding else 0
    drop = [*drop, *[0.0] * len(layers)]
    for number, layer in enumerate(layers):
        if number == blanked > 0:
            padding_marks.plan_blank(plan, number)
        if layer.drops_inputs and drop[number] > 0:
            dropout.plan(plan, number, drop[number])
        LAYERS.find(layer.kind)(layer, plan, number)
    if blanked == len(layers):
        padding_marks.plan_blank(plan, blanked - 1)
    if plan.view.T > 1:
        # what is read as outputs has no rows of ones between its steps
        as_steps(plan, len(layers) - 1, 1, plan.view.T * plan.view.D)
    if loss is not None:
        losses.plan(plan, loss)
    return plan


def aligned(rows: int, floats: int) -> NDArray[np.float32]:
    """Zeros, shape (rows, floats rounded up to a cache line), the rows on cache lines."""
    stride = -(-floats // 16) * 16
    memory = np.zeros(rows * stride + 16, np.float32)
    first = -(memory.ctypes.data // 4) % 16
    return memory[first : first + rows * stride].reshape(rows, stride)


class Workspace:
    """A plan with its memory, for `blocks` blocks on some threads."""

    def __init__(self, plan: Plan, blocks: int, threads: int) -> None:
        self.plan = plan
        self._table = Table(plan)
        self.table, self.matrices = self._table.operations, self._table.matrices
        cuts = [k for k, op in enumerate(plan.operations) if op.across] if plan.training else []
        self.segments = np.array([0, *cuts, len(self.table)], np.int64)
        self.scratch = aligned(blocks if cuts else threads, plan.scratch_size)
        for first in plan.ones:
            self.scratch[:, first : first + LANES] = 1
        self.gradients = aligned(threads if plan.training else 0, plan.weights_size)
        self.sums = np.zeros((blocks, plan.statistics_size))
        self.batch = np.zeros((2, plan.statistics_size))
        self.frame = np.zeros(1, FRAME)
        self.frame["batch"], self.frame["totals"] = (row.ctypes.data for row in self.batch)
        self.rooms = aligned(threads, ROOM // 4)
        self.job = filled(
            np.zeros(1, JOB),
            table=self.table.ctypes.data,
            operations=len(self.table),
            shared=self.frame.ctypes.data,
            rooms=self.rooms.ctypes.data,
            scratch=self.scratch.ctypes.data,
            scratch_step=self.scratch.strides[0],
            segments=self.segments.ctypes.data,
            cuts=len(cuts),
            gradients=self.gradients.ctypes.data,
            gradients_step=self.gradients.strides[0],
            sums=self.sums.ctypes.data,
            sums_step=self.sums.strides[0],
        )
        self.states: NDArray[np.float32] | None = None

    def remember_in(self, states: NDArray[np.float32]) -> None:
        """Have blocks remember in these `states`, one row a block: not to be called where the job has them already."""
        job, self.states = self.job, None  # Ctrl-C may come in between
        job["states"], job["states_step"], job["state_blocks"] = states.ctypes.data, states.strides[0], len(states)
        self.states = states
