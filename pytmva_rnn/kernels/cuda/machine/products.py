"""Matrix products: a layer's inputs with its weights, and the two products of its backward pass.

A block makes a tile of the result; it brings the factors through shared memory in slabs, and each thread keeps a square
of sums in registers. While a slab is multiplied, the next one is on its way into registers; two slabs lie in shared
memory in turn, so that one barrier a slab suffices. The finished tile goes through shared memory too, from where it
leaves in whole rows.

Of results with few columns, or few rows, a thread has one: `each` is 1 then, else `WIDE`. Tensor cores make the others
where they are asked for; see `tensor_cores.py`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import cuda

from pytmva_rnn.kernels.codes import LINEAR
from pytmva_rnn.kernels.cuda.machine import tensor_cores
from pytmva_rnn.kernels.cuda.machine.activations import activate, slope
from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, THREADS, blocks_for, float32, index, kernel
from pytmva_rnn.kernels.cuda.machine.layer import Below, Run
from pytmva_rnn.kernels.cuda.machine.slabs import (
    BLOCK,
    DEPTH,
    LOADS,
    PITCH,
    SHARED,
    SIDE,
    SLAB,
    TILE,
    WIDE,
    clear,
    load_columns,
    load_rows,
    put_columns,
    put_rows,
    tile_functions,
)
from pytmva_rnn.kernels.cuda.machine.vectors import load, store

_GOAL = 4 if SIMULATED else 1024
"""Blocks of a weight gradient: enough for every GPU, and the same for all, so that sums do not depend on it."""

_FEW = 2 if SIMULATED else 128
"""Fewer wide tiles than this are divided into narrow ones."""

_ROWS = 8 if SIMULATED else 64
"""At least so many rows are summed in one chunk."""


@cache
def forward_kernel(each: int, tensor: bool) -> Any:
    """The kernel of a = x W^T + b and y = activation(a), `each` columns a thread, or on tensor cores."""
    width, loads = SIDE * each, DEPTH * SIDE * each // BLOCK
    multiply, spread = tile_functions(WIDE, each, tensor)

    @kernel
    def product(x, W, b, a, y, rows, activation):
        shared = cuda.shared.array(SHARED, float32)
        sums = cuda.local.array((WIDE, each), float32)
        left, right = cuda.local.array(WIDE, float32), cuda.local.array(each, float32)
        held_x, held_W = cuda.local.array(LOADS, float32), cuda.local.array(loads, float32)
        clear(sums, WIDE, each)
        first_row, first_column = cuda.blockIdx.x * TILE, cuda.blockIdx.y * width
        outputs, inputs = W.shape
        now, other = 0, 2 * SLAB
        # before the first slab is multiplied there is only one to load, and with the last one none
        for k in range(-DEPTH, inputs, DEPTH):
            if k + DEPTH < inputs:
                load_rows(held_x, x, first_row, rows, k + DEPTH, TILE)
                load_rows(held_W, W, first_column, outputs, k + DEPTH, width)
            if k >= 0:
                multiply(shared, now, sums, left, right)
            now, other = other, now
            if k + DEPTH < inputs:
                put_rows(shared, now, held_x, TILE)
                put_rows(shared, now + SLAB, held_W, width)
            cuda.syncthreads()
        spread(shared, sums)
        # of the tile's rows, a thread has some of a column
        row, column = cuda.threadIdx.x // width, first_column + cuda.threadIdx.x % width
        place, at = row * PITCH + cuda.threadIdx.x % width, (first_row + row) * outputs + column
        if column < outputs:
            bias = b[column]
            for _ in range(row, min(TILE, rows - first_row), BLOCK // width):
                value = shared[index(place)] + bias
                store(a, at, value)
                if activation != LINEAR:
                    store(y, at, activate(activation, value))
                place += BLOCK // width * PITCH
                at += BLOCK // width * outputs

    return product


@cache
def input_gradient_kernel(each: int, tensor: bool) -> Any:
    """The kernel of dx = da W, times the derivative of the activation that made the inputs, y = activation(a)."""
    width, loads = SIDE * each, DEPTH * SIDE * each // BLOCK
    multiply, spread = tile_functions(WIDE, each, tensor)

    @kernel
    def input_gradient(da, W, dx, rows, activation, a, y):
        shared = cuda.shared.array(SHARED, float32)
        sums = cuda.local.array((WIDE, each), float32)
        left, right = cuda.local.array(WIDE, float32), cuda.local.array(each, float32)
        held_da, held_W = cuda.local.array(LOADS, float32), cuda.local.array(loads, float32)
        below = cuda.local.array(WIDE, float32)
        clear(sums, WIDE, each)
        first_row, first_column = cuda.blockIdx.x * TILE, cuda.blockIdx.y * width
        outputs, inputs = W.shape
        column = first_column + cuda.threadIdx.x % width
        now, other = 0, 2 * SLAB
        for k in range(-DEPTH, outputs, DEPTH):
            if k + DEPTH < outputs:
                load_rows(held_da, da, first_row, rows, k + DEPTH, TILE)
                load_columns(held_W, W, k + DEPTH, outputs, column, width)
            if k >= 0:
                multiply(shared, now, sums, left, right)
            now, other = other, now
            if k + DEPTH < outputs:
                put_rows(shared, now, held_da, TILE)
                put_columns(shared, now + SLAB, held_W, width)
            cuda.syncthreads()
        spread(shared, sums)
        row = cuda.threadIdx.x // width
        place, at = row * PITCH + cuda.threadIdx.x % width, (first_row + row) * inputs + column
        if column < inputs:
            end = min(TILE, rows - first_row)
            for begin in range(row, end, WIDE * (BLOCK // width)):
                if activation != LINEAR:
                    # those of some rows together: one by one, each would wait for the memory
                    for q in range(WIDE):
                        there = begin + q * (BLOCK // width) < end
                        place_there = at + (q * (BLOCK // width) if there else 0) * inputs
                        left[q], below[q] = load(a, place_there), load(y, place_there)
                for q in range(WIDE):
                    if begin + q * (BLOCK // width) < end:
                        value = shared[index(place)]
                        if activation != LINEAR:
                            value *= slope(activation, left[q], below[q])
                        store(dx, at, value)
                        place += BLOCK // width * PITCH
                        at += BLOCK // width * inputs

    return input_gradient


@cache
def weight_gradient_kernel(each: int, tensor: bool) -> Any:
    """The kernel of the sums of da^T x, of da, and of da^T h, over a chunk of rows, `each` columns of da a thread.

    Columns of da count from `first` on: `outputs` of them with x, `h_outputs` with h. `start`, `h_start` and `bias`
    say where a chunk's sums have their places; a `bias` below 0 says that those of da alone are not wanted.
    """
    height, loads = SIDE * each, DEPTH * SIDE * each // BLOCK
    multiply, spread = tile_functions(each, WIDE, tensor)

    @kernel
    def weight_gradient(da, first, outputs, x, start, bias, h_outputs, h, h_start, partials, rows, chunk_rows):
        shared = cuda.shared.array(SHARED, float32)
        sums = cuda.local.array((each, WIDE), float32)
        left, right = cuda.local.array(each, float32), cuda.local.array(WIDE, float32)
        held_da, held_x = cuda.local.array(loads, float32), cuda.local.array(LOADS, float32)
        clear(sums, each, WIDE)
        first_row, first_column = cuda.blockIdx.x * height, cuda.blockIdx.y * TILE
        inputs, one = x.shape[1], 1 if bias >= 0 else 0
        column = first_column + cuda.threadIdx.x % TILE
        of_x, of_one = column < inputs, one == 1 and column == inputs
        factor, place = (x, column) if of_x else (h, max(0, column - inputs - one))
        chunk = cuda.blockIdx.z
        begin, end = chunk * chunk_rows, min(rows, (chunk + 1) * chunk_rows)
        now, other = 0, 2 * SLAB
        for k in range(begin - DEPTH, end, DEPTH):
            if k + DEPTH < end:
                load_columns(held_da, da, k + DEPTH, end, first + first_row + cuda.threadIdx.x % height, height)
                load_columns(held_x, factor, k + DEPTH, end, place, TILE)
            if k >= begin:
                multiply(shared, now, sums, left, right)
            now, other = other, now
            if k + DEPTH < end:
                put_columns(shared, now, held_da, height)
                if of_one:
                    for q in range(LOADS):
                        held_x[q] = np.float32(1)
                put_columns(shared, now + SLAB, held_x, TILE)
            cuda.syncthreads()
        spread(shared, sums)
        behind = column - inputs - one
        if of_x:
            limit, at, apart = outputs, start + column, inputs
        elif behind < 0:
            limit, at, apart = outputs, bias, 1
        else:
            limit, at, apart = h_outputs if behind < h.shape[1] else 0, h_start + behind, h.shape[1]
        row = cuda.threadIdx.x // TILE
        place = row * PITCH + cuda.threadIdx.x % TILE
        at += chunk * partials.shape[1] + (first_row + row) * apart
        for _ in range(row, min(height, limit - first_row), BLOCK // TILE):
            store(partials, at, shared[index(place)])
            place += BLOCK // TILE * PITCH
            at += BLOCK // TILE * apart

    return weight_gradient


@kernel
def _transpose(source, target):
    """target, flat, is the transposed matrix."""
    rows, columns = source.shape
    for k in range(cuda.grid(1), rows * columns, cuda.gridsize(1)):
        target[k] = source[k % rows, k // rows]


def _tensor(each: int) -> bool:
    """Whether tensor cores make a product, which takes results that are wide enough for them.

    The simulator's tiles are none.
    """
    return each == WIDE and not SIMULATED and tensor_cores.wanted()


def _each(count: int, others: int | None = None) -> int:
    """Rows or columns of a thread for a result that has `count`, and so many in the other direction.

    One, where wide tiles were so few that processors would have nothing to do. A sum's order is the same either way.
    """
    few = others is not None and _tiles(others) * _tiles(count) < _FEW
    return 1 if count <= SIDE or few else WIDE


def _tiles(count: int, each: int = WIDE) -> int:
    return -(-count // (SIDE * each))


def chunks(rows: int, outputs: int, columns: int) -> int:
    """How many partial sums of a gradient (outputs, columns) over rows are made.

    Parameters
    ----------
    rows, outputs : int
        Of da.
    columns : int
        Of x, with that of the bias, and of h.
    """
    tiles = _tiles(outputs, _each(outputs)) * _tiles(columns)
    return max(1, min(_GOAL // tiles, rows // _ROWS))


def forward(run: Run, x: Any, W: Any, b: Any, a: Any, y: Any, rows: int, activation: int = LINEAR) -> None:
    """a = x W^T + b and y = activation(a), for x (rows, inputs); a may be y, and is for a linear activation."""
    each = _each(W.shape[0], rows)
    grid = (_tiles(rows), _tiles(W.shape[0], each))
    forward_kernel(each, _tensor(each))[grid, BLOCK, run.stream](x, W, b, a, y, rows, activation)


def input_gradient(run: Run, da: Any, W: Any, dx: Any, rows: int, below: Below | None) -> None:
    """dx = da W; times the derivative of the activation below, where there is one."""
    activation, a, y = below or (LINEAR, dx, dx)
    each = _each(W.shape[1], rows)
    grid = (_tiles(rows), _tiles(W.shape[1], each))
    input_gradient_kernel(each, _tensor(each))[grid, BLOCK, run.stream](da, W, dx, rows, activation, a, y)


def weight_gradient(
    run: Run,
    partials: Any,
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

    The partials (chunks, weights) get the products from `start` and the sums of da from `bias` on. `also` is another x,
    with its number of columns of da, and its start.
    """
    count = partials.shape[0]
    h, h_outputs, h_start = also or (x, 0, 0)
    columns = x.shape[1] + (bias >= 0) + (h.shape[1] if also else 0)
    each = _each(outputs)
    grid = (_tiles(outputs, each), _tiles(columns), count)
    weight_gradient_kernel(each, _tensor(each))[grid, BLOCK, run.stream](
        da, first, outputs, x, start, bias, h_outputs, h, h_start, partials, rows, -(-rows // count)
    )


def transpose(run: Run, source: Any, target: Any) -> None:
    """Write a matrix transposed into a flat array."""
    _transpose[blocks_for(source.size), THREADS, run.stream](source, target)
