"""From the first step to the last with products on tensor cores; see `tensor_steps.py`."""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import device, float32, index, kernel
from pytmva_rnn.kernels.cuda.machine.equations import MOST, Equations
from pytmva_rnn.kernels.cuda.machine.slabs import clear
from pytmva_rnn.kernels.cuda.machine.tensor_cores import GROUP, WARP
from pytmva_rnn.kernels.cuda.machine.tensor_steps import BLOCK, DEPTH, adding, forward_rows, keep, start


@cache
def forward_kernel(cell: Equations, wide: int, shares: bool) -> Any:
    """The kernel for blocks of so many eights of events; shares: states in shared memory.

    Its arguments are those of `steps.forward_kernel`, but U is as `tensor_steps.arrange` writes it.
    """
    gates, step, carries, apart, reset = cell.count, cell.step, cell.carries, cell.apart, cell.reset
    resets, saves, floats = reset is not None, cell.saves, cell.forward_floats
    rows = forward_rows(cell, 1)
    spans, chunk, exchange = rows.spans, rows.chunk, rows.exchange
    columns, most, low = GROUP * wide, 2 * gates * spans, gates - 1 if resets else 0

    def working_out(low: int, high: int) -> Any:
        """A function that leaves the arguments of the gates from low to high in shared memory, and those before as they
        are in a."""
        add = adding(low, high, spans, wide)

        @device
        def work_out(shared, sums, ahead, a, U, states, source, pitch, known, first, events, steps, t, unit, H):
            thread = cuda.threadIdx.x
            g, pair = thread % WARP // 4, 2 * (thread % 4)
            mine = thread // WARP * (GROUP * spans) + g
            # asked for before the products, and there when they are made
            for n in range(wide):
                for c in range(2):
                    event = first + n * GROUP + pair + c
                    for q in range(high * spans):
                        j = unit + mine + q % spans * GROUP
                        there = event < events and j < H
                        place = index(event * steps + t), index(q // spans * H + j)
                        ahead[n, 2 * q + c] = a[place] if there else np.float32(0)
            clear(sums, wide, most)
            if known:
                full = (H + DEPTH - 1) // DEPTH * DEPTH
                across = full * full
                add(sums, U, across, full, unit + mine - g, full - GROUP, 0, full, states, source, pitch)
            # the others have read those of the chunk before
            cuda.syncthreads()
            for n in range(wide):
                for c in range(2):
                    at = (n * GROUP + pair + c) * exchange + mine
                    for q in range(high * spans):
                        place = at + q // spans * chunk + q % spans * GROUP
                        value = ahead[n, 2 * q + c]
                        if apart and q // spans == gates - 1:
                            shared[index(place + chunk)] = value
                            value = np.float32(0)
                        if q >= low * spans:
                            value += sums[n, 2 * (q - low * spans) + c]
                        shared[index(place)] = value
            cuda.syncthreads()

        return work_out

    before_reset = working_out(0, low) if resets else None
    work_out = working_out(low, gates)

    @kernel
    def forward(a, U, y, before, saved, h0, c0, scratch, events, steps, T, H, sequence, training, remember):
        shared = cuda.shared.array(0, float32)
        sums, ahead = cuda.local.array((wide, most), float32), cuda.local.array((wide, most), float32)
        whole = cuda.local.array((MOST, 1), float32)
        zero = np.float32(0)
        first = cuda.blockIdx.x * columns
        pitch = (H + DEPTH - 1) // DEPTH * DEPTH | DEPTH
        if shares:
            states, h = shared, columns * exchange
        else:
            states, h = scratch, first * pitch * floats
        # behind the states of two steps: the carried ones, or the reset states
        extra = h + 2 * columns * pitch
        old, new = h, h + columns * pitch
        start(states, old, h0, remember, columns, H, pitch, first, events)
        start(states, new, h0, False, columns, H, pitch, first, events)
        if carries:
            start(states, extra, c0, remember, columns, H, pitch, first, events)
        if resets:
            start(states, extra, h0, False, columns, H, pitch, first, events)
        cuda.syncthreads()
        since = 0
        for t in range(steps):
            known = t > 0 or remember
            since += 1
            if resets:
                for unit in range(0, H, chunk):
                    before_reset(shared, sums, ahead, a, U, states, old, pitch, known, first, events, steps, t, unit, H)
                    k = numba.int64(cuda.threadIdx.x)
                    while k < chunk * columns:
                        j, n = unit + k % chunk, k // chunk
                        event = first + n
                        if j < H and event < events:
                            row, place, at = event * steps + t, n * pitch + j, n * exchange + k % chunk
                            for g in range(low):
                                whole[g, 0] = shared[index(at + g * chunk)]
                            states[index(extra + place)] = reset(whole, 0, states[index(old + place)])
                            for g in range(low):
                                a[index(row), index(g * H + j)] = whole[g, 0]
                        k += BLOCK
                cuda.syncthreads()
            source = extra if resets else old
            for unit in range(0, H, chunk):
                work_out(shared, sums, ahead, a, U, states, source, pitch, known, first, events, steps, t, unit, H)
                k = numba.int64(cuda.threadIdx.x)
                while k < chunk * columns:
                    j, n = unit + k % chunk, k // chunk
                    event = first + n
                    if j < H and event < events:
                        row, place, at = event * steps + t, n * pitch + j, n * exchange + k % chunk
                        for g in range(gates + 1 if apart else gates):
                            whole[g, 0] = shared[index(at + g * chunk)]
                        held = states[index(old + place)]
                        value, kept = step(whole, 0, held, states[index(extra + place)] if carries or resets else zero)
                        states[index(new + place)] = value
                        if carries:
                            states[index(extra + place)] = kept
                        if training:
                            for g in range(gates):
                                a[index(row), index(g * H + j)] = whole[g, 0]
                            before[index(row), index(j)] = held if t > 0 else zero
                            if saves:
                                saved[index(row), index(j)] = kept if carries or t > 0 else zero
                        if sequence:
                            y[index(row), index(j)] = value
                        elif since == T:
                            y[index(row // T), index(j)] = value
                    k += BLOCK
            if since == T:
                since = 0
            old, new = new, old
            cuda.syncthreads()
        if remember:
            keep(states, old, h0, columns, H, pitch, first, events)
            if carries:
                keep(states, extra, c0, columns, H, pitch, first, events)

    return forward
