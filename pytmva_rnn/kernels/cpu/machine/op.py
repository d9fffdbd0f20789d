"""The records that compiled code reads, and how it finds the places that they name.

A network is a table of operations, which compiled code walks. An operation's record, OP, holds what all have: sizes,
the places of activations and gradients, and the addresses of its functions; what one layer alone has stands in a record
of its own, `op.own`, whose type its file declares. FRAME holds what is another one for each block of events.

- Places are distances in bytes from an address that a frame holds. Steps and strides count floats.
- Each thread (with batch normalisation: each block) owns a slot of scratch memory with all activations of a block.
  Activations are [step][row][LANES] and every step ends with a row of ones, so that a bias is a weight like the others.
- Gradients of activations are contiguous, [step][row][LANES], without that row.
- Weights are one flat array of matrices [input][output], rows padded to whole vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pytmva_rnn.compile import emitted, helper, inlined
from pytmva_rnn.kernels.cpu.machine.intrinsics import floats
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH


def record_type(*names: str, doubles: tuple[str, ...] = (), extends: Any = None) -> Any:
    """A record of 64 bit integers, and behind them of float64; one that extends another starts like that one."""
    first = [] if extends is None else extends.descr
    return np.dtype([*first, *((name, np.int64) for name in names), *((name, np.float64) for name in doubles)])


OP = record_type(
    "layer",  # number in the layout
    "forward",  # addresses of its functions, 0 for none
    "backward",
    "pack",  # refreshes what the operation keeps of the weights in an order of its own
    "across",  # address of the functions that need the whole batch, ACROSS; 0 for none
    "own",  # address of the layer's own record
    "training",
    "T",  # steps read
    "D",  # rows of a step, without the row of ones
    "H",  # units: rows of an output step
    "x",  # place of the input activations, in the scratch memory, and the distance of their steps
    "x_step",
    "y",  # output activations
    "y_step",
    "dy",  # gradient of the output
    "dx",  # where to put the gradient of the input; -1: not needed
)

ACROSS = record_type(
    "add_sums",  # addresses of functions: a block's sums, before the batch goes on
    "finish_sums",  # the batch's, once
    "add_gradient_sums",  # and backward
    "finish_gradient_sums",
    "spread_gradient",  # from the sums to the gradient of a block's input
)
"""Of an operation that needs sums over the whole batch: all blocks come this far before any goes on."""

FRAME = record_type(
    "scratch",  # addresses: the slot's scratch memory
    "weights",
    "packed",
    "gradient",  # the thread's, flat like the weights
    "states",  # what the block remembers
    "statistics",  # float64: running mean and variance
    "batch",  # float64: mean and scale of the batch
    "totals",  # float64: sums of the backward pass over the batch
    "sums",  # float64: the block's share of either; where they are finished, the first block's
    "sums_step",  # bytes from one block's to the next
    "X",  # all events (n, T*D), targets (n, O) and weights (n,)
    "y",
    "w",
    "x_gradient",  # (batch, T*D)
    "events",  # int64: LANES numbers of the block's events in X; lanes without an event repeat the last
    "loss",  # float64: sum so far
    "block",  # number of the block
    "count",  # its events
    "vectors",  # vectors of lanes that hold them: the others are left out where that saves much, and never read
    "blocks",  # blocks and events of the batch
    "n",
    "batches",  # batches since the last inference
    "key",  # of dropout
)
"""What an operation finds besides its own record."""

JOB = record_type(
    "table",  # address of the operations, and their number
    "operations",
    "shared",  # address of the frame with what all blocks share
    "rooms",  # of the first thread's room: its frame, numbers of events and sum of losses
    "scratch",  # of the first slot of scratch memory, and bytes to the next
    "scratch_step",
    "states",  # what blocks remember: address, bytes from one to the next, and how many have their own
    "states_step",
    "state_blocks",
    "threads",
    "n",  # events
    "segments",  # of the numbers of operations where segments begin and end, and how many cuts lie between them
    "cuts",
    "segment",  # to walk now, and in which directions
    "stage",
    "events",  # numbers of the batch's events, and of the next batch's
    "upcoming",
    "gradients",  # of the first thread's gradient, and bytes to the next
    "gradients_step",
    "sums",  # of the first block's sums, and bytes to the next
    "sums_step",
    "outputs",  # scores: where they go, how many an event has, and their place in the scratch memory
    "width",
    "out",
    "one_by_one",
    "alone",  # address of the record EVENT of what scores events one by one
    "few",  # so many events that do not fill a block's first vector of lanes are scored by that; 0: none are
    "few_more",  # and so many that do not fill another one
)
"""What threads are to do with a batch."""

EVENT = record_type(
    "table",  # addresses of the operations, of the frame and of the first output, and the operations' number
    "frame",
    "raw",
    "operations",
)
"""How one event is scored."""

TRAINING = record_type(
    "job",  # address of its record
    "function",  # of what walks the blocks
    "threads",
    "crew",  # address of its record, 0 for none
    "matrices",  # of the records of the blocks of the flat weights, and how many there are
    "matrix_count",
    "blocks",  # of a batch
    "update",  # address of the record of the optimizer's update, and of the function that makes it
    "optimizer",
    "regularization",
    "batches",  # before the first, since the last inference
    "t",  # number of the optimizer's first step; 0: none is made
    "as_float",  # addresses of Python's functions
    "release",
    "hold",
    doubles=("decay",),
)
"""How batches are trained on."""

FINISHING = record_type(
    "sigmoid",  # whether to take it of the outputs
    "tanh",  # address of the record LOOP of NumPy's
    "halves",  # of some float64
    "reports",  # whether `answer` takes the place of NaN
    doubles=("answer",),
)
"""What is made of raw outputs."""

INFERENCE = record_type(
    "job",  # address of its record
    "function",  # of what walks the blocks
    "threads",
    "crew",  # address of its record, 0 for none
    "finishing",  # address of the record FINISHING of what makes scores of the raw outputs, 0 for nothing
    "as_float",  # addresses of Python's functions
    "release",
    "hold",
)
"""How batches are scored."""

ROOM_NUMBERS = -(-FRAME.itemsize // 64) * 64
ROOM_LOSS = ROOM_NUMBERS + 8 * LANES
ROOM = ROOM_LOSS + 64
"""Bytes of a thread's room, whole cache lines: a frame, the numbers of a block's events, a sum of losses."""

MATRIX = record_type(
    "start",  # first of its floats in the flat weights
    "rows",
    "columns",
    "stride",
    "penalised",  # so many of the first rows count in the penalty
    "decaying",  # and so many take part in its gradient
)
"""A block of the flat weights: rows of `stride` floats, of which `columns` are used; the last may be the bias."""


@helper
def copy_floats(target, source, n):
    """Copy n values from one address to another; assigning slices would compile the text of an error, for seconds."""
    to, of = floats(target, n), floats(source, n)
    for k in range(n):
        to[k] = of[k]


@emitted
def vectors_of(n):
    """Vectors that hold n floats."""
    return (n + WIDTH - 1) // WIDTH


@emitted
def padded(n):
    """n rounded up to whole vectors."""
    return vectors_of(n) * WIDTH


@emitted
def element(address, stride, row, column):
    """Address of an element of a matrix whose rows are `stride` floats apart."""
    return address + 4 * (row * stride + column)


@emitted
def step_of(address, step, t):
    """Address of step t, for steps so many floats apart."""
    return address + 4 * step * t


@emitted
def row_of(address, row):
    """Address of a row of an array [row][LANES]."""
    return address + 4 * LANES * row


@emitted
def input_step(op, frame, t):
    """Address of the input of step t."""
    return step_of(frame.scratch + op.x, op.x_step, t)


@emitted
def output_step(op, frame, t):
    """Address of step t of the output."""
    return step_of(frame.scratch + op.y, op.y_step, t)


@emitted
def input_row(op, frame, k):
    """Address of row k of the input, counted through the steps."""
    return row_of(input_step(op, frame, k // op.D), k % op.D)


@inlined
def input_value(op, frame, k):
    """Value k of the input of a single event, counted through the steps."""
    return floats(input_step(op, frame, k // op.D), op.D)[k % op.D]
