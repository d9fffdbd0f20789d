"""From the last step to the first with products on tensor cores; see `tensor_steps.py`."""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import device, float32, index, kernel
from pytmva_rnn.kernels.cuda.machine.equations import MOST, Equations
from pytmva_rnn.kernels.cuda.machine.slabs import clear
from pytmva_rnn.kernels.cuda.machine.steps import upstream
from pytmva_rnn.kernels.cuda.machine.tensor_cores import GROUP, WARP
from pytmva_rnn.kernels.cuda.machine.tensor_steps import BLOCK, DEPTH, WARPS, adding, backward_rows

AHEAD = 2
"""Units of an event whose values a thread reads at once."""


@cache
def backward_kernel(cell: Equations, wide: int, shares: bool) -> Any:
    """The kernel for blocks of so many eights of events; shares: gradients in shared memory.

    Its arguments are those of `steps.backward_kernel`, but U is as `tensor_steps.arrange` writes it.
    """
    gates, gradient, carries, apart = cell.count, cell.gradient, cell.carries, cell.apart
    reset_gradient, saves = cell.reset_gradient, cell.saves
    resets = reset_gradient is not None
    rows = backward_rows(cell, 1)
    spans, chunk, exchange = rows.spans, rows.chunk, rows.exchange
    columns, most, beside = GROUP * wide, 2 * spans, 2 if carries else 1
    # those whose gradients go to the state itself
    through = gates - 1 if resets else gates
    add = adding(0, 1, spans, wide)

    @device
    def work_out(shared, sums, U, states, da, pitch, unit, full, begin, end):
        """Leave the products of the gradients of the gates, from `begin` to `end`, in shared memory, [event][unit]."""
        thread = cuda.threadIdx.x
        g, pair = thread % WARP // 4, 2 * (thread % 4)
        mine = thread // WARP * (GROUP * spans) + g
        clear(sums, wide, most)
        add(sums, U, 0, gates * full, unit + mine - g, full - GROUP, begin, end, states, da, pitch)
        # the others have read those of the chunk before
        cuda.syncthreads()
        for n in range(wide):
            for c in range(2):
                for q in range(spans):
                    place = (n * GROUP + pair + c) * exchange + mine + q * GROUP
                    shared[index(place)] = sums[n, 2 * q + c]
        cuda.syncthreads()

    @kernel
    def backward(a, U, dy, before, saved, scratch, events, steps, H, sequence):
        shared = cuda.shared.array(0, float32)
        sums = cuda.local.array((wide, most), float32)
        of_gates, values = cuda.local.array((AHEAD, MOST), float32), cuda.local.array(MOST, float32)
        above, held = cuda.local.array(AHEAD, float32), cuda.local.array(AHEAD, float32)
        kept, earlier = cuda.local.array(AHEAD, float32), cuda.local.array(AHEAD, float32)
        zero = np.float32(0)
        first = cuda.blockIdx.x * columns
        full = (H + DEPTH - 1) // DEPTH * DEPTH
        pitch = gates * full | DEPTH
        if shares:
            states, da = shared, columns * exchange
        else:
            states, da = scratch, first * (pitch + beside * full)
        dh = da + columns * pitch
        dextra = dh + columns * full
        for k in range(cuda.threadIdx.x, columns * (pitch + beside * full), BLOCK):
            states[index(da + k)] = zero
        cuda.syncthreads()
        for t in range(steps - 1, -1, -1):
            # a warp has some events: what it reads of one lies side by side
            for n in range(cuda.threadIdx.x // WARP, min(columns, events - first), WARPS):
                event = first + n
                row = event * steps + t
                j = numba.int64(cuda.threadIdx.x % WARP)
                while j < H:
                    for i in range(AHEAD):
                        # beyond the last one, the first once more
                        there = j + i * WARP if j + i * WARP < H else j
                        for g in range(gates):
                            of_gates[i, g] = a[index(row), index(g * H + there)]
                        above[i] = upstream(dy, sequence, event, t, steps, there)
                        held[i] = before[index(row), index(there)]
                        kept[i] = saved[index(row), index(there)] if saves else zero
                        earlier[i] = saved[index(row - 1), index(there)] if carries and t > 0 else zero
                    for i in range(AHEAD):
                        if j < H:
                            for g in range(gates):
                                values[g] = of_gates[i, g]
                            place = n * full + j
                            dht = states[index(dh + place)] + above[i]
                            passing = states[index(dextra + place)] if carries else zero
                            direct, passed = gradient(values, dht, passing, held[i], kept[i], earlier[i])
                            gate = da + n * pitch + j
                            for g in range(gates):
                                a[index(row), index(g * H + j)] = values[g]
                                states[index(gate + g * full)] = values[g]
                            if apart:
                                saved[index(row), index(j)] = passed
                                states[index(gate + (gates - 1) * full)] = passed
                            if carries:
                                states[index(dextra + place)] = passed
                            states[index(dh + place)] = direct
                        j += WARP
            cuda.syncthreads()
            if resets:
                for unit in range(0, H, chunk):
                    work_out(shared, sums, U, states, da, pitch, unit, full, through * full, gates * full)
                    k = numba.int64(cuda.threadIdx.x)
                    while k < chunk * columns:
                        j, n = unit + k % chunk, k // chunk
                        event = first + n
                        if j < H and event < events:
                            row = event * steps + t
                            slope, direct = reset_gradient(
                                shared[index(n * exchange + k % chunk)],
                                a[index(row), index(j)],
                                before[index(row), index(j)],
                            )
                            a[index(row), index(j)] = slope
                            states[index(da + n * pitch + j)] = slope
                            states[index(dh + n * full + j)] += direct
                        k += BLOCK
                cuda.syncthreads()
            if t > 0:
                for unit in range(0, H, chunk):
                    work_out(shared, sums, U, states, da, pitch, unit, full, 0, through * full)
                    k = numba.int64(cuda.threadIdx.x)
                    while k < chunk * columns:
                        j, n = unit + k % chunk, k // chunk
                        if j < H:
                            states[index(dh + n * full + j)] += shared[index(n * exchange + k % chunk)]
                        k += BLOCK
                cuda.syncthreads()

    return backward
