"""A network as a list of operations, and where each array lies in the memory that they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import Operation, filled
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH
from pytmva_rnn.kernels.cpu.machine.op import ACROSS, MATRIX, OP, padded, vectors_of
from pytmva_rnn.kernels.cpu.machine.panels import Panels, RowsOfWeights

__all__ = ["Array", "Matrix", "Plan", "PlannedOperation", "Table", "View"]


@dataclass(frozen=True)
class Matrix:
    """A block of the flat weights, from float `start` on: rows of `stride` floats, of which `columns` are used.

    If it is `biased` the last row is the bias. `arrays` are the first and the last row, and the declared role, of each
    array of a layer that lies there.
    """

    start: int
    rows: int
    columns: int
    stride: int
    biased: bool
    arrays: list[tuple[int, int, Any]] = field(default_factory=list)

    @property
    def place(self) -> int:
        """Of the first row."""
        return self.row(0)

    def row(self, number: int) -> int:
        """Place of a row."""
        return 4 * (self.start + number * self.stride)

    def window(self, first: int, count: int, column: int) -> RowsOfWeights:
        """Some rows, from a column on."""
        return RowsOfWeights(self.start + first * self.stride + column, count, self.stride)

    def leading(self, chosen: Callable[[Any], bool]) -> int:
        """So many of the first rows hold the arrays whose role is chosen.

        Raises
        ------
        ValueError
            If other arrays lie between them.
        """
        end = max((last for _, last, role in self.arrays if chosen(role)), default=0)
        if any(first < end and not chosen(role) for first, _, role in self.arrays):
            raise ValueError(
                "arrays that count in the penalty must lie in a matrix's first rows, above those that do not"
            )
        return end


@dataclass(frozen=True)
class Array:
    """Where a layer's array lies in the flat weights (or statistics): from `start` on, transposed or not."""

    layer: int
    name: str
    shape: tuple[int, int]
    start: int
    stride: int
    transposed: bool = True
    statistic: bool = False

    def window(self, flat: NDArray[Any]) -> NDArray[Any]:
        """The array, a window on the flat memory."""
        rows, columns = self.shape[::-1] if self.transposed else self.shape
        strides = (self.stride * flat.itemsize, flat.itemsize)
        window = np.lib.stride_tricks.as_strided(flat[self.start :], (rows, columns), strides)
        return window.T if self.transposed else window


@dataclass
class View:
    """Activations [T][D + 1][LANES] at `place`, steps `step` apart, and their gradient at `gradient` (-1: none)."""

    T: int
    D: int
    place: int
    step: int
    gradient: int


@dataclass
class PlannedOperation:
    """Fields of an operation's record, and of its layer's own. An `Operation` stands for its address."""

    fields: dict[str, Any]
    record: Any = None
    own: dict[str, Any] = field(default_factory=dict)
    across: dict[str, Operation] = field(default_factory=dict)


