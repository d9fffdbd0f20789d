"""A network as a list of operations, and where each array lies in the memory that they share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import Operation
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.op import OP, padded


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
