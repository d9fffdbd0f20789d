"""Matrix products whose inner dimension or columns are lanes, cut into register tiles. Addresses in bytes."""

from __future__ import annotations

from pytmva_rnn.kernels.cpu.jit import kernel
from pytmva_rnn.kernels.cpu.simd import VECTORS, WIDTH
from pytmva_rnn.kernels.cpu.tiles import matrix_tile

# 16 vector registers (AVX) hold half the accumulators of 32 (AVX-512, NEON)
ROWS = 4 if WIDTH == 8 else 8
COLUMNS = 2 if WIDTH == 8 else 4

_product_full = matrix_tile(ROWS, VECTORS, rows_adjacent=False)
_product_4 = matrix_tile(4, VECTORS, rows_adjacent=False)
_product_2 = matrix_tile(2, VECTORS, rows_adjacent=False)
_product_1 = matrix_tile(1, VECTORS, rows_adjacent=False)

_transposed_full = matrix_tile(ROWS, VECTORS, rows_adjacent=True)
_transposed_4 = matrix_tile(4, VECTORS, rows_adjacent=True)
_transposed_2 = matrix_tile(2, VECTORS, rows_adjacent=True)
_transposed_1 = matrix_tile(1, VECTORS, rows_adjacent=True)

_outer_6_full = matrix_tile(6, COLUMNS, rows_adjacent=False)
_outer_3_full = matrix_tile(3, COLUMNS, rows_adjacent=False)
_outer_1_full = matrix_tile(1, COLUMNS, rows_adjacent=False)
_outer_6_1 = matrix_tile(6, 1, rows_adjacent=False)
_outer_3_1 = matrix_tile(3, 1, rows_adjacent=False)
_outer_1_1 = matrix_tile(1, 1, rows_adjacent=False)
_outer_6_2 = matrix_tile(6, 2, rows_adjacent=False)
_outer_3_2 = matrix_tile(3, 2, rows_adjacent=False)
_outer_1_2 = matrix_tile(1, 2, rows_adjacent=False)


@kernel
def product(rows, a, a_stride, b, b_stride, count, c, c_stride, accumulate):
    """C[rows][LANES] (+)= A[rows][count] B[count][LANES]."""
    r = 0
    while rows - r >= ROWS:
        _product_full(a, a_stride, 0, b, b_stride, 0, count, 1, c, c_stride, accumulate)
        r += ROWS
        a += 4 * ROWS * a_stride
        c += 4 * ROWS * c_stride
    if rows - r >= 4:
        _product_4(a, a_stride, 0, b, b_stride, 0, count, 1, c, c_stride, accumulate)
        r += 4
        a += 16 * a_stride
        c += 16 * c_stride
    if rows - r >= 2:
        _product_2(a, a_stride, 0, b, b_stride, 0, count, 1, c, c_stride, accumulate)
        r += 2
        a += 8 * a_stride
        c += 8 * c_stride
    if rows - r >= 1:
        _product_1(a, a_stride, 0, b, b_stride, 0, count, 1, c, c_stride, accumulate)


@kernel
def transposed_product(rows, a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride):
    """C[rows][LANES] = sum over t < n of A_t[count][rows]^T B_t[count][LANES]."""
    r = 0
    while rows - r >= ROWS:
        _transposed_full(a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride, 0)
        r += ROWS
        a += 4 * ROWS
        c += 4 * ROWS * c_stride
    if rows - r >= 4:
        _transposed_4(a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride, 0)
        r += 4
        a += 16
        c += 16 * c_stride
    if rows - r >= 2:
        _transposed_2(a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride, 0)
        r += 2
        a += 8
        c += 8 * c_stride
    if rows - r >= 1:
        _transposed_1(a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride, 0)


@kernel
def outer_product(rows, columns, a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride):
    """C[rows][columns] += sum over t < n of A_t[rows][count] B_t[count][columns]; columns a multiple of WIDTH."""
    column = 0
    while column < columns:
        left = (columns - column) // WIDTH
        vectors = COLUMNS if left >= COLUMNS else 2 if left >= 2 else 1
        r = 0
        at, ct = a, c
        while rows - r >= 6:
            if vectors == COLUMNS:
                _outer_6_full(at, a_stride, a_next, b, b_stride, b_next, count, n, ct, c_stride, 1)
            elif vectors == 2:
                _outer_6_2(at, a_stride, a_next, b, b_stride, b_next, count, n, ct, c_stride, 1)
            else:
                _outer_6_1(at, a_stride, a_next, b, b_stride, b_next, count, n, ct, c_stride, 1)
            r += 6
            at += 24 * a_stride
            ct += 24 * c_stride
        while rows - r >= 3:
            if vectors == COLUMNS:
                _outer_3_full(at, a_stride, a_next, b, b_stride, b_next, count, n, ct, c_stride, 1)
            elif vectors == 2:
                _outer_3_2(at, a_stride, a_next, b, b_stride, b_next, count, n, ct, c_stride, 1)
            else:
                _outer_3_1(at, a_stride, a_next, b, b_stride, b_next, count, n, ct, c_stride, 1)
            r += 3
            at += 12 * a_stride
            ct += 12 * c_stride
        while rows - r >= 1:
            if vectors == COLUMNS:
                _outer_1_full(at, a_stride, a_next, b, b_stride, b_next, count, n, ct, c_stride, 1)
            elif vectors == 2:
                _outer_1_2(at, a_stride, a_next, b, b_stride, b_next, count, n, ct, c_stride, 1)
            else:
                _outer_1_1(at, a_stride, a_next, b, b_stride, b_next, count, n, ct, c_stride, 1)
            r += 1
            at += 4 * a_stride
            ct += 4 * c_stride
        column += vectors * WIDTH
        b += 4 * vectors * WIDTH
        c += 4 * vectors * WIDTH
