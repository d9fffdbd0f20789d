"""The steps of a recurrent layer whose numbers lie in shared memory; a layer's file gives its equations.

A thread has hidden unit `thread % H` of the events `lane`, `lane + lanes` ..., with `lane = thread // H`: their states,
and if they are few the unit's recurrent weights, stay in its registers. A step has one barrier, after which all units
know all states; where the equations reset the state it has two.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import device, float32
from pytmva_rnn.kernels.cuda.machine.equations import MOST, Equations


class StepSizes(NamedTuple):
    """Sizes of the steps, and where each event's numbers lie, and each unit's weights.

    Attributes
    ----------
    T, H, lanes : int
    a, a_pitch : int
        (T, G*H), first the products with the inputs, then the gates, then the gradients of their arguments.
    h, h_pitch : int
        (T, H), the states after the steps.
    kept, kept_pitch : int
        (T, H), what the backward pass needs besides, and where the last gate's product comes apart the gradient of that
        product after it. Where the equations reset the state, what the last gate's weights are multiplied with.
    db, db_pitch : int
        (lanes, G*H), the gradients of the gates' arguments, summed over the steps and a lane's events.
    dy, dy_pitch : int
        (T, H), or (H) if only the last state is returned: its gradient from above.
    U, U_pitch : int
        (G*H, H)
    """

    T: int
    H: int
    lanes: int
    a: int
    a_pitch: int
    h: int
    h_pitch: int
    kept: int
    kept_pitch: int
    db: int
    db_pitch: int
    dy: int
    dy_pitch: int
    U: int
    U_pitch: int


@cache
def forward_steps(cell: Equations, each: int, held: int, training: bool) -> Any:
    """A device function of (shared, thread, sizes), which ends with a barrier.

    Parameters
    ----------
    cell : Equations
    each : int
        Events of a thread.
    held : int
        How many of the unit's weights stay in registers, all or 0.
    training : bool
        Whether there will be a backward pass.
    """
    gates, step, apart, reset = cell.count, cell.step, cell.apart, cell.reset
    resets = reset is not None
    keeps = training and cell.saves and not resets
    # those whose product needs no other gate
    early = gates - 1 if resets else 0
    hold, room = _holding(gates, held), max(held, 1)
    first, then = _products(each, held, 0, early), _products(each, held, early, gates)

    @device
    def steps(shared, thread, sizes):
        zero, one, width = np.float32(0), np.uint64(1), np.uint64(gates) * sizes.H
        unit, lane = thread % sizes.H, thread // sizes.H
        mine = lane < sizes.lanes
        u = cuda.local.array(room, float32)
        sums = cuda.local.array((MOST, each), float32)
        state = cuda.local.array(each, float32)
        extra = cuda.local.array(each, float32)
        if mine:
            hold(shared, u, unit, sizes)
        for e in range(each):
            state[e], extra[e] = zero, zero
        for t in range(sizes.T):
            known = t > np.uint64(0)
            if mine:
                for e in range(each):
                    row = sizes.a + (lane + np.uint64(e) * sizes.lanes) * sizes.a_pitch + t * width + unit
                    for g in range(gates):
                        sums[g, e] = shared[row + np.uint64(g) * sizes.H]
                    if apart:
                        sums[gates, e] = sums[gates - 1, e]
                        sums[gates - 1, e] = zero
            states = sizes.h + lane * sizes.h_pitch + (t - one if known else t) * sizes.H
            factors = sizes.kept + lane * sizes.kept_pitch + t * sizes.H
            if resets:
                if mine:
                    if known:
                        first(shared, u, sums, unit, states, sizes.h_pitch, sizes)
                    for e in range(each):
                        extra[e] = reset(sums, e, state[e])
                        shared[factors + np.uint64(e) * sizes.lanes * sizes.kept_pitch + unit] = extra[e]
                cuda.syncthreads()
            if mine:
                if known:
                    if resets:
                        then(shared, u, sums, unit, factors, sizes.kept_pitch, sizes)
                    else:
                        then(shared, u, sums, unit, states, sizes.h_pitch, sizes)
                for e in range(each):
                    event = lane + np.uint64(e) * sizes.lanes
                    state[e], extra[e] = step(sums, e, state[e], extra[e])
                    shared[sizes.h + event * sizes.h_pitch + t * sizes.H + unit] = state[e]
                    if keeps:
                        shared[sizes.kept + event * sizes.kept_pitch + t * sizes.H + unit] = extra[e]
                    if training:
                        row = sizes.a + event * sizes.a_pitch + t * width + unit
                        for g in range(gates):
                            shared[row + np.uint64(g) * sizes.H] = sums[g, e]
            cuda.syncthreads()

    return steps


@cache
def backward_steps(cell: Equations, each: int, held: int, sequence: bool) -> Any:
    """The same from the last step to the first.

    Parameters
    ----------
    cell, each, held
        See `forward_steps`.
    sequence : bool
        Whether all states were returned.
    """
    gates, gradient, carries, apart, saves = cell.count, cell.gradient, cell.carries, cell.apart, cell.saves
    # those whose weights are multiplied with the state itself; the last gate may be another matter
    plain, resets, reset_gradient = cell.plain, cell.reset is not None, cell.reset_gradient
    hold, room = _holding(gates, held, back=True), max(held, 1)
    many, last = _products(each, held, 0, plain, back=True), _products(each, held, plain, gates, back=True)

    @device
    def steps(shared, thread, sizes):
        zero, one, width = np.float32(0), np.uint64(1), np.uint64(gates) * sizes.H
        unit, lane = thread % sizes.H, thread // sizes.H
        mine = lane < sizes.lanes
        u = cuda.local.array(room, float32)
        sums = cuda.local.array((MOST, each), float32)
        values = cuda.local.array(MOST, float32)
        totals = cuda.local.array(MOST, float32)
        dh = cuda.local.array(each, float32)
        dextra = cuda.local.array(each, float32)
        if mine:
            hold(shared, u, unit, sizes)
        for e in range(each):
            dh[e], dextra[e] = zero, zero
        for g in range(gates):
            totals[g] = zero
        for since in range(sizes.T):
            t = sizes.T - one - since
            known = t > np.uint64(0)
            if mine:
                for e in range(each):
                    event = lane + np.uint64(e) * sizes.lanes
                    row = sizes.a + event * sizes.a_pitch + t * width + unit
                    state = sizes.h + event * sizes.h_pitch + t * sizes.H + unit
                    kept = sizes.kept + event * sizes.kept_pitch + t * sizes.H + unit
                    for g in range(gates):
                        values[g] = shared[row + np.uint64(g) * sizes.H]
                    if sequence:
                        dh[e] += shared[sizes.dy + event * sizes.dy_pitch + t * sizes.H + unit]
                    elif since == np.uint64(0):
                        dh[e] += shared[sizes.dy + event * sizes.dy_pitch + unit]
                    before = shared[state - sizes.H] if known else zero
                    now = shared[kept] if saves else zero
                    earlier = shared[kept - sizes.H] if carries and known else zero
                    dh[e], passed = gradient(values, dh[e], dextra[e], before, now, earlier)
                    for g in range(gates):
                        shared[row + np.uint64(g) * sizes.H] = values[g]
                        if g > 0 or not resets:
                            totals[g] += values[g]
                    if apart:
                        shared[kept] = passed
                    if carries:
                        dextra[e] = passed
            cuda.syncthreads()
            row = sizes.a + lane * sizes.a_pitch + t * width
            if resets:
                if mine:
                    clear(sums, each)
                    last(shared, u, sums, unit, row + np.uint64(plain) * sizes.H, sizes.a_pitch, sizes)
                    for e in range(each):
                        event = lane + np.uint64(e) * sizes.lanes
                        state = sizes.h + event * sizes.h_pitch + t * sizes.H + unit
                        gate = row + np.uint64(e) * sizes.lanes * sizes.a_pitch + unit
                        before = shared[state - sizes.H] if known else zero
                        argument, direct = reset_gradient(sums[plain, e], shared[gate], before)
                        shared[gate] = argument
                        totals[0] += argument
                        dh[e] += direct
                cuda.syncthreads()
            if mine and known:
                clear(sums, each)
                many(shared, u, sums, unit, row, sizes.a_pitch, sizes)
                if apart:
                    factors = sizes.kept + lane * sizes.kept_pitch + t * sizes.H
                    last(shared, u, sums, unit, factors, sizes.kept_pitch, sizes)
                for e in range(each):
                    for g in range(gates):
                        dh[e] += sums[g, e]
        if mine:
            for g in range(gates):
                shared[sizes.db + lane * sizes.db_pitch + np.uint64(g) * sizes.H + unit] = totals[g]
        cuda.syncthreads()

    return steps


@device
def clear(sums, each):
    """All of a thread's sums."""
    for g in range(MOST):
        for e in range(each):
            sums[g, e] = np.float32(0)


