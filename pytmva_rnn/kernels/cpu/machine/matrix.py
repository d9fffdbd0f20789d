"""The matrix products of the layers, whose inner dimension or columns are lanes, and transposes. Addresses in bytes.

They are operations, which the layers' records have the addresses of: in each function that had them in it they would be
compiled again, for a second.
"""

from __future__ import annotations

from pytmva_rnn.compile import operation
from pytmva_rnn.kernels.cpu.machine.columns import affine_product
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, VECTORS, WIDTH
from pytmva_rnn.kernels.cpu.machine.op import element
from pytmva_rnn.kernels.cpu.machine.simd import transpose_square
from pytmva_rnn.kernels.cpu.machine.tiles import matrix_product

# 16 vector registers (AVX) hold half the sums of 32 (AVX-512, NEON)
_ROWS = 4 if WIDTH == 8 else 8
_COLUMNS = 2 if WIDTH == 8 else 4

PANEL = _COLUMNS * WIDTH
"""Columns of a tile of `outer_product`."""

_product = matrix_product(6 if WIDTH == 8 else 8, VECTORS, rows_adjacent=False)
_transposed = matrix_product(_ROWS, VECTORS, rows_adjacent=True)
_outer = matrix_product(6, _COLUMNS, rows_adjacent=False)


@operation
def product(rows, vectors, a, a_stride, b, b_stride, count, c, c_stride, accumulate):
    """C[rows][LANES] (+)= A[rows][count] B[count][LANES], for some vectors of lanes."""
    _product(rows, vectors, a, a_stride, 0, b, b_stride, 0, count, 1, c, c_stride, accumulate)


@operation
def transposed_product(rows, vectors, a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride):
    """C[rows][LANES] = sum over t < n of A_t[count][rows]^T B_t[count][LANES], for some vectors of lanes."""
    _transposed(rows, vectors, a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride, 0)


@operation
def outer_product(rows, columns, a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride):
    """C[rows][columns] += sum over t < n of A_t[rows][count] B_t[count][columns]; columns a multiple of WIDTH."""
    _outer(rows, columns // WIDTH, a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride, 1)


@operation
def affine(vectors, start, panels, rows, x, n, y, backwards):
    """y[columns] = start[columns] + b[columns] + sum over k < n of x[k] W[k][columns].

    That is of one event, for some vectors of columns, `backwards` from the last ones on; each panel has `rows` rows.
    """
    affine_product(vectors, start, panels, rows, x, n, y, backwards)


@operation
def transpose(rows, vectors, source, target):
    """target[LANES][rows] = source[rows][LANES], for some vectors of lanes; rows a multiple of WIDTH."""
    for row in range(0, rows, WIDTH):
        for lane in range(0, vectors * WIDTH, WIDTH):
            transpose_square(element(source, LANES, row, lane), LANES, element(target, rows, lane, row), rows)
