"""Matrix products: a layer's inputs with its weights, and the two products of its backward pass.

A block makes a tile of the result; it brings the factors through shared memory in slabs, and each thread keeps a square
of sums in registers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from pytmva_rnn.kernels.codes import LINEAR
from pytmva_rnn.kernels.cuda.machine.activations import activate, slope
from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, THREADS, blocks_for, device, float32, kernel
from pytmva_rnn.kernels.cuda.machine.layer import Below, Run

SIDE = 2 if SIMULATED else 16
"""Threads of a block in each direction, and the depth of a slab."""

EACH = 3 if SIMULATED else 4
"""Rows and columns of a thread."""

TILE = SIDE * EACH
PITCH = TILE + 1
"""Floats from row to row of a slab: one more than a tile, or a column would lie in one bank of shared memory."""

CHUNKS = 32
"""At most so many partial sums of a weight's gradient."""

_ROWS = 8 if SIMULATED else 64
"""At least so many rows are summed in one chunk."""


@device
def _clear(sums):
    for i in range(EACH):
        for j in range(EACH):
            sums[i, j] = np.float32(0)


@device
def _load_rows(slab, matrix, first, end, k, depth):
    """slab[kk, i] = matrix[first + i, k + kk], zero from row `end` and column `depth` on."""
    column = k + cuda.threadIdx.x
    for i in range(cuda.threadIdx.y, TILE, SIDE):
        inside = first + i < end and column < depth
        slab[cuda.threadIdx.x, i] = matrix[first + i, column] if inside else np.float32(0)


@device
def _load_columns(slab, matrix, k, depth, first, end, ones):
    """slab[kk, j] = matrix[k + kk, first + j], zero from row `depth` and column `end` on, but 1 in column `ones`."""
    row = k + cuda.threadIdx.y
    for j in range(cuda.threadIdx.x, TILE, SIDE):
        inside = row < depth and first + j < end
        outside = np.float32(1) if first + j == ones else np.float32(0)
        slab[cuda.threadIdx.y, j] = matrix[row, first + j] if inside else outside


@device
def _multiply(left, right, sums):
    """Add a slab's products: row `threadIdx.y + i*SIDE` with column `threadIdx.x + j*SIDE`."""
    cuda.syncthreads()
    # unsigned places: those with a sign are looked at for -1 and the like
    y, x, side = np.uint64(cuda.threadIdx.y), np.uint64(cuda.threadIdx.x), np.uint64(SIDE)
    for k in range(side):
        row = y
        for i in range(EACH):
            factor = left[k, row]
            column = x
            for j in range(EACH):
                sums[i, j] += factor * right[k, column]
                column += side
            row += side
    cuda.syncthreads()


@kernel
def _forward(x, W, b, a, y, rows, activation):
    """a = x W^T + b and y = activation(a)."""
    left = cuda.shared.array((SIDE, PITCH), float32)
    right = cuda.shared.array((SIDE, PITCH), float32)
    sums = cuda.local.array((EACH, EACH), float32)
    _clear(sums)
    first_row, first_column = cuda.blockIdx.x * TILE, cuda.blockIdx.y * TILE
    outputs, inputs = W.shape
    for k in range(0, inputs, SIDE):
        _load_rows(left, x, first_row, rows, k, inputs)
        _load_rows(right, W, first_column, outputs, k, inputs)
        _multiply(left, right, sums)
    for i in range(EACH):
        row = first_row + cuda.threadIdx.y + i * SIDE
        for j in range(EACH):
            column = first_column + cuda.threadIdx.x + j * SIDE
            if row < rows and column < outputs:
                value = sums[i, j] + b[column]
                a[row, column] = value
                y[row, column] = activate(activation, value)


@kernel
def _input_gradient(da, W, dx, rows, activation, a, y):
    """dx = da W, times the derivative of the activation that made the inputs, y = activation(a)."""
    left = cuda.shared.array((SIDE, PITCH), float32)
    right = cuda.shared.array((SIDE, PITCH), float32)
    sums = cuda.local.array((EACH, EACH), float32)
    _clear(sums)
    first_row, first_column = cuda.blockIdx.x * TILE, cuda.blockIdx.y * TILE
    outputs, inputs = W.shape
    for k in range(0, outputs, SIDE):
        _load_rows(left, da, first_row, rows, k, outputs)
        _load_columns(right, W, k, outputs, first_column, inputs, -1)
        _multiply(left, right, sums)
    for i in range(EACH):
        row = first_row + cuda.threadIdx.y + i * SIDE
        for j in range(EACH):
            column = first_column + cuda.threadIdx.x + j * SIDE
            if row < rows and column < inputs:
                value = sums[i, j]
                if activation != LINEAR:
                    value *= slope(activation, a[row, column], y[row, column])
                dx[row, column] = value


