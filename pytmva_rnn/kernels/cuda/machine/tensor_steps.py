"""The products with the state in the steps of large layers on tensor cores: who makes which, and how.

The steps are those of `steps.py`, where the weights do not fit into shared memory and are read in every step. A tile of
tensor cores has 16 rows and 8 columns; rows are units here, and columns events, so that eight events are enough for
one. A block has 8, 16 or 32 events and all units, one chunk of them after another. Of a chunk each warp has some eights
of units with all their gates: a weight is read by one warp, and serves all events of the block.

The weights come from memory straight into the registers where tensor cores want them, four of a row at once, and the
next ones while these are multiplied. A thread's four belong to two products of eights, in whose sums the order is
another than in memory, for states as for weights. So rows are filled up with zeros to multiples of `DEPTH`.

The sums go through shared memory, [event][gate][unit], to the threads that work out the equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import (
    SIMULATED,
    THREADS,
    blocks_for,
    device,
    float32,
    grant_shared,
    index,
    kernel,
    multiprocessors,
    shared_bytes,
)
from pytmva_rnn.kernels.cuda.machine.equations import Equations
from pytmva_rnn.kernels.cuda.machine.layer import Run
from pytmva_rnn.kernels.cuda.machine.tensor_cores import GROUP, WARP, add_products, divide
from pytmva_rnn.kernels.cuda.machine.vectors import WIDTH, load4

WARPS = 2 if SIMULATED else 8

BLOCK = WARP * WARPS

DEPTH = 4 * WIDTH
"""So much of the sums' index at once: four for each thread that has a row."""

WIDEST = 4
"""At most so many eights of events in a block."""

FILLED = WIDEST * GROUP
"""Memory is laid out for a multiple of so many events."""


