"""What Python calls with arrays, compiled as operations are: an array comes as its address and its lengths."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from pytmva_rnn.compile.builtin import check_arrays, data_address
from pytmva_rnn.compile.decorators import _one_at_a_time, kernel, log
from pytmva_rnn.compile.quick import Refused, address_of

__all__ = ["Entry", "entry"]


class Entry:
    """A compiled function of arrays in C order and of numbers, which may give a number.

    It is compiled for each kind of arguments, and by Numba where it has to be. A call takes microseconds more than one
    of a `kernel`.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.py_func = function
        self._kernel = kernel(function)
        self._known: dict[Any, Callable[[int], None] | None] = {}  # None: by Numba

    @property
    def _numba_type_(self) -> Any:
        """What compiled code of Numba's calls."""
        return self._kernel._numba_type_

    def __call__(self, *arguments: Any) -> Any:
        """Call it."""
        words: list[int] = []
        kinds = tuple(_taken(each, words) for each in arguments)
        if kinds not in self._known:
            with _one_at_a_time:
                if kinds not in self._known:
                    self._known[kinds] = self._compiled(kinds)
        function = self._known[kinds]
        if function is None:
            return self._kernel(*arguments)
        block = np.array([*words, 0], np.int64)
        function(block.ctypes.data)
        return block[-1:].view(np.float64).item()

    def _compiled(self, kinds: tuple[Any, ...]) -> Callable[[int], None] | None:
        try:
            check_arrays()
            if None in kinds:
                raise Refused(f"{self.py_func.__qualname__} of other arguments")
            return ctypes.CFUNCTYPE(None, ctypes.c_int64)(address_of(self.py_func, kinds))
        except Refused as reason:
            log.debug("compiled by Numba: %s", reason)
            return None


entry = Entry


_double_of, _bits_of = struct.Struct("d").pack, struct.Struct("q").unpack


def _taken(argument: Any, words: list[int]) -> Any:
    """The kind of an argument, whose words are appended: None for one that only Numba takes."""
    if isinstance(argument, np.ndarray):
        words += [data_address(argument), *argument.shape]
        # Numba looks after memory that must not be written to
        return (argument.dtype, argument.ndim) if argument.flags.carray else None
    if isinstance(argument, float | np.float64):
        words.append(_bits_of(_double_of(argument))[0])
        return float
    words.append(int(argument))
    return int if isinstance(argument, int | np.integer) else None