@kernel
def _weight_gradient(
    da, first, x_outputs, x, x_start, bias, h_outputs, h, h_start, x_tiles, partials, rows, chunk_rows
):
    """Sums of da^T x, and of da^T h, over a chunk of rows, for columns of da from `first` on.

    The first `x_tiles` columns of blocks have x. `bias`, if not below 0, gets the sums of da alone: the bias is the
    last column, as if x had one more input, which is 1.
    """
    left = cuda.shared.array((SIDE, PITCH), float32)
    right = cuda.shared.array((SIDE, PITCH), float32)
    sums = cuda.local.array((EACH, EACH), float32)
    _clear(sums)
    of_x = cuda.blockIdx.y < x_tiles
    factor = x if of_x else h
    outputs, start = (x_outputs, x_start) if of_x else (h_outputs, h_start)
    inputs = factor.shape[1]
    first_row, first_column = cuda.blockIdx.x * TILE, (cuda.blockIdx.y - (0 if of_x else x_tiles)) * TILE
    chunk = cuda.blockIdx.z
    end = min(rows, (chunk + 1) * chunk_rows)
    for k in range(chunk * chunk_rows, end, SIDE):
        _load_columns(left, da, k, end, first + first_row, first + outputs, -1)
        _load_columns(right, factor, k, end, first_column, inputs, inputs)
        _multiply(left, right, sums)
    for i in range(EACH):
        row = first_row + cuda.threadIdx.y + i * SIDE
        for j in range(EACH):
            column = first_column + cuda.threadIdx.x + j * SIDE
            if row < outputs and column < inputs:
                partials[chunk, start + row * inputs + column] = sums[i, j]
            if row < outputs and column == inputs and of_x and bias >= 0:
                partials[chunk, bias + row] = sums[i, j]


@kernel
def _transpose(source, target):
    """target, flat, is the transposed matrix."""
    rows, columns = source.shape
    for k in range(cuda.grid(1), rows * columns, cuda.gridsize(1)):
        target[k] = source[k % rows, k // rows]


def _tiles(count: int) -> int:
    return -(-count // TILE)


def forward(run: Run, x: Any, W: Any, b: Any, a: Any, y: Any, rows: int, activation: int = LINEAR) -> None:
    """a = x W^T + b and y = activation(a), for x (rows, inputs); a may be y."""
    grid = (_tiles(rows), _tiles(W.shape[0]))
    _forward[grid, (SIDE, SIDE), run.stream](x, W, b, a, y, rows, activation)


def input_gradient(run: Run, da: Any, W: Any, dx: Any, rows: int, below: Below | None) -> None:
    """dx = da W; times the derivative of the activation below, where there is one."""
    activation, a, y = below or (LINEAR, dx, dx)
    grid = (_tiles(rows), _tiles(W.shape[1]))
    _input_gradient[grid, (SIDE, SIDE), run.stream](da, W, dx, rows, activation, a, y)


def weight_gradient(
    run: Run,
    da: Any,
    first: int,
    outputs: int,
    x: Any,
    start: int,
    rows: int,
    bias: int = -1,
    also: tuple[Any, int, int] | None = None,
) -> None:
    """Partial sums of da^T x, and of da, for `outputs` columns of da from `first` on.

    The partials (CHUNKS, weights) get the products from `start` and the sums of da from `bias` on; chunks that are not
    needed for so few rows stay as they are, zero. `also` is another x, with its number of columns of da, and its start.
    """
    chunks = max(1, min(CHUNKS, rows // _ROWS))
    h, h_outputs, h_start = also or (x, 0, 0)
    x_tiles = _tiles(x.shape[1] + (bias >= 0))
    columns = x_tiles + (_tiles(h.shape[1]) if also else 0)
    _weight_gradient[(_tiles(outputs), columns, chunks), (SIDE, SIDE), run.stream](
        da,
        first,
        outputs,
        x,
        start,
        bias,
        h_outputs,
        h,
        h_start,
        x_tiles,
        run.partials,
        rows,
        -(-rows // chunks),
    )


def transpose(run: Run, source: Any, target: Any) -> None:
    """Write a matrix transposed into a flat array."""
    _transpose[blocks_for(source.size), THREADS, run.stream](source, target)
