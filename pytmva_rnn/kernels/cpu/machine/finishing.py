"""From raw outputs to scores at the end of compiled code, to the last digit as `outputs` and NumPy make them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import LOOP, filled, helper, loop_of
from pytmva_rnn.kernels.cpu.machine.intrinsics import call, doubles, floats, record_at
from pytmva_rnn.kernels.cpu.machine.op import FINISHING

__all__ = ["Finishing", "finish"]

_AT_ONCE = 512
_SOURCE, _N, _STEP = (LOOP.fields[name][1] for name in ("source", "n", "source_step"))  # type: ignore[index]


@helper
def finish(record_address, outputs, n):
    """Make scores of n raw outputs at an address; `record_address` is that of a record FINISHING."""
    of, y = record_at(record_address, FINISHING), floats(outputs, n)
    if of.sigmoid:
        loop, halves = record_at(of.tanh, LOOP), doubles(of.halves, _AT_ONCE)
        for first in range(0, n, _AT_ONCE):
            count = min(_AT_ONCE, n - first)
            for k in range(count):
                halves[k] = 0.5 * np.float64(y[first + k])
            loop.n = count
            call(loop.function, (of.tanh + _SOURCE, of.tanh + _N, of.tanh + _STEP, loop.data))
            for k in range(count):
                y[first + k] = np.float32(0.5 * halves[k] + 0.5)
    if of.reports:
        for k in range(n):
            if np.isnan(y[k]):
                y[k] = np.float32(of.answer)


class Finishing:
    """What `finish` needs, for one thread at a time.

    Parameters
    ----------
    letter : str
        Of an output function, one of `letters()`.
    answer : float, optional
        What takes the place of NaN.

    Attributes
    ----------
    address : int
        Of a record FINISHING.
    """

    def __init__(self, letter: str, answer: float | None) -> None:
        self._record = np.zeros(1, FINISHING)
        self._halves = np.empty(_AT_ONCE)
        self._tanh: NDArray[Any] | None = None
        if letter == "S":
            step, place = self._halves.itemsize, self._halves.ctypes.data
            steps = {"source_step": step, "target_step": step}
            self._tanh = filled(loop_of(np.tanh).copy(), source=place, target=place, **steps)
            filled(self._record, sigmoid=1, halves=place, tanh=self._tanh.ctypes.data)
        if answer is not None:
            filled(self._record, reports=1, answer=answer)
        self.address: int = self._record.ctypes.data

    @staticmethod
    def letters() -> str:
        """Of the output functions that there are here: the identity, and the sigmoid where NumPy's tanh is found."""
        return "I" if loop_of(np.tanh) is None else "IS"