@dataclass
class Plan:
    """Lays out the memory and the operations of a network, for training or for inference.

    Layers add themselves one after another. Each reads `view`, what the one before it makes, and puts its own there.
    """

    layers: Sequence[Any]
    training: bool
    single: bool = False  # for one event, whose activations are [step][row], without lanes and without rows of ones
    view: View = field(init=False)
    operations: list[PlannedOperation] = field(default_factory=list)
    matrices: list[Matrix] = field(default_factory=list)
    panels: list[Panels] = field(default_factory=list)
    arrays: list[Array] = field(default_factory=list)
    ones: list[int] = field(default_factory=list)
    scratch_size: int = 0
    weights_size: int = 0
    packed_size: int = 0
    state_size: int = 0
    statistics_size: int = 0
    mask: int = -1  # place of what steps are there; see `padding_marks`

    def scratch(self, floats: int) -> int:
        """Room in the scratch memory, zero at first."""
        place = 4 * self.scratch_size
        self.scratch_size += -(-floats // 16) * 16
        return place

    def rows(self, n: int) -> int:
        """Floats that n rows take."""
        return padded(n) if self.single else n * LANES

    def step(self, rows: int) -> int:
        """Floats from one step of activations of `rows` rows to the next."""
        return padded(rows) if self.single else (rows + 1) * LANES

    def activations(self, steps: int, rows: int) -> int:
        """Room for activations, with a row of ones after each step's `rows`."""
        step = self.step(rows)
        place = self.scratch(steps * step)
        if not self.single:
            self.ones += [place // 4 + t * step + rows * LANES for t in range(steps)]
        return place

    def gradient(self, floats: int) -> int:
        """Room for a gradient; -1 in inference."""
        return self.scratch(floats) if self.training else -1

    def matrix(self, rows: int, columns: int, *, biased: bool = False) -> Matrix:
        """Room for a weight matrix [rows][columns]; with `biased` one more row, the bias."""
        matrix = Matrix(self.weights_size, rows + biased, columns, padded(columns), biased)
        self.weights_size += matrix.rows * matrix.stride
        self.matrices.append(matrix)
        return matrix

    def place(
        self, layer: int, name: str, matrix: Matrix, row: int = 0, column: int = 0, *, transposed: bool = True
    ) -> None:
        """Say that the array `name` of a layer lies, transposed, at a row and column of a matrix."""
        declared = self.layers[layer].arrays()[name]
        matrix.arrays.append((row, row + declared.shape[1 if transposed else 0], declared))
        start = matrix.start + row * matrix.stride + column
        self.arrays.append(Array(layer, name, declared.shape, start, matrix.stride, transposed))

    def statistic(self, layer: int, name: str) -> int:
        """Room for an array that is kept in float64 and has no gradient."""
        shape = self.layers[layer].arrays()[name].shape
        start = self.statistics_size
        self.arrays.append(Array(layer, name, shape, start, shape[1], transposed=False, statistic=True))
        self.statistics_size += shape[0] * shape[1]
        return 8 * start

    def packed(self, floats: int) -> int:
        """Room for weights in the order of a fused step, which one event does not take."""
        return -1 if self.single else self._packed(floats)

    def product(self, columns: int, matrix: Matrix, column: int = 0, *, bias: tuple[Matrix, int] | None = None) -> int:
        """Room for the weights of a product with one event, in panels; -1 in other plans.

        Parameters
        ----------
        columns : int
            How many sums there are.
        matrix : Matrix
            What meets the inputs, from a column on.
        bias : tuple of Matrix and int, optional
            That of which matrix the sums start with, from which column on.
        """
        if not self.single:
            return -1
        first = None if bias is None else bias[0].window(bias[0].rows - 1, 1, bias[1])
        panels = Panels(self.packed_size, columns, first, matrix.window(0, matrix.rows - matrix.biased, column))
        self.panels.append(panels)
        return self._packed(panels.rows * vectors_of(columns) * WIDTH)

    def _packed(self, floats: int) -> int:
        place = 4 * self.packed_size
        self.packed_size += floats
        return place

    def state(self, floats: int) -> int:
        """Room in what a block remembers from batch to batch."""
        place = 4 * self.state_size
        self.state_size += floats
        return place

    def add(
        self,
        layer: int,
        *,
        forward: Operation,
        forward_one: Operation | None = None,
        backward: Operation | None = None,
        pack: Operation | None = None,
        record: Any = None,
    ) -> PlannedOperation:
        """Append an operation that reads the current view.

        Parameters
        ----------
        layer : int
            Number in the layout.
        forward, backward, pack : Operation
            The functions, if there are such.
        forward_one : Operation
            Takes the place of `forward` in a plan for one event.
        record : dtype, optional
            Of the layer's own record, made with `op.record_type`.

        Raises
        ------
        ValueError
            In a plan for one event without a function for that.
        """
        if self.single:
            forward = self._for_one_event(layer, forward_one)
        view = self.view
        fields: dict[str, Any] = {"layer": layer, "training": int(self.training)}
        fields |= {"T": view.T, "D": view.D, "x": view.place, "x_step": view.step, "dx": view.gradient}
        fields |= {"forward": forward, "pack": None if self.single else pack}
        if self.training:  # need not be compiled for inference
            fields["backward"] = backward
        operation = PlannedOperation(fields, record)
        self.operations.append(operation)
        return operation

    def output(self, operation: PlannedOperation, view: View) -> None:
        """Make what an operation makes the current view."""
        operation.fields |= {"H": view.D, "y": view.place, "y_step": view.step, "dy": view.gradient}
        self.view = view

    def _for_one_event(self, layer: int, function: Operation | None) -> Operation:
        if function is None:
            raise ValueError(f"layer {layer} ({self.layers[layer].kind}) of the CPU backend has no `forward_one`")
        return function


class Table:
    """The records of a plan, for compiled code.

    Attributes
    ----------
    operations : array of OP
    matrices : array of MATRIX
    """

    def __init__(self, plan: Plan) -> None:
        self._pointed_at: list[NDArray[Any]] = []
        rows = []
        for planned in plan.operations:
            pointers = {"own": self._address(planned.record, planned.own)}
            if plan.training and planned.across:
                pointers["across"] = self._address(ACROSS, planned.across)
            rows.append(filled(np.zeros(1, OP), **planned.fields, **pointers))
        self.operations = np.concatenate([np.zeros(0, OP), *rows])
        self.matrices = np.zeros(len(plan.matrices), MATRIX)
        for record, matrix in zip(self.matrices, plan.matrices, strict=True):
            for name in ("start", "rows", "columns", "stride"):
                record[name] = getattr(matrix, name)
            record["penalised"] = matrix.leading(lambda role: role.penalised)
            record["decaying"] = matrix.leading(lambda role: role.decays)

    def _address(self, dtype: Any, values: Mapping[str, Any]) -> int:
        """Address of a record that lives as long as this table; 0 for none."""
        if dtype is None:
            return 0
        record = filled(np.zeros(1, dtype), **values)
        self._pointed_at.append(record)
        return record.ctypes.data
