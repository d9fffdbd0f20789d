"""`M (x - before) + after`: what decorrelation, principal components and their inverses come to."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytmva_rnn.compile import kernel
from pytmva_rnn.transformations.instruction import ROTATED, Instruction
from pytmva_rnn.transformations.transformer import Values

__all__ = ["rotate", "rotation"]


def rotation(matrix: Values, before: Values | None = None, after: Values | None = None) -> Instruction:
    """The instruction with a matrix (n, n) and shifts (n,), zero if not given."""
    zero = np.zeros(len(matrix))
    shifts = (zero if before is None else before, zero if after is None else after)
    return Instruction(ROTATED, np.concatenate([*shifts, matrix.T.ravel()]))


@kernel
def rotate(values: Any, parameters: Any, shifted: Any) -> None:
    """Rotate the n values in place; `shifted` is room for n.

    Sums run over the inputs in ascending order. Column by column, they are made for all outputs at once: in vectors.
    """
    count = len(values)
    before, after, columns = parameters[:count], parameters[count : 2 * count], parameters[2 * count :]
    for i in range(count):
        shifted[i] = values[i] - before[i]
        values[i] = 0
    paired = count // 4 * 4
    for j in range(0, paired, 4):
        first = columns[j * count : (j + 1) * count]
        second = columns[(j + 1) * count : (j + 2) * count]
        third = columns[(j + 2) * count : (j + 3) * count]
        fourth = columns[(j + 3) * count : (j + 4) * count]
        x, y, z, t = shifted[j], shifted[j + 1], shifted[j + 2], shifted[j + 3]
        for i in range(count):
            values[i] = values[i] + first[i] * x + second[i] * y + third[i] * z + fourth[i] * t
    for j in range(paired, count):
        column = columns[j * count : (j + 1) * count]
        for i in range(count):
            values[i] += column[i] * shifted[j]
    for i in range(count):
        values[i] += after[i]
