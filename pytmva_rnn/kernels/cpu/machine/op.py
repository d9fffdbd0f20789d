"""A network as a table of operations, and the memory that they share.

A record holds an operation's sizes, the places of its data and the addresses of its functions; compiled code walks the
table. Places are offsets that count floats, from addresses that a frame holds.

- Each thread (with batch normalisation: each block) owns a slot of scratch memory with all activations of a block.
  Activations are [step][row][LANES] and every step ends with a row of ones, so that a bias is a weight like the others.
- Gradients of activations are contiguous, [step][row][LANES], without that row.
- Weights are one flat array of matrices [input][output], rows padded to whole vectors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import Operation, kernel
from pytmva_rnn.kernels.cpu.machine.intrinsics import array_at
from pytmva_rnn.kernels.cpu.machine.simd import LANES, WIDTH

_INTEGERS = (
    "layer",  # number in the layout
    "forward",  # addresses of its functions, 0 for none
    "backward",
    "pack",  # refreshes what the operation keeps of the weights in an order of its own
    "add_sums",  # batch normalisation: see there
    "finish_sums",
    "add_gradient_sums",
    "finish_gradient_sums",
    "spread_gradient",
    "T",  # steps read
    "D",  # rows of a step, without the row of ones
    "H",  # units: rows of an output step
    "sequence",  # returns every state
    "remember",
    "variant",  # activation of a dense layer; 1 for a GRU with the reset gate after
    "training",
    "x",  # input activations and the distance of their steps
    "x_step",
    "y",  # output activations
    "y_step",
    "slots",  # steps that a recurrent layer keeps: T+1, or 2 that it uses in turn
    "dy",  # gradient of the output
    "dx",  # where to put the gradient of the input; -1: not needed
    "saved",  # what the forward pass keeps for the backward pass
    "saved_step",
    "cell",  # an LSTM's cell states
    "work",  # scratch of one step
    "transposed",  # gate gradients [step][lane][gate]
    "transposed_stride",
    "chunk",  # steps whose gate gradients are kept before they are multiplied into the weights' gradient
    "w",  # weights of the inputs and the bias
    "w_stride",
    "u",  # weights of the states
    "u_stride",
    "v",  # a GRU's candidate weights of the states
    "v_stride",
    "packed",  # weights in the order of the fused step
    "packed_v",
    "state",  # remembered states, within a block's share
    "statistics",  # batch normalisation: running mean and variance; batch sums lie at the same place of their array
)
OP = np.dtype(
    [(name, np.int64) for name in _INTEGERS]
    + [("probability", np.float64), ("momentum", np.float64), ("epsilon", np.float64)],
    align=True,
)

FRAME = np.dtype(
    [
        (name, np.int64)
        for name in (
            "scratch",  # addresses: the slot's scratch memory
            "weights",
            "packed",
            "gradient",  # the thread's, flat like the weights
            "states",  # what the block remembers
            "statistics",  # float64: running mean and variance
            "batch",  # float64: mean and scale of the batch
            "totals",  # float64: sums of the backward pass over the batch
            "sums",  # float64: the block's share of either; where they are finished, the first block's
            "sums_stride",  # values from one block's to the next
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
    ],
    align=True,
)
"""What an operation finds besides its own record."""


@kernel
def floats(address, n):
    """float32 array of n values at an address."""
    return array_at(address, n, np.float32)


@kernel
def copy_floats(target, source, n):
    """Copy n values from one address to another; assigning slices would compile the text of an error, for seconds."""
    to, of = floats(target, n), floats(source, n)
    for k in range(n):
        to[k] = of[k]


@kernel
def doubles(address, n):
    """float64 array of n values at an address."""
    return array_at(address, n, np.float64)


@kernel
def padded(n):
    """n rounded up to whole vectors."""
    return -(-n // WIDTH) * WIDTH


@dataclass(frozen=True)
class Matrix:
    """A block of the flat weights: rows of `stride` floats, of which `columns` are used; the last may be the bias."""

    offset: int
    rows: int
    columns: int
    stride: int
    penalised: int  # rows that count in the penalty
    decays: bool  # whether the penalty's gradient applies


@dataclass(frozen=True)
class Entry:
    """Where a named array lies in the flat weights (or statistics)."""

    layer: int
    name: str
    offset: int
    stride: int
    transposed: bool = True
    statistic: bool = False


@dataclass
class View:
    """Activations [T][D + 1][LANES] at `offset`, steps `step` apart, and their gradient at `gradient` (-1: none)."""

    T: int
    D: int
    offset: int
    step: int
    gradient: int


@dataclass
class Plan:
    """Lays out the memory and the operations of a network, for training or for inference."""

    training: bool
    single: bool = False  # for one event, whose activations are [step][row], without lanes and without rows of ones
    view: View = field(init=False)
    operations: list[dict[str, Any]] = field(default_factory=list)
    matrices: list[Matrix] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    ones: list[int] = field(default_factory=list)
    scratch_size: int = 0
    weights_size: int = 0
    packed_size: int = 0
    state_size: int = 0
    statistics_size: int = 0

    def scratch(self, floats: int) -> int:
        """Room in the scratch memory, zero at first."""
        offset = self.scratch_size
        self.scratch_size += -(-floats // 16) * 16
        return offset

    def rows(self, n: int) -> int:
        """Floats that n rows take."""
        return padded(n) if self.single else n * LANES

    def step(self, rows: int) -> int:
        """Floats from one step of activations of `rows` rows to the next."""
        return padded(rows) if self.single else (rows + 1) * LANES

    def activations(self, steps: int, rows: int) -> int:
        """Room for activations, with a row of ones after each step's `rows`."""
        step = self.step(rows)
        offset = self.scratch(steps * step)
        if not self.single:
            self.ones += [offset + t * step + rows * LANES for t in range(steps)]
        return offset

    def gradient(self, floats: int) -> int:
        """Room for a gradient; -1 in inference."""
        return self.scratch(floats) if self.training else -1

    def matrix(self, rows: int, columns: int, *, biased: bool = False, decays: bool = False) -> Matrix:
        """Room for a weight matrix [rows][columns]; with `biased` one more row, the bias."""
        stride = padded(columns)
        matrix = Matrix(self.weights_size, rows + biased, columns, stride, rows, decays)
        self.weights_size += matrix.rows * stride
        self.matrices.append(matrix)
        return matrix

    def place(self, layer: int, name: str, matrix: Matrix, row: int = 0, column: int = 0) -> None:
        """Say that the transposed array `name` starts at a row and column of a matrix."""
        self.entries.append(Entry(layer, name, matrix.offset + row * matrix.stride + column, matrix.stride))

    def packed(self, floats: int) -> int:
        """Room for weights in the order of a fused step."""
        offset = self.packed_size
        self.packed_size += floats
        return offset

    def state(self, floats: int) -> int:
        """Room in what a block remembers from batch to batch."""
        offset = self.state_size
        self.state_size += floats
        return offset

    def add(self, layer: int, **fields: Any) -> dict[str, Any]:
        """Append an operation that reads the current view. An `Operation` among the fields stands for its address.

        `forward_one` takes the place of `forward` in a plan for one event.
        """
        view = self.view
        one = fields.pop("forward_one", None)
        if self.single:
            fields["forward"] = one
        operation = {"layer": layer, "T": view.T, "D": view.D, "x": view.offset, "x_step": view.step}
        operation |= {"dx": view.gradient, "training": int(self.training), **fields}
        self.operations.append(operation)
        return operation

    def table(self) -> NDArray[Any]:
        """The operations as an array of records."""
        table = np.zeros(len(self.operations), OP)
        for record, operation in zip(table, self.operations, strict=True):
            for name, value in operation.items():
                # the backward pass need not be compiled for inference
                if isinstance(value, Operation):
                    record[name] = value.address if self.training or name in ("forward", "pack") else 0
                else:
                    record[name] = value
        return table
