"""What compiles a function.

`kernel` compiles what Python calls, and an `operation` a C function of integers when its address is first asked for:
the CPU kernels' table of operations refers to it, so that a program compiles the layers that its network has and no
others, each once. They call a `helper`, which becomes a part of them, or have the lines of what is `inlined` in theirs.
"""

from __future__ import annotations

import ctypes
import inspect
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from typing import Any, ClassVar

import llvmlite.binding

from pytmva_rnn.compile.numba_settings import check_compiling
from pytmva_rnn.compile.quick import Helper, Refused, Walk, address_of, numba_import, numba_side
from pytmva_rnn.first_imports import importing

__all__ = ["Operation", "answering", "emitted", "helper", "inlined", "kernel", "operation"]

log = logging.getLogger("pytmva_rnn")

check_compiling()


class Kernel(Helper):
    """A function that Numba compiles for each kind of arguments that it is called with."""

    _made: Any = None

    @property
    def dispatcher(self) -> Any:
        """Numba's part, made when it is first needed."""
        if self._made is None:
            # of threads that come here at the same time all have that of the first
            self.__dict__.setdefault("_made", numba_side().dispatcher(self.py_func))
        return self._made

    def __call__(self, *arguments: Any) -> Any:
        """Call it."""
        return self.dispatcher(*arguments)

    def _numba_type(self) -> Any:
        return self.dispatcher._numba_type_


class Inlined(Helper):
    """A function whose statements are put in place of each call."""

    targetoptions: ClassVar = {"inline": "always"}  # Numba looks at it

    def _numba_type(self) -> Any:
        return numba_side().helper_type(self.py_func, inline="always")


class Emitted(Helper):
    """A function that Numba has the instructions of that the quick compiler emits for it."""

    def _numba_type(self) -> Any:
        def emit(builder: Any, *given: Any) -> Any:
            return Walk(builder, self.py_func, list(given)).run()

        return numba_side().intrinsic_type(self, emit, list(inspect.signature(self.py_func).parameters.values()))


def kernel(function: Any) -> Any:
    """Compile a function that runs on one thread, without Python's lock."""
    return Kernel(function)


def helper(function: Any) -> Any:
    """Let compiled functions call a function, which is compiled with them and not kept by itself."""
    return Helper(function)


def inlined(function: Any) -> Any:
    """The same for a function of a line or two, whose statements are put in place of each call."""
    return Inlined(function)


def emitted(function: Any) -> Any:
    """The same for arithmetic of integers, and of records' fields.

    As functions of their own, or put in place of each call by Numba, these lines would be a third of what it compiles.
    """
    return Emitted(function)


_one_at_a_time = threading.RLock()
_llvm: Any = getattr(llvmlite.binding.ffi.lib, "_lock", nullcontext())  # of each call, also of one that frees memory
_held = ExitStack()  # over a fork


def _hold() -> None:
    hold = _held.enter_context
    hold(importing)  # before the others: what is imported may compile
    hold(_one_at_a_time)
    compiler: Any = None
    while True:
        numba_import.acquire()
        # there are compilations by Numba if there is Numba; who compiles may want that import
        found: Any = getattr(sys.modules.get("numba.core.compiler_lock"), "global_compiler_lock", None)
        if found is compiler:
            break
        numba_import.release()
        hold(found)
        compiler = found
    _held.callback(numba_import.release)
    hold(_llvm)


def _release() -> None:
    # nothing where C++ forked the process, without a word to Python before, or where this module was imported while the
    # fork waited for that
    _held.pop_all().close()


if hasattr(os, "register_at_fork"):
    # in the forked process nobody would release what another thread held: it is forked when none compiles
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_release)


class Operation:
    """A C function of integers, addresses mostly, that compiles when its address is first needed."""

    def __init__(self, function: Callable[..., Any], *, answers: bool = False) -> None:
        self.function = function
        self.answers = answers  # whether it gives an integer
        self._address: int | None = None
        self._compiled: Any = None  # by Numba
        self._entry: Callable[..., None] | None = None

    @property
    def address(self) -> int:
        """Address of the compiled C function."""
        address = self._address
        if address is None:
            with _one_at_a_time:
                # another thread may have compiled it meanwhile
                if self._address is None:
                    self._address = self._compile()
                address = self._address
        return address

    def __call__(self, *arguments: int) -> None:
        """Call it from Python."""
        self.entry(*arguments)

    @property
    def entry(self) -> Callable[..., None]:
        """What Python calls: quicker to call again and again than this object."""
        if self._entry is None:
            count = self.function.__code__.co_argcount
            self._entry = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * count)(self.address)
        return self._entry

    def _compile(self) -> int:
        try:
            return address_of(self.function)
        except Refused as reason:
            log.debug("compiled by Numba: %s", reason)
        self._compiled = numba_side().callback(self.function, answers=self.answers)
        address: int = self._compiled.address
        return address


operation = Operation


def answering(function: Callable[..., Any]) -> Operation:
    """The same for a function that gives an integer, to be called at its address."""
    return Operation(function, answers=True)
