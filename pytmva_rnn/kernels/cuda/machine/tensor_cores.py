"""Products on tensor cores, in the accuracy of float32 but for its last bits: three of TF32 for one.

A factor is divided into what TF32 holds of it, 11 bits of the significand, and what TF32 holds of the rest; only the
product of the two rests is left out. Infinities become NaN. It is off unless PYTMVA_RNN_CUDA_TF32=1 asks for it, since
sums differ from those of the other kernels. Under the simulator Python does what tensor cores do.

A warp makes tiles of 16 rows and 8 columns over 8 of the sums' index at once, with which thread holds what as the PTX
manual says of `mma.m16n8k8`: of the left factor rows g and g + 8, of the right one column g, and of the sums columns 2t
and 2t + 1, where the thread is the t-th of four in the g-th group of the warp.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, device, float32, index, switched_on

VARIABLE = "PYTMVA_RNN_CUDA_TF32"

WARP = 32

GROUP = 8
"""Rows of half a tile, its columns, and so much of the sums' index: there are as many groups of threads in a warp."""

_ROWS, _COLUMNS = 32, 64
"""What a warp makes of a tile of `slabs.py`: all columns of its rows."""


def able() -> bool:
    """Whether the GPU has tensor cores for TF32: from compute capability 8 on."""
    return SIMULATED or bool(cuda.get_current_device().compute_capability >= (8, 0))


def wanted() -> bool:
    """Whether the environment asks for tensor cores, and the GPU has them."""
    return switched_on(VARIABLE, otherwise=False) and able()


if SIMULATED:
    _MOST = 256
    """Threads of the largest block."""

    @device
    def _round(value):
        """The nearest number of TF32."""
        if not np.isfinite(value):
            return value
        return ((value.view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)

    @device
    def _multiply(a0, a1, a2, a3, b0, b1, c0, c1, c2, c3):
        """The thread's part of the sums c with the products of its warp's numbers of TF32 added.

        A warp's threads know of one another by barriers, to which all of the block have to come.
        """
        factors = cuda.shared.array((_MOST, 6), float32)
        products = cuda.shared.array((_MOST, 4), float32)
        thread = cuda.threadIdx.x
        factors[thread] = a0, a1, a2, a3, b0, b1
        cuda.syncthreads()
        if thread % WARP == 0:
            of_warp = factors[thread : thread + WARP].astype(np.float64).reshape(GROUP, 4, 6)
            p0, p1, p2, p3, q0, q1 = of_warp.transpose(2, 0, 1)
            made = np.block([[p0, p2], [p1, p3]]) @ np.hstack([q0, q1]).T
            # rows of both halves, each with pairs of columns
            of_threads = made.reshape(2, GROUP, 4, 2).transpose(1, 2, 0, 3)
            products[thread : thread + WARP] = of_threads.reshape(WARP, 4)
        cuda.syncthreads()
        d0, d1, d2, d3 = products[thread]
        return c0 + d0, c1 + d1, c2 + d2, c3 + d3

else:
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    _FLOAT, _BITS = ir.FloatType(), ir.IntType(32)

    @intrinsic
    def _round(typing, value):
        """The nearest number of TF32."""

        def make(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            text = "cvt.rna.tf32.f32 $0, $1;"
            rounded = ir.InlineAsm(ir.FunctionType(_BITS, [_FLOAT]), text, "=r,f", side_effect=False)
            return builder.bitcast(builder.call(rounded, arguments), _FLOAT)

        return types.float32(types.float32), make

    @intrinsic
    def _multiply(typing, a0, a1, a2, a3, b0, b1, c0, c1, c2, c3):
        """The thread's part of the sums c with the products of its warp's numbers of TF32 added."""

        def make(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = ir.FunctionType(ir.LiteralStructType([_FLOAT] * 4), [_BITS] * 6 + [_FLOAT] * 4)
            text = (
                "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                "{$0,$1,$2,$3}, {$4,$5,$6,$7}, {$8,$9}, {$10,$11,$12,$13};"
            )
            product = ir.InlineAsm(kind, text, "=f,=f,=f,=f,r,r,r,r,r,r,f,f,f,f", side_effect=True)
            bits = [builder.bitcast(factor, _BITS) for factor in arguments[:6]]
            made = builder.call(product, [*bits, *arguments[6:]])
            each = [builder.extract_value(made, k) for k in range(4)]
            return context.make_tuple(builder, signature.return_type, each)

        return types.UniTuple(types.float32, 4)(*[types.float32] * 10), make


@device
def divide(value):
    """What TF32 holds of a number, and what it holds of the rest."""
    rounded = _round(value)
    return rounded, _round(value - rounded)


@device
def add_products(sums, j, tiles, a, a_rest, x, y):
    """Add to sums[j] the products of each tile's left factors, divided into a and a_rest, with the right ones x and y.

    Four of each belong to a tile.
    """
    b0, rest0 = divide(x)
    b1, rest1 = divide(y)
    for tile in range(tiles):
        k = tile * 4
        c0, c1, c2, c3 = sums[j, k], sums[j, k + 1], sums[j, k + 2], sums[j, k + 3]
        a0, a1, a2, a3 = a[k], a[k + 1], a[k + 2], a[k + 3]
        # the small ones first
        c0, c1, c2, c3 = _multiply(a_rest[k], a_rest[k + 1], a_rest[k + 2], a_rest[k + 3], b0, b1, c0, c1, c2, c3)
        c0, c1, c2, c3 = _multiply(a0, a1, a2, a3, rest0, rest1, c0, c1, c2, c3)
        c0, c1, c2, c3 = _multiply(a0, a1, a2, a3, b0, b1, c0, c1, c2, c3)
        sums[j, k], sums[j, k + 1], sums[j, k + 2], sums[j, k + 3] = c0, c1, c2, c3


@device
def multiply(shared, left, right, pitch, sums, a, a_rest):
    """Add the products of two slabs in shared memory, [k][row] from `left` on and [k][column] from `right` on.

    `sums` (8, 8) has those of each eight columns: four for the warp's first 16 rows and four for the others.
    """
    lane, warp = cuda.threadIdx.x % WARP, cuda.threadIdx.x // WARP
    g, t = lane // 4, lane % 4
    for tile in range(2):
        for q in range(4):
            row = warp * _ROWS + tile * 16 + q % 2 * 8 + g
            value = shared[index(left + (t + q // 2 * 4) * pitch + row)]
            a[tile * 4 + q], a_rest[tile * 4 + q] = divide(value)
    for j in range(_COLUMNS // GROUP):
        x, y = shared[index(right + t * pitch + j * 8 + g)], shared[index(right + (t + 4) * pitch + j * 8 + g)]
        add_products(sums, j, 2, a, a_rest, x, y)


@device
def spread(shared, pitch, sums):
    """Write the sums to shared memory, [row][column]."""
    lane, warp = cuda.threadIdx.x % WARP, cuda.threadIdx.x // WARP
    g, t = lane // 4, lane % 4
    for j in range(_COLUMNS // GROUP):
        for q in range(8):
            row = warp * _ROWS + q // 4 * 16 + q % 4 // 2 * 8 + g
            shared[index(row * pitch + j * 8 + 2 * t + q % 2)] = sums[j, q]
    cuda.syncthreads()
