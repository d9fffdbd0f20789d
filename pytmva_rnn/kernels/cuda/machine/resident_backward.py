"""From the last step to the first with the weights at hand; see `resident.py`."""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import Any

import numba
import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import device, float32, index, kernel
from pytmva_rnn.kernels.cuda.machine.equations import MOST
from pytmva_rnn.kernels.cuda.machine.registers import add_far, adding, clear, keeping, pieces_of
from pytmva_rnn.kernels.cuda.machine.resident import Shape
from pytmva_rnn.kernels.cuda.machine.vectors import WIDTH, store4


@cache
def backward_kernel(shape: Shape) -> Any:
    """The kernel from the last step to the first; see `steps.backward_kernel`.

    Its arguments are a, which holds the gates, and after it the gradients of their arguments; U, flat, in its own
    order; dy; before; saved, with `apart` the product and after it its gradient; events; steps; sequence.
    """
    cell, size, each, units = shape.cell, shape.size, shape.each, shape.units
    gates, gradient, carries, apart = cell.count, cell.gradient, cell.carries, cell.apart
    reset_gradient, saves = cell.reset_gradient, cell.saves
    resets = reset_gradient is not None
    eighth, near = shape.eighth, shape.backward_near
    slices, outputs, parts = shape.slices, shape.outputs, shape.parts
    far, lanes, own = eighth - near, units // outputs, each // slices
    kept_weights = near * gates * outputs
    # those whose gradients go to the state itself
    through = gates - 1 if resets else gates
    pitch = parts * eighth
    # of a group of events, behind the weights that are not in registers
    at_gradients = far * gates * units * parts
    to_eighths, group_floats = gates * pitch * each, shape.backward_states

    of_gates = [pieces_of(g, g * near, g * pitch * each, near, each) for g in range(gates)]
    pieces, those_through = list(chain(*of_gates)), list(chain(*of_gates[:through]))

    @device
    def fetch(U, gate, k, output):
        """A weight of one of the thread's units with unit k of its eighth."""
        thread = cuda.threadIdx.x + cuda.threadIdx.y % slices * units
        row, unit = thread // lanes * eighth + k, output * lanes + thread % lanes
        there = row < size and unit < size
        return U[index((gate * size + row) * size + unit)] if there else np.float32(0)

    keep = keeping(pieces, outputs, fetch)
    add_through = adding(those_through, 0, outputs, outputs, each)
    add_last = adding(pieces[len(those_through) :], 0, outputs, outputs, each)

    @device
    def multiply(sums, low, high, weights, shared, gradients, held):
        """Make the products of a thread's eighth of the gradients, for the gates from low to high."""
        thread = cuda.threadIdx.x + cuda.threadIdx.y % slices * units
        lane, part = thread % lanes, thread // lanes
        mine, across = gradients + part * eighth * each, slices * units
        clear(sums, 0, outputs, each)
        if low == 0:
            add_through(sums, weights, shared, mine, held)
        else:
            add_last(sums, weights, shared, mine, held)
        for g in range(low, high):
            place, states = g * far * outputs * across + thread, mine + (g * pitch + near) * each
            add_far(sums, 0, outputs, place, across, outputs * across, far, shared, states, each, held)
        if slices > 1:
            for o in range(outputs):
                for e in range(each):
                    place = gradients + to_eighths + (part * each + e) * units + o * lanes + lane
                    shared[index(place)] = sums[o, e]
            cuda.syncthreads()

    @device
    def put(shared, place, ahead, g):
        """Write the gradients of a gate for the events of the thread, at once where they are four."""
        if own == WIDTH:
            store4(shared, place, ahead[g, 0], ahead[g, 1], ahead[g, own - 2], ahead[g, own - 1])
        else:
            for i in range(own):
                shared[index(place + i)] = ahead[g, i]

    @device
    def total(sums, shared, gradients, i):
        """The sum of all eighths for the thread's unit and its event i."""
        if slices == 1:
            return sums[0, i]
        place = gradients + to_eighths + (cuda.threadIdx.y * own + i) * units + cuda.threadIdx.x
        value = np.float32(0)
        for part in range(parts):
            value += shared[index(place + part * each * units)]
        return value

    def backward(a, U, dy, before, saved, events, steps, sequence):
        shared = cuda.shared.array(0, float32)
        weights = cuda.local.array(kept_weights, float32)
        sums, held = cuda.local.array((outputs, each), float32), cuda.local.array(each, float32)
        ahead, values = cuda.local.array((gates, own), float32), cuda.local.array(MOST, float32)
        dh, dextra = cuda.local.array(own, float32), cuda.local.array(own, float32)
        ahead_dy, ahead_h = cuda.local.array(own, float32), cuda.local.array(own, float32)
        kept, ahead_kept = cuda.local.array(own, float32), cuda.local.array(own, float32)
        r, held_h = cuda.local.array(own, float32), cuda.local.array(own, float32)
        zero = np.float32(0)
        j, y, group = numba.int64(cuda.threadIdx.x), cuda.threadIdx.y % slices, cuda.threadIdx.y // slices
        thread = j + y * units
        keep(weights, U)
        for g in range(gates):
            for k in range(far):
                for o in range(outputs):
                    place = ((g * far + k) * outputs + o) * slices * units + thread
                    shared[index(place)] = fetch(U, g, near + k, o)
        gradients = at_gradients + group * group_floats
        for place in range(thread, gates * pitch * each, slices * units):
            shared[index(gradients + place)] = zero
        inside = j < size
        first = (cuda.blockIdx.x * (cuda.blockDim.y // slices) + group) * each + y * own
        for i in range(own):
            dh[i], dextra[i], kept[i] = zero, zero, zero
            there = inside and first + i < events
            if there and saves:
                kept[i] = saved[index((first + i) * steps + steps - 1), index(j)]
        # a turn before the last step, in which nothing is there yet but what that step is to read
        for t in range(steps, -1, -1):
            cuda.syncthreads()
            if t < steps:
                for i in range(own):
                    for g in range(gates):
                        values[g] = ahead[g, i]
                    r[i], held_h[i] = values[0], ahead_h[i]
                    earlier = ahead_kept[i] if carries else zero
                    dht = dh[i] + ahead_dy[i]
                    dh[i], passed = gradient(values, dht, dextra[i], ahead_h[i], kept[i], earlier)
                    event = first + i
                    if inside and event < events:
                        row = event * steps + t
                        for g in range(gates):
                            a[index(row), index(g * size + j)] = values[g]
                        if apart:
                            saved[index(row), index(j)] = passed
                    if carries:
                        dextra[i] = passed
                    kept[i] = ahead_kept[i]
                    if apart:
                        values[gates - 1] = passed
                    for g in range(gates):
                        ahead[g, i] = values[g]
                if inside:
                    for g in range(gates):
                        put(shared, gradients + (g * pitch + j) * each + y * own, ahead, g)
            if t > 0:
                for i in range(own):
                    event, row = first + i, (first + i) * steps + t - 1
                    there = inside and event < events
                    for g in range(gates):
                        ahead[g, i] = a[index(row), index(g * size + j)] if there else zero
                    ahead_h[i] = before[index(row), index(j)] if there else zero
                    ahead_kept[i] = zero
                    if there and carries and t > 1:
                        ahead_kept[i] = saved[index(row - 1), index(j)]
                    ahead_dy[i] = zero
                    if there and sequence:
                        ahead_dy[i] = dy[index(row), index(j)]
                    elif there and t == steps:
                        ahead_dy[i] = dy[index(event), index(j)]
                    if saves and not carries and there:
                        kept[i] = saved[index(row), index(j)]
            if t < steps:
                cuda.syncthreads()
                if resets:
                    multiply(sums, through, gates, weights, shared, gradients, held)
                    for i in range(own):
                        event = first + i
                        slope, direct = reset_gradient(total(sums, shared, gradients, i), r[i], held_h[i])
                        dh[i] += direct
                        if inside:
                            shared[index(gradients + j * each + y * own + i)] = slope
                            if event < events:
                                a[index(event * steps + t), index(j)] = slope
                    cuda.syncthreads()
                if t > 0:
                    multiply(sums, 0, through, weights, shared, gradients, held)
                    for i in range(own):
                        dh[i] += total(sums, shared, gradients, i)

    return kernel(backward, shape.bounds)
