"""What compiles a function.

`kernel` compiles what Python calls, and an `operation` a C function of integers when its address is first asked for:
the CPU kernels' table of operations refers to it, so that a program compiles the layers that its network has and no
others, each once. They call a `helper`, which becomes a part of them, or have the lines of what is `inlined` in theirs.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numba
from numba import types
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock
from numba.extending import register_jitable

from pytmva_rnn.compile.cache import CodeCache
from pytmva_rnn.compile.quick import Refused, address_of
from pytmva_rnn.compile.waiting import watched
from pytmva_rnn.first_imports import importing

__all__ = ["Operation", "answering", "helper", "inlined", "kernel", "operation"]

log = logging.getLogger("pytmva_rnn")

if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
    raise RuntimeError("NUMBA_DISABLE_JIT is set, and nothing here runs without being compiled: unset it")

OPTIONS: dict[str, Any] = {"error_model": "numpy"}
"""`error_model="numpy"`: a check for division by zero would forbid vector instructions.

No `fastmath`: LLVM could fuse a sum in one way where a function stands by itself and in another where it is inlined,
and the same training would give other weights when its code comes from the cache.
"""


def _prepared(compiled: Any, function: Any) -> Any:
    """Give what Numba will compile our cache, and tell users of its compilation."""
    compiled._cache = CodeCache(function)
    compiled._compiler.compile = watched(compiled._compiler.compile)
    return compiled


def kernel(function: Any) -> Any:
    """Compile a function that runs on one thread, without Python's lock."""
    options: dict[str, Any] = {**OPTIONS, "nogil": True, "no_cfunc_wrapper": True}
    return _prepared(numba.njit(**options)(function), function)


def helper(function: Any) -> Any:
    """Let compiled functions call a function, which is compiled with them and not kept by itself."""
    return register_jitable(**OPTIONS, no_cfunc_wrapper=True)(function)


def inlined(function: Any) -> Any:
    """The same for a function of a line or two, whose statements are put in place of each call."""
    return numba.njit(**OPTIONS, inline="always")(function)


_one_at_a_time = threading.RLock()
_compiler: Any = global_compiler_lock


def _hold() -> None:
    importing.acquire()  # before the others: what is imported may compile
    _one_at_a_time.acquire()
    _compiler.acquire()


def _release() -> None:
    for lock in (_compiler, _one_at_a_time, importing):
        # nothing is held where C++ forked the process, without a word to Python before, or where this module was
        # imported while the fork waited for that
        with suppress(RuntimeError):
            lock.release()


if hasattr(os, "register_at_fork"):
    # in the forked process nobody would release what another thread held: it is forked when none compiles
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_release)


class Operation:
    """A C function of integers, addresses mostly, that compiles when its address is first needed."""

    def __init__(self, function: Callable[..., Any], result: Any = types.void) -> None:
        self.function = function
        self._result = result
        self._address: int | None = None
        self._compiled: Any = None  # by Numba
        self._entry: Callable[..., None] | None = None

    @property
    def answers(self) -> bool:
        """Whether it gives an integer."""
        return self._result is not types.void

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
        signature = (types.int64,) * self.function.__code__.co_argcount, self._result
        options = {**OPTIONS, "nopython": True}
        self._compiled = _prepared(CFunc(self.function, signature, {}, options), self.function)
        self._compiled.compile()
        address: int = self._compiled.address
        return address


operation = Operation


def answering(function: Callable[..., Any]) -> Operation:
    """The same for a function that gives an integer, to be called at its address."""
    return Operation(function, types.int64)
