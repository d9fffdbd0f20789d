"""Slabs of factors and tiles of results, which the products of `products.py` are made of.

A slab goes from memory into a thread's registers, and from there into shared memory; a tile is the square of sums that
a block makes, of which each thread has some rows and columns.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.machine import tensor_cores
from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, device, index
from pytmva_rnn.kernels.cuda.machine.vectors import WIDTH, load, load4, store4

SIDE = 4 if SIMULATED else 8
"""Threads of a block in each direction of a tile."""

WIDE = WIDTH if SIMULATED else 2 * WIDTH
"""Rows and columns of a thread, where the result has enough."""

DEPTH = 4 if SIMULATED else 8
"""Rows of a slab: so much of the sums' index."""

BLOCK = SIDE * SIDE
TILE = SIDE * WIDE

PITCH = TILE + 2 * WIDTH
"""Floats from row to row of a slab, or of the finished tile: threads that write a column find it in other banks."""

SLAB = DEPTH * PITCH
LOADS = DEPTH * TILE // BLOCK
SHARED = max(4 * SLAB, TILE * PITCH)


@device
def load_rows(held, matrix, first, end, k, width):
    """The thread's part of a slab whose columns are rows of a matrix, from `first` on, from their column k on.

    Zero beyond row `end` and beyond the last column.
    """
    depth = matrix.shape[1]
    row, column = first + cuda.threadIdx.x // DEPTH, k + cuda.threadIdx.x % DEPTH
    at, apart = row * depth + column, BLOCK // DEPTH
    if first + width <= end and k + DEPTH <= depth:
        for q in range(DEPTH * width // BLOCK):
            held[q] = load(matrix, at)
            at += apart * depth
    else:
        for q in range(DEPTH * width // BLOCK):
            inside = row + q * apart < end and column < depth
            held[q] = load(matrix, at) if inside else np.float32(0)
            at += apart * depth


@device
def put_rows(shared, start, held, width):
    """Write what `load_rows` has loaded."""
    at = start + cuda.threadIdx.x % DEPTH * PITCH + cuda.threadIdx.x // DEPTH
    for q in range(DEPTH * width // BLOCK):
        shared[index(at + q * (BLOCK // DEPTH))] = held[q]


@device
def load_columns(held, matrix, k, depth, column, width):
    """The thread's part of a slab of rows of a matrix, from row k on, zero from row `depth` on: those in its `column`.

    A column beyond the last one is as that; nobody looks at what becomes of it.
    """
    columns = matrix.shape[1]
    row = k + cuda.threadIdx.x // width
    at, apart = row * columns + min(column, columns - 1), BLOCK // width
    if k + DEPTH <= depth:
        for q in range(DEPTH * width // BLOCK):
            held[q] = load(matrix, at)
            at += apart * columns
    else:
        for q in range(DEPTH * width // BLOCK):
            held[q] = load(matrix, at) if row + q * apart < depth else np.float32(0)
            at += apart * columns


@device
def put_columns(shared, start, held, width):
    """Write what `load_columns` has loaded."""
    at = start + cuda.threadIdx.x // width * PITCH + cuda.threadIdx.x % width
    for q in range(DEPTH * width // BLOCK):
        shared[index(at + q * (BLOCK // width * PITCH))] = held[q]


@device
def _fragment(values, shared, start, thread, each):
    """The thread's values of a row of a slab: fours, with those of the other threads between them."""
    if each == 1:
        values[0] = shared[index(start + thread)]
    else:
        for q in range(each // WIDTH):
            a, b, c, d = load4(shared, start + (q * SIDE + thread) * WIDTH)
            values[q * WIDTH], values[q * WIDTH + 1], values[q * WIDTH + 2], values[q * WIDTH + 3] = a, b, c, d


@device
def clear(sums, high, wide):
    for i in range(high):
        for j in range(wide):
            sums[i, j] = np.float32(0)


@device
def _multiply(shared, start, sums, left, right, high, wide):
    """Add the products of the slabs at `start` and behind it."""
    y, x = cuda.threadIdx.x // SIDE, cuda.threadIdx.x % SIDE
    for pair in range(DEPTH // 2):
        # a loop of two is none when it is compiled
        for k in range(2):
            place = start + (2 * pair + k) * PITCH
            _fragment(left, shared, place, y, high)
            _fragment(right, shared, place + SLAB, x, wide)
            for i in range(high):
                for j in range(wide):
                    sums[i, j] += left[i] * right[j]


@device
def _spread(shared, sums, high, wide):
    """Write the finished tile to shared memory, a row after another."""
    y, x = cuda.threadIdx.x // SIDE, cuda.threadIdx.x % SIDE
    for i in range(high):
        row = y if high == 1 else (i // WIDTH * SIDE + y) * WIDTH + i % WIDTH
        if wide == 1:
            shared[index(row * PITCH + x)] = sums[i, 0]
        else:
            for q in range(wide // WIDTH):
                at = row * PITCH + (q * SIDE + x) * WIDTH
                j = q * WIDTH
                store4(shared, at, sums[i, j], sums[i, j + 1], sums[i, j + 2], sums[i, j + 3])
    cuda.syncthreads()


@cache
def tile_functions(high: int, wide: int, tensor: bool) -> tuple[Any, Any]:
    """Device functions that add a slab's products to a tile, and write the finished tile to shared memory."""

    @device
    def multiply(shared, start, sums, left, right):
        if tensor:
            tensor_cores.multiply(shared, start, start + SLAB, PITCH, sums, left, right)
        else:
            _multiply(shared, start, sums, left, right, high, wide)

    @device
    def spread(shared, sums):
        if tensor:
            tensor_cores.spread(shared, PITCH, sums)
        else:
            _spread(shared, sums, high, wide)

    return multiply, spread
