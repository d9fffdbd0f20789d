"""The kernels that go through all steps of a recurrent layer in one launch; a layer's file gives its equations.

A block of threads has a tile of events; thread x has hidden units x, x + blockDim.x, ..., and thread y `each` events,
which share every weight that it reads. What the steps pass on lies in shared memory, [event][unit], and the recurrent
weights before it, where they fit; else the weights are read through the caches, and states beyond shared memory lie in
`scratch`, a block's own part of global memory. A kernel is compiled for each of these forms, so that the compiler knows
which memory an address is in.

The state before the first step counts as the constant zero in the backward pass.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, device, float32, index, kernel
from pytmva_rnn.kernels.cuda.machine.equations import MOST, Equations

AHEAD = 2 if SIMULATED else 4
"""Units whose weights a thread reads at once."""


@device
def _add_products(sums, low, high, u, stride, step, column, count, states, first, pitch, each):
    """sums[g, e] += sum of u[k*stride + g*step + column] * states[first + e*pitch + k]; k < count, low <= g < high."""
    one, down, along, across = index(1), index(stride), index(step), index(pitch)
    top, left = index(low * step + column), index(first)
    # the weights of some k are asked for together: one by one, each k would wait for the memory
    weights = cuda.local.array((AHEAD, MOST), float32)
    for _ in range(count // AHEAD):
        for k in range(AHEAD):
            at = top
            for g in range(low, high):
                weights[k, g] = u[at]
                at += along
            top += down
        for k in range(AHEAD):
            place = left
            for e in range(each):
                state = states[place]
                for g in range(low, high):
                    sums[g, e] += weights[k, g] * state
                place += across
            left += one
    for _ in range(count % AHEAD):
        at = top
        for g in range(low, high):
            weight = u[at]
            place = left
            for e in range(each):
                sums[g, e] += weight * states[place]
                place += across
            at += along
        top += down
        left += one


@device
def _stage(shared, U, rows, columns, transposed):
    """Copy the recurrent weights (rows, columns) into shared memory."""
    for row in range(cuda.threadIdx.y, rows, cuda.blockDim.y):
        for column in range(cuda.threadIdx.x, columns, cuda.blockDim.x):
            shared[column * rows + row if transposed else row * columns + column] = U[row * columns + column]


@device
def _start(states, place, initial, remember, tile, H, first, events):
    """States of the tile's events before the first step, those of `initial` or zero."""
    for n in range(cuda.threadIdx.y, tile, cuda.blockDim.y):
        known = remember and first + n < events
        for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
            states[place + n * H + j] = initial[first + n, j] if known else np.float32(0)


@device
def _keep(states, place, initial, tile, H, first, events):
    """Leave the last states for the next batch."""
    for n in range(cuda.threadIdx.y, min(tile, events - first), cuda.blockDim.y):
        for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
            initial[first + n, j] = states[place + n * H + j]


@device
def upstream(dy, sequence, event, t, steps, j):
    """Gradient of a state from above: zero before the last step, if only that was returned."""
    if sequence:
        return dy[index(event * steps + t), index(j)]
    return dy[index(event), index(j)] if t == steps - 1 else np.float32(0)