def _holding(gates: int, held: int, *, back: bool = False) -> Any:
    """A device function that brings the weights that a unit's thread holds, if it holds any."""

    @device
    def hold(shared, u, unit, sizes):
        if held:
            for k in range(sizes.H):
                for g in range(gates):
                    gate = np.uint64(g) * sizes.H
                    row, column = (gate + k, unit) if back else (gate + unit, k)
                    u[gate + k] = shared[sizes.U + row * sizes.U_pitch + column]

    return hold


def _products(each: int, held: int, low: int, high: int, *, back: bool = False) -> Any:
    """A device function that adds products with the weights of the gates from `low` on, before `high`, to sums[g, e].

    Each event has, `pitch` floats from event to event, a vector from `source` on, with which the weights of the unit
    are multiplied; with `back` those that other units have for it, and there is a vector for each of the gates, one
    after another.
    """

    @device
    def multiply(shared, u, sums, unit, source, pitch, sizes):
        for k in range(sizes.H):
            for g in range(low, high):
                gate = np.uint64(g) * sizes.H
                row, column = (gate + k, unit) if back else (gate + unit, k)
                weight = u[gate + k] if held else shared[sizes.U + row * sizes.U_pitch + column]
                vector = source + (np.uint64(g - low) * sizes.H + k if back else k)
                for e in range(each):
                    sums[g, e] += weight * shared[vector + np.uint64(e) * sizes.lanes * pitch]

    return multiply
