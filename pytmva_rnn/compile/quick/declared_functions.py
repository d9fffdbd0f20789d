"""Functions for compiled code, as they are declared: Numba is told of them when it first meets them, if ever."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from pytmva_rnn.compile.quick.registers import DOUBLE, INTEGER, LOGICAL, Refused, Scalar, converted, number

__all__ = ["Helper", "Intrinsic", "intrinsic", "located", "numba_import", "numba_side"]


numba_import = threading.RLock()
"""Held while Numba is imported for us, by a thread that takes no other lock of the package or of Numba meanwhile."""


@functools.cache
def numba_side() -> Any:
    """What has Numba, whose import takes longer than a first score: for what it has to compile."""
    with numba_import:
        from pytmva_rnn.compile import by_numba
    by_numba.make_contexts()
    return by_numba


class Helper:
    """A function that compiled code calls; Python calls it as it is."""

    _type: Any = None

    def __init__(self, function: Callable[..., Any]) -> None:
        self.py_func = function
        functools.update_wrapper(self, function)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self.py_func(*arguments, **keywords)

    @property
    def _numba_type_(self) -> Any:
        """What Numba looks at."""
        if self._type is None:
            self._type = self._numba_type()
        return self._type

    def _numba_type(self) -> Any:
        return numba_side().helper_type(self.py_func)


class Intrinsic(Helper):
    """What emits instructions itself.

    Parameters
    ----------
    function : callable
        Of LLVM's builder and arguments as the quick compiler has them; gives what a call means there.
    described : callable
        Has the name, and the arguments' names.
    """

    def __init__(self, function: Callable[..., Any], described: Callable[..., Any]) -> None:
        self.emit = function
        super().__init__(described)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        raise NotImplementedError(f"{self.py_func.__qualname__} is for compiled code")

    def _numba_type(self) -> Any:
        parameters = list(inspect.signature(self.py_func).parameters.values())[1:]
        return numba_side().intrinsic_type(self, self.emit, parameters)


def located(function: Callable[..., Any]) -> Any:
    """Decorate what emits a `RecordAt` or an `ArrayAt` of numbers as the quick compiler has them, and of types."""
    return Intrinsic(function, function)


def intrinsic(function: Callable[..., Any]) -> Any:
    """Decorate what emits instructions with integers of 64 bits and float64 in registers, and tuples of them.

    It gives an integer or a truth value in a register, or nothing.
    """

    def emit(builder: Any, *arguments: Any) -> Scalar | None:
        found = function(builder, *(_register(builder, each) for each in arguments))
        if found is None:
            return None
        return Scalar(LOGICAL if found.type == ir.IntType(1) else INTEGER, found)

    return Intrinsic(emit, function)


def _register(builder: Any, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_register(builder, each) for each in value)
    of = number(value)
    if of.kind is DOUBLE:
        return of.value
    if of.kind not in (INTEGER, LOGICAL):
        raise Refused(f"{of.kind.name} for an intrinsic")
    return converted(builder, of, INTEGER)
