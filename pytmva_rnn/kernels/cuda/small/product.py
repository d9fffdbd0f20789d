"""Matrix products of what lies in a block's shared memory, by all its threads.

Entry (n, m) of a product is the sum over k of `left[n, k] * right[m, k]`. A thread makes a small rectangle of entries
at once, in registers, so that each number that it loads serves several of them; where there are more rectangles than
threads it goes on to another. All sizes are constants of the compiled code, so that loops over a rectangle are unrolled
and loads of neighbours become one.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from pytmva_rnn.kernels.codes import LINEAR
from pytmva_rnn.kernels.cuda.machine.activations import activate
from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, device, float32
from pytmva_rnn.kernels.cuda.small.room import constant, unsigned

_SIDES = (1, 2, 3, 4, 5, 6, 8)
"""Entries of a rectangle in each direction."""

_WARP = 2 if SIMULATED else 32

_MOST = 32
"""At most so many entries of a rectangle: a thread has registers for them and for the numbers that they are made of."""


class Factor(NamedTuple):
    """One of the two factors: where its vectors lie, from `start` on, in floats.

    Attributes
    ----------
    vectors : int
        How many vectors there are.
    step : int
        Floats from vector to vector.
    inner, jump : int
        From each `inner` of them to the next is `jump`.
    along : int
        Floats from number to number of a vector.
    over : int
        From each `Depth.inner` of them to the next.
    """

    start: int
    vectors: int
    step: int
    along: int
    inner: int = 1 << 32
    jump: int = 0
    over: int = 0


class Depth(NamedTuple):
    """How many numbers each vector of both factors has: `outer` times `inner`."""

    inner: int
    outer: int = 1


class Target(NamedTuple):
    """Where the entries of a product go, and how.

    Entry (n, m) is that of event `n % events` in step `n // events`, which has `width` of them.

    Attributes
    ----------
    start, pitch, events, width : int
    bias : int
        Where numbers begin that are added, one for each m.
    biased : bool
        Whether there are any.
    activation : int
        What is done with the sum.
    argument : int
        Where the sum itself goes.
    keeps : bool
        Whether it goes there.
    """

    start: int
    pitch: int
    events: int
    width: int
    bias: int = 0
    biased: bool = False
    activation: int = LINEAR
    argument: int = 0
    keeps: bool = False


def into_shared(left: Factor, right: Factor, depth: Depth, threads: int, target: Target) -> Any:
    """A device function of (shared, thread) for a product whose entries stay in shared memory, without a barrier."""
    rows, columns = _rectangle(left.vectors, right.vectors, threads)
    product = _into_shared(rows, columns, _together(left, right, depth))
    a, b, k, to, step = constant(left), constant(right), constant(depth), constant(target), np.uint64(threads)

    @device
    def whole(shared, thread):
        product(shared, thread, step, a, b, k, to)

    return whole


def into_gradient(left: Factor, right: Factor, depth: Depth, threads: int, start: int, after: int = 0) -> Any:
    """The same for the gradient of a matrix with a row for each of the left vectors and a column for each of the right.

    Parameters
    ----------
    start : int
        Of the matrix among all weights.
    after : int
        Threads that have work of another product; the others begin with this one.

    Returns
    -------
    device function of (shared, gradient, fresh, thread)
        It adds the entries to `gradient`, or with `fresh` writes them there. Without a barrier.
    """
    rows, columns = _rectangle(left.vectors, right.vectors, threads)
    product = _into_gradient(rows, columns, _together(left, right, depth))
    a, b, k, (begin, step) = constant(left), constant(right), constant(depth), unsigned(start, threads)
    ahead = np.uint64(threads - after % threads)

    @device
    def whole(shared, gradient, fresh, thread):
        product(shared, gradient, fresh, (thread + ahead) % step, step, a, b, k, begin)

    return whole


def busy_threads(left: Factor, right: Factor, threads: int) -> int:
    """How many threads a product has work for, in whole warps."""
    rows, columns = _rectangle(left.vectors, right.vectors, threads)
    rectangles = -(-left.vectors // rows) * -(-right.vectors // columns)
    return -(-rectangles // _WARP) * _WARP


@cache
def _into_shared(rows: int, columns: int, together: int) -> Any:
    add, high, wide = _adding(rows, columns, together), *unsigned(rows, columns)

    @device
    def product(shared, thread, step, left, right, depth, target):
        sums = cuda.local.array((rows, columns), float32)
        tiles = tile_count(left, high)
        job = thread
        while job < tiles * tile_count(right, wide):
            top, side = job % tiles, job // tiles
            add(shared, left, right, depth, top, side, sums)
            for i in range(rows):
                for j in range(columns):
                    n, m = number(left, high, top, np.uint64(i)), number(right, wide, side, np.uint64(j))
                    if has(left, high, top, np.uint64(i)) and has(right, wide, side, np.uint64(j)):
                        put(shared, target, n, m, sums[i, j])
            job += step

    return product


@cache
def _into_gradient(rows: int, columns: int, together: int) -> Any:
    add, high, wide = _adding(rows, columns, together), *unsigned(rows, columns)

    @device
    def product(shared, gradient, fresh, thread, step, left, right, depth, begin):
        sums = cuda.local.array((rows, columns), float32)
        tiles = tile_count(right, wide)
        job = thread
        while job < tiles * tile_count(left, high):
            # neighbouring threads have neighbouring columns, which lie together in `gradient`
            top, side = job // tiles, job % tiles
            add(shared, left, right, depth, top, side, sums)
            for i in range(rows):
                for j in range(columns):
                    n, m = number(left, high, top, np.uint64(i)), number(right, wide, side, np.uint64(j))
                    if has(left, high, top, np.uint64(i)) and has(right, wide, side, np.uint64(j)):
                        place = begin + n * right.vectors + m
                        gradient[place] = sums[i, j] if fresh else gradient[place] + sums[i, j]
            job += step

    return product


@cache
def _adding(rows: int, columns: int, together: int) -> Any:
    """A device function that computes a rectangle of entries, `together` products of each after one another."""
    high, wide, slab = unsigned(rows, columns, together)

    @device
    def add(shared, left, right, depth, top, side, sums):
        mine = cuda.local.array((rows, together), float32)
        others = cuda.local.array((columns, together), float32)
        for i in range(rows):
            for j in range(columns):
                sums[i, j] = np.float32(0)
        for o in range(depth.outer):
            for part in range(depth.inner // slab):
                for i in range(rows):
                    first = place_of(left, number(left, high, top, np.uint64(i))) + o * left.over
                    for k in range(together):
                        mine[i, k] = shared[first + (part * slab + np.uint64(k)) * left.along]
                for j in range(columns):
                    first = place_of(right, number(right, wide, side, np.uint64(j))) + o * right.over
                    for k in range(together):
                        others[j, k] = shared[first + (part * slab + np.uint64(k)) * right.along]
                for k in range(together):
                    for i in range(rows):
                        for j in range(columns):
                            sums[i, j] += mine[i, k] * others[j, k]

    return add


@device
def tile_count(factor, each):
    """Tiles of `each` vectors."""
    return (factor.vectors + each - np.uint64(1)) // each


@device
def number(factor, each, tile, i):
    """The vector that is the i-th of a tile; where there are no more of them, another that is there.

    Vectors that lie side by side are neighbours in a tile; of others, neighbouring tiles have neighbours.
    """
    if factor.step == np.uint64(1):
        if factor.vectors % each == np.uint64(0):
            return tile * each + i
        # the last tile ends where the vectors do
        return min(tile * each, factor.vectors - each) + i
    n = tile + i * tile_count(factor, each)
    if factor.vectors % each == np.uint64(0):
        return n
    return min(n, factor.vectors - np.uint64(1))


@device
def has(factor, each, tile, i):
    """Whether the i-th vector of a tile is its own."""
    if factor.vectors % each == np.uint64(0):
        return True
    if factor.step == np.uint64(1):
        return number(factor, each, tile, i) >= tile * each
    return tile + i * tile_count(factor, each) < factor.vectors


@device
def place_of(factor, n):
    """Where a vector begins."""
    return factor.start + n % factor.inner * factor.step + n // factor.inner * factor.jump


@device
def put(shared, target, n, m, value):
    """Deliver entry (n, m); see `Target`."""
    offset = n % target.events * target.pitch + n // target.events * target.width + m
    if target.biased:
        value += shared[target.bias + m]
    if target.keeps:
        shared[target.argument + offset] = value
    shared[target.start + offset] = activate(target.activation, value)


def _together(left: Factor, right: Factor, depth: Depth) -> int:
    """Products of an entry after one another: several where the numbers of a vector lie side by side."""
    return next(n for n in (4, 2, 1) if depth.inner % n == 0) if 1 in (left.along, right.along) else 1


def _rectangle(rows: int, columns: int, threads: int) -> tuple[int, int]:
    """Entries of a thread's rectangle in each direction: what takes a block the least time."""
    fitting = [(i, j) for i in _SIDES for j in _SIDES if i <= rows and j <= columns and i * j <= _MOST]
    return min(fitting, key=lambda sides: _cycles(rows, columns, sides, threads))


def _cycles(rows: int, columns: int, sides: tuple[int, int], threads: int) -> float:
    """Cycles of a multiprocessor that one number of all vectors takes, about.

    Each of its four schedulers starts an instruction of a warp in a cycle, and its shared memory serves one load.
    """
    i, j = sides
    tiles = -(-rows // i) * -(-columns // j)
    warps = -(-tiles // 32)
    rounds = -(-tiles // threads)
    schedules = -(-min(warps, threads // 32) // 4)
    return max(rounds * schedules * (i * j + (i + j) / 2 + 2), 0.75 * warps * (i + j))
