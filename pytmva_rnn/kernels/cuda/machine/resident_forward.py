"""From the first step to the last with the weights at hand; see `resident.py`."""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import device, float32, index, kernel
from pytmva_rnn.kernels.cuda.machine.equations import MOST
from pytmva_rnn.kernels.cuda.machine.registers import add_far, adding, clear, keeping, pieces_of
from pytmva_rnn.kernels.cuda.machine.resident import Shape


@cache
def forward_kernel(shape: Shape) -> Any:
    """The kernel from the first step to the last; see `steps.forward_kernel`.

    Its arguments are a (events*steps, gates*H), which holds `W x + b` and after it the gates; U, flat, transposed; y;
    before, saved (events*steps, H), for the backward pass; h0, c0 (events, H); events; steps; sequence, training,
    remember.
    """
    cell, size, each, units = shape.cell, shape.size, shape.each, shape.units
    gates, step, carries, apart, reset = cell.count, cell.step, cell.carries, cell.apart, cell.reset
    resets, saves = reset is not None, cell.saves
    half, near = shape.half, shape.forward_near
    slices, kept_weights, own = shape.slices, near * gates, each // shape.slices
    far = half - near
    plain = gates - 1 if resets else gates
    # of a group of events, behind the weights that are not in registers
    at_states = far * gates * units * slices
    to_factors = units * each
    to_halves = to_factors * (2 if resets else 1)
    pitch = shape.forward_states

    pieces = pieces_of(0, 0, 0, near, each)

    @device
    def fetch(U, _, k, gate):
        """A weight of the thread's unit with unit k of its half."""
        j, row = numba.int64(cuda.threadIdx.x), cuda.threadIdx.y % slices * half + k
        there = j < size and row < size
        return U[index((row * gates + gate) * size + j)] if there else np.float32(0)

    keep = keeping(pieces, gates, fetch)
    add_plain, add_last = adding(pieces, 0, plain, gates, each), adding(pieces, plain, gates, gates, each)

    @device
    def ask(ahead, a, first, events, steps, t):
        """Read the gates' arguments of a step, as far as they come from the inputs."""
        j = numba.int64(cuda.threadIdx.x)
        for i in range(own):
            there = j < size and first + i < events
            for g in range(gates):
                place = index((first + i) * steps + t), index(g * size + j)
                ahead[g, i] = a[place] if there else np.float32(0)

    @device
    def start(sums, whole, ahead):
        """Begin the sums: with the arguments, or with zero where they will be added to the whole."""
        clear(sums, 0, gates, each)
        if slices == 1:
            for i in range(own):
                for g in range(gates - 1 if apart else gates):
                    sums[g, i] = ahead[g, i]
                if apart:
                    whole[gates, i] = ahead[gates - 1, i]

    @device
    def multiply(sums, low, high, weights, shared, states, held):
        """Add the products with the thread's half of the states, for the gates from low to high."""
        j, y = numba.int64(cuda.threadIdx.x), cuda.threadIdx.y % slices
        mine = states + y * half * each
        if low == 0:
            add_plain(sums, weights, shared, mine, held)
        else:
            add_last(sums, weights, shared, mine, held)
        place = y * far * gates * units + j
        add_far(sums, low, high, place, units, gates * units, far, shared, mine + near * each, each, held)

    @device
    def exchange(sums, low, high, shared, states, whole, ahead):
        """whole[g, i] = the arguments for the thread's own events, for the gates from low to high."""
        if slices == 1:
            for g in range(low, high):
                for i in range(own):
                    whole[g, i] = sums[g, i]
            cuda.syncthreads()
        else:
            j, y = numba.int64(cuda.threadIdx.x), numba.int64(cuda.threadIdx.y)
            place = states + to_halves + j
            for g in range(low, high):
                for i in range(own):
                    # no index that depends on the thread: sums are registers
                    value = sums[g, own + i] if y == 0 else sums[g, i]
                    shared[index(place + (((1 - y) * gates + g) * own + i) * units)] = value
            cuda.syncthreads()
            for g in range(low, high):
                for i in range(own):
                    value = sums[g, i] if y == 0 else sums[g, own + i]
                    value += shared[index(place + ((y * gates + g) * own + i) * units)]
                    if apart and g == gates - 1:
                        whole[g, i], whole[gates, i] = value, ahead[g, i]
                    else:
                        whole[g, i] = value + ahead[g, i]

    def forward(a, U, y, before, saved, h0, c0, events, steps, sequence, training, remember):
        shared = cuda.shared.array(0, float32)
        weights = cuda.local.array(kept_weights, float32)
        sums, held = cuda.local.array((gates, each), float32), cuda.local.array(each, float32)
        ahead, whole = cuda.local.array((gates, own), float32), cuda.local.array((MOST, own), float32)
        h, extra = cuda.local.array(own, float32), cuda.local.array(own, float32)
        zero = np.float32(0)
        j, lane, group = numba.int64(cuda.threadIdx.x), cuda.threadIdx.y % slices, cuda.threadIdx.y // slices
        inside = j < size
        keep(weights, U)
        for k in range(far):
            for g in range(gates):
                shared[index(((lane * far + k) * gates + g) * units + j)] = fetch(U, 0, near + k, g)
        first = (cuda.blockIdx.x * (cuda.blockDim.y // slices) + group) * each + lane * own
        states = at_states + group * pitch
        mine = states + j * each + lane * own
        for i in range(own):
            known = remember and inside and first + i < events
            h[i] = h0[index(first + i), index(j)] if known else zero
            extra[i] = c0[index(first + i), index(j)] if known and carries else zero
            shared[index(mine + i)] = h[i]
            if resets:
                shared[index(mine + to_factors + i)] = zero
        cuda.syncthreads()
        if slices == 1:
            ask(ahead, a, first, events, steps, 0)
        for t in range(steps):
            known = t > 0 or remember
            if slices == 1:
                start(sums, whole, ahead)
                if t + 1 < steps:
                    ask(ahead, a, first, events, steps, t + 1)
            else:
                ask(ahead, a, first, events, steps, t)
                start(sums, whole, ahead)
            if known:
                multiply(sums, 0, plain, weights, shared, states, held)
            exchange(sums, 0, plain, shared, states, whole, ahead)
            if resets:
                for i in range(own):
                    extra[i] = reset(whole, i, h[i])
                    if inside:
                        shared[index(mine + to_factors + i)] = extra[i]
                cuda.syncthreads()
                if known:
                    multiply(sums, plain, gates, weights, shared, states + to_factors, held)
                exchange(sums, plain, gates, shared, states, whole, ahead)
            for i in range(own):
                earlier = h[i]
                h[i], extra[i] = step(whole, i, earlier, extra[i] if carries or resets else zero)
                if inside:
                    shared[index(mine + i)] = h[i]
                    event = first + i
                    if event < events:
                        row = event * steps + t
                        if training:
                            for g in range(gates):
                                a[index(row), index(g * size + j)] = whole[g, i]
                            before[index(row), index(j)] = earlier if t > 0 else zero
                            if saves:
                                saved[index(row), index(j)] = extra[i] if carries or t > 0 else zero
                        if sequence:
                            y[index(row), index(j)] = h[i]
                        elif t == steps - 1:
                            y[index(event), index(j)] = h[i]
            cuda.syncthreads()
        if remember and inside:
            for i in range(own):
                if first + i < events:
                    h0[index(first + i), index(j)] = h[i]
                    if carries:
                        c0[index(first + i), index(j)] = extra[i]

    return kernel(forward, shape.bounds)