@cache
def forward_kernel(cell: Equations, each: int, staged: bool, shares: bool) -> Any:
    """The kernel for `each` events a thread; staged: weights in shared memory, shares: states there.

    Its arguments are a (events*steps, gates*H), which holds `W x + b` and after it the gates; U, flat, transposed
    unless staged; y; before, saved (events*steps, H), for the backward pass; h0, c0 (events, H); scratch, flat; events;
    steps of a lane; T, those of an event, after which y gets the state if not `sequence`; H; sequence, training,
    remember.
    """
    gates, step, carries, apart, reset = cell.count, cell.step, cell.carries, cell.apart, cell.reset
    resets, saves = reset is not None, cell.saves
    floats, low = cell.forward_floats, gates - 1 if resets else 0

    @kernel
    def forward(a, U, y, before, saved, h0, c0, scratch, events, steps, T, H, sequence, training, remember):
        shared = cuda.shared.array(0, float32)
        sums = cuda.local.array((MOST, each), float32)
        zero = np.float32(0)
        tile = cuda.blockDim.y * each
        first = cuda.blockIdx.x * tile
        lane = cuda.threadIdx.y * each
        if staged:
            _stage(shared, U, gates * H, H, True)
            u = shared
        else:
            u = U
        if shares:
            states, h = shared, (gates * H * H if staged else 0)
        else:
            states, h = scratch, first * H * floats
        # behind the states of two steps: the carried ones, or the reset states
        extra = h + 2 * tile * H
        old, new = h, h + tile * H
        _start(states, old, h0, remember, tile, H, first, events)
        if carries:
            _start(states, extra, c0, remember, tile, H, first, events)
        cuda.syncthreads()
        since = 0
        for t in range(steps):
            known = t > 0 or remember
            since += 1
            if resets:
                j = numba.int64(cuda.threadIdx.x)
                while j < H:
                    for e in range(each):
                        row = (first + lane + e) * steps + t
                        for g in range(low):
                            sums[g, e] = a[index(row), index(g * H + j)] if first + lane + e < events else zero
                    if known:
                        _add_products(sums, 0, low, u, gates * H, H, j, H, states, old + lane * H, H, each)
                    for e in range(each):
                        if first + lane + e < events:
                            row, place = (first + lane + e) * steps + t, (lane + e) * H + j
                            states[index(extra + place)] = reset(sums, e, states[index(old + place)])
                            for g in range(low):
                                a[index(row), index(g * H + j)] = sums[g, e]
                    j += cuda.blockDim.x
                cuda.syncthreads()
            # no range of units, whose length would take a division in every step
            j = numba.int64(cuda.threadIdx.x)
            while j < H:
                for e in range(each):
                    row = (first + lane + e) * steps + t
                    for g in range(gates):
                        sums[g, e] = a[index(row), index(g * H + j)] if first + lane + e < events else zero
                    if apart:
                        sums[gates, e] = sums[gates - 1, e]
                        sums[gates - 1, e] = zero
                if known:
                    source = extra if resets else old
                    _add_products(sums, low, gates, u, gates * H, H, j, H, states, source + lane * H, H, each)
                for e in range(each):
                    event, place = first + lane + e, (lane + e) * H + j
                    if event < events:
                        row = event * steps + t
                        held = states[index(old + place)]
                        value, kept = step(sums, e, held, states[index(extra + place)] if carries or resets else zero)
                        states[index(new + place)] = value
                        if carries:
                            states[index(extra + place)] = kept
                        if training:
                            for g in range(gates):
                                a[index(row), index(g * H + j)] = sums[g, e]
                            before[index(row), index(j)] = held if t > 0 else zero
                            if saves:
                                saved[index(row), index(j)] = kept if carries or t > 0 else zero
                        if sequence:
                            y[index(row), index(j)] = value
                        elif since == T:
                            y[index(row // T), index(j)] = value
                j += cuda.blockDim.x
            if since == T:
                since = 0
            old, new = new, old
            cuda.syncthreads()
        if remember:
            _keep(states, old, h0, tile, H, first, events)
            if carries:
                _keep(states, extra, c0, tile, H, first, events)

    return forward


@cache
def backward_kernel(cell: Equations, each: int, staged: bool, shares: bool) -> Any:
    """The kernel from the last step to the first; see `forward_kernel`.

    a holds the gates, and after it the gradients of their arguments; U has its own order. With `apart`, saved holds the
    product, and after it its gradient.
    """
    gates, gradient, carries, apart, reset_gradient = (
        cell.count,
        cell.gradient,
        cell.carries,
        cell.apart,
        cell.reset_gradient,
    )
    resets, saves, floats = reset_gradient is not None, cell.saves, cell.backward_floats
    # those whose gradients go to the state itself
    through = gates - 1 if resets else gates

    @kernel
    def backward(a, U, dy, before, saved, scratch, events, steps, H, sequence):
        shared = cuda.shared.array(0, float32)
        sums = cuda.local.array((1, each), float32)
        values = cuda.local.array(MOST, float32)
        zero = np.float32(0)
        tile = cuda.blockDim.y * each
        first = cuda.blockIdx.x * tile
        lane = cuda.threadIdx.y * each
        if staged:
            _stage(shared, U, gates * H, H, False)
            u = shared
        else:
            u = U
        if shares:
            states, da = shared, (gates * H * H if staged else 0)
        else:
            states, da = scratch, first * H * floats
        pitch = gates * H
        dh = da + tile * pitch
        dextra = dh + tile * H
        for n in range(cuda.threadIdx.y, tile * floats, cuda.blockDim.y):
            for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
                states[index(da + n * H + j)] = zero
        cuda.syncthreads()
        for t in range(steps - 1, -1, -1):
            j = numba.int64(cuda.threadIdx.x)
            while j < H:
                for e in range(each):
                    event, place = first + lane + e, (lane + e) * H + j
                    if event < events:
                        row = event * steps + t
                        for g in range(gates):
                            values[g] = a[index(row), index(g * H + j)]
                        dht = states[index(dh + place)] + upstream(dy, sequence, event, t, steps, j)
                        kept = saved[index(row), index(j)] if saves else zero
                        earlier = saved[index(row - 1), index(j)] if carries and t > 0 else zero
                        passing = states[index(dextra + place)] if carries else zero
                        direct, passed = gradient(values, dht, passing, before[index(row), index(j)], kept, earlier)
                        gate = da + (lane + e) * pitch + j
                        for g in range(gates):
                            a[index(row), index(g * H + j)] = values[g]
                            states[index(gate + g * H)] = values[g]
                        if apart:
                            saved[index(row), index(j)] = passed
                            states[index(gate + (gates - 1) * H)] = passed
                        if carries:
                            states[index(dextra + place)] = passed
                        states[index(dh + place)] = direct
                j += cuda.blockDim.x
            cuda.syncthreads()
            if resets:
                j = numba.int64(cuda.threadIdx.x)
                while j < H:
                    for e in range(each):
                        sums[0, e] = zero
                    last = da + lane * pitch + through * H
                    _add_products(sums, 0, 1, u, H, 0, through * H * H + j, H, states, last, pitch, each)
                    for e in range(each):
                        event = first + lane + e
                        if event < events:
                            row = event * steps + t
                            slope, direct = reset_gradient(
                                sums[0, e], a[index(row), index(j)], before[index(row), index(j)]
                            )
                            a[index(row), index(j)] = slope
                            states[index(da + (lane + e) * pitch + j)] = slope
                            states[index(dh + (lane + e) * H + j)] += direct
                    j += cuda.blockDim.x
                cuda.syncthreads()
            if t > 0:
                j = numba.int64(cuda.threadIdx.x)
                while j < H:
                    for e in range(each):
                        sums[0, e] = zero
                    _add_products(sums, 0, 1, u, H, 0, j, through * H, states, da + lane * pitch, pitch, each)
                    for e in range(each):
                        states[index(dh + (lane + e) * H + j)] += sums[0, e]
                    j += cuda.blockDim.x
                cuda.syncthreads()

    return backward
