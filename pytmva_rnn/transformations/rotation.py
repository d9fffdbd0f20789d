"""`M (x - before) + after`: what decorrelation, principal components and their inverses come to."""

from __future__ import annotations

import numpy as np

from pytmva_rnn.compile import array_at, operation
from pytmva_rnn.transformations.instruction import ROTATED, Instruction
from pytmva_rnn.transformations.transformer import Values

__all__ = ["rotate", "rotation"]


def rotation(matrix: Values, before: Values | None = None, after: Values | None = None) -> Instruction:
    """The instruction with a matrix (n, n) and shifts (n,), zero if not given."""
    zero = np.zeros(len(matrix))
    shifts = (zero if before is None else before, zero if after is None else after)
    return Instruction(ROTATED, np.concatenate([*shifts, matrix.T.ravel()]))


@operation
def rotate(address: int, count: int, parameters_address: int, table: int, spare: int) -> None:
    """Rotate `count` values in place; `spare` is room for as many. See `interpreter`.

    Sums run over the inputs in ascending order. Column by column, they are made for all outputs at once: in vectors.
    """
    values, shifted = array_at(address, count, np.float64), array_at(spare, count, np.float64)
    before = array_at(parameters_address, count, np.float64)
    after = array_at(parameters_address + 8 * count, count, np.float64)
    columns = array_at(parameters_address + 16 * count, (count, count), np.float64)
    for i in range(count):
        shifted[i] = values[i] - before[i]
        values[i] = 0
    paired = count // 4 * 4
    for j in range(0, paired, 4):
        x, y, z, t = shifted[j], shifted[j + 1], shifted[j + 2], shifted[j + 3]
        for i in range(count):
            total = values[i] + columns[j, i] * x + columns[j + 1, i] * y
            values[i] = total + columns[j + 2, i] * z + columns[j + 3, i] * t
    for j in range(paired, count):
        for i in range(count):
            values[i] += columns[j, i] * shifted[j]
    for i in range(count):
        values[i] += after[i]