@dataclass(frozen=True)
class TensorRows:
    """What a block makes for each event in one direction.

    Attributes
    ----------
    gates : int
        Sums of a unit.
    slots : int
        Numbers of a unit that go through shared memory.
    floats : int
        What the steps pass on.
    even : bool
        Whether the sums of a single gate have to fill whole tiles.
    """

    gates: int
    slots: int
    floats: int
    even: bool = False

    @property
    def spans(self) -> int:
        """Eights of units of a warp: enough for two tiles."""
        return max(-(-4 // self.gates), 2 if self.even else 1)

    @property
    def chunk(self) -> int:
        """Units that a block works on at once."""
        return GROUP * self.spans * WARPS

    @property
    def exchange(self) -> int:
        """Floats for the sums of a chunk; events begin in other banks."""
        return self.slots * self.chunk + 4


def forward_rows(cell: Equations, H: int) -> TensorRows:
    """Going forward: the gates' arguments, and with `apart` the product beside its gate's."""
    floats = cell.forward_floats * (filled(H) | DEPTH)
    return TensorRows(cell.count, cell.count + cell.apart, floats, even=cell.reset is not None)


def backward_rows(cell: Equations, H: int) -> TensorRows:
    """Going backward: the state's gradient."""
    return TensorRows(1, 1, (cell.count * filled(H) | DEPTH) + (1 + cell.carries) * filled(H))


def filled(H: int) -> int:
    """Units with those that are zero behind them.

    Rows of so many, or of so many of each gate, are `| DEPTH` apart in shared memory: eight of them lie in other banks.
    """
    return -(-H // DEPTH) * DEPTH


class TensorBlocks(NamedTuple):
    """Blocks of a launch, of `BLOCK` threads each.

    Attributes
    ----------
    form : (eights of events in a block, states in shared memory)
        What the kernel is compiled for.
    grid : int
    shared : int
        Bytes of shared memory.
    """

    form: tuple[int, bool]
    grid: int
    shared: int


def tensor_blocks(events: int, rows: TensorRows) -> TensorBlocks:
    """How to divide events over blocks."""
    # the weights are read by every block: so there are no more than processors can have at once, and some to spare
    wide = 1
    while wide < WIDEST and 3 * -(-events // (GROUP * wide)) > 2 * multiprocessors():
        wide *= 2
    fitting = wide
    while fitting > 1 and _bytes(fitting, rows) > shared_bytes():
        fitting //= 2
    shares = not beyond_shared(rows)
    columns = GROUP * (fitting if shares else wide)
    shared = 4 * columns * (rows.exchange + (rows.floats if shares else 0))
    return TensorBlocks((columns // GROUP, shares), -(-events // columns), shared)


def beyond_shared(rows: TensorRows) -> bool:
    """Whether what the steps pass on is in global memory."""
    return _bytes(1, rows) > shared_bytes()


def _bytes(wide: int, rows: TensorRows) -> int:
    return 4 * GROUP * wide * (rows.exchange + rows.floats)


@kernel
def _arrange(U, target, backward):
    """target (gate, unit, unit of the step before), or if backward (unit of the step before, gate, unit); or zero."""
    H = U.shape[1]
    full = (H + DEPTH - 1) // DEPTH * DEPTH
    gates = U.shape[0] // H
    for place in range(cuda.grid(1), gates * full * full, cuda.gridsize(1)):
        row, column = place // full, place % full
        if backward:
            gate, unit, earlier = row % gates, column, row // gates
        else:
            gate, unit, earlier = row // full, row % full, column
        target[place] = U[gate * H + unit, earlier] if unit < H and earlier < H else np.float32(0)


def arrange(run: Run, U: Any, target: Any, *, backward: bool) -> None:
    """Write the recurrent weights as the kernels of a direction read them."""
    H = U.shape[1]
    size = U.shape[0] // H * filled(H) ** 2
    _arrange[blocks_for(size), THREADS, run.stream](U, target, backward)


def launch(run: Run, kernel: Any, blocks: TensorBlocks, arguments: tuple[Any, ...]) -> None:
    """Launch the kernel of a direction."""
    grant_shared(kernel, arguments, blocks.shared)
    kernel[blocks.grid, BLOCK, run.stream, blocks.shared](*arguments)


@cache
def adding(low: int, high: int, spans: int, wide: int) -> Any:
    """A function that adds the products of a warp's rows, of the gates from low to high, to its sums.

    It takes the sums, (wide, 2*(high - low)*spans); U, flat, where a gate is `across` and a unit `down` behind the one
    before; the warp's first unit; `last`, the first of the last eight units, which are read in place of any beyond;
    where the sums' index begins and ends; and the states, from `place` on, an event's `pitch` behind those of the one
    before. In sums[n, 2*q + c] a thread has the unit that is its own of the q-th eight of rows, for the c-th of the two
    events that are its own of the n-th eight.
    """
    groups = (high - low) * spans
    weights, factors, others = groups * WIDTH, groups * 2, wide * WIDTH

    @device
    def ask(held, U, across, down, unit, last, k):
        for q in range(groups):
            row = min(unit + q % spans * GROUP, last) + cuda.threadIdx.x % WARP // 4
            v, w, x, y = load4(U, (low + q // spans) * across + row * down + k)
            held[q * WIDTH], held[q * WIDTH + 1], held[q * WIDTH + 2], held[q * WIDTH + 3] = v, w, x, y

    @device
    def add(sums, U, across, down, unit, last, begin, end, states, place, pitch):
        held, left = cuda.local.array(weights, float32), cuda.local.array(weights, float32)
        right = cuda.local.array(others, float32)
        a, a_rest = cuda.local.array(factors, float32), cuda.local.array(factors, float32)
        lane = cuda.threadIdx.x % WARP
        mine = lane % 4 * WIDTH
        at = place + lane // 4 * pitch + begin + mine
        ask(held, U, across, down, unit, last, begin + mine)
        for k in range(begin, end, DEPTH):
            for q in range(weights):
                left[q] = held[q]
            if k + DEPTH < end:
                ask(held, U, across, down, unit, last, k + DEPTH + mine)
            for n in range(wide):
                v, w, x, y = load4(states, at + n * GROUP * pitch)
                right[n * WIDTH], right[n * WIDTH + 1], right[n * WIDTH + 2], right[n * WIDTH + 3] = v, w, x, y
            for pair in range(0, WIDTH, 2):
                for q in range(groups):
                    first = q // 2 * 4 + q % 2
                    a[first], a_rest[first] = divide(left[q * WIDTH + pair])
                    a[first + 2], a_rest[first + 2] = divide(left[q * WIDTH + pair + 1])
                for n in range(wide):
                    x, y = right[n * WIDTH + pair], right[n * WIDTH + pair + 1]
                    add_products(sums, n, groups // 2, a, a_rest, x, y)
            at += DEPTH

    return add


@device
def start(states, place, initial, known, columns, H, pitch, first, events):
    """States of the block's events before the first step, those of `initial` or zero; what fills them up is zero."""
    for k in range(cuda.threadIdx.x, columns * pitch, BLOCK):
        event, j = first + k // pitch, k % pitch
        there = known and event < events and j < H
        states[index(place + k)] = initial[event, j] if there else np.float32(0)


@device
def keep(states, place, initial, columns, H, pitch, first, events):
    """Leave the last states for the next batch."""
    for k in range(cuda.threadIdx.x, columns * pitch, BLOCK):
        event, j = first + k // pitch, k % pitch
        if event < events and j < H:
            initial[event, j] = states[index(place + k)]
