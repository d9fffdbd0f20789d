"""What compiles a function.

`kernel` compiles helpers. An `operation` is a C function of two addresses, compiled when its address is first asked
for: the CPU kernels' table of operations refers to it, so that a program compiles the layers that its network has and
no others, each once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import numba
from numba import types
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock

from pytmva_rnn.compile.cache import CodeCache
from pytmva_rnn.compile.waiting import watched

__all__ = ["Operation", "kernel", "operation", "parallel_kernel"]

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
    return _prepared(numba.njit(**OPTIONS, nogil=True)(function), function)


_OTHER_LOOPS = {"comprehension", "fusion", "inplace_binop", "numpy", "reduction", "setitem", "stencil"}


def parallel_kernel(function: Any) -> Any:
    """The same for a function with a `prange` over threads, which no other compiled function may call.

    What is compiled with a parallel function that came from the cache lacks, when it comes from the cache itself, the
    body of the loop, and the process ends at address 0.
    """
    parallel: Any = {"prange": True, **dict.fromkeys(_OTHER_LOOPS, False)}
    return _prepared(numba.njit(**OPTIONS, nogil=True, parallel=parallel)(function), function)


_one_at_a_time = threading.RLock()
_compiler: Any = global_compiler_lock


def _hold() -> None:
    _one_at_a_time.acquire()
    _compiler.acquire()


def _release() -> None:
    _compiler.release()
    _one_at_a_time.release()


if hasattr(os, "register_at_fork"):
    # in the forked process nobody would release what another thread held: it is forked when none compiles
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_release)


class Operation:
    """A function (op_address, frame_address) that compiles when its address is first needed."""

    def __init__(self, function: Callable[[int, int], None]) -> None:
        self.function = function
        self._compiled: Any = None

    @property
    def address(self) -> int:
        """Address of the compiled C function."""
        if self._compiled is None:
            with _one_at_a_time:
                # another thread may have compiled it meanwhile
                if self._compiled is None:
                    self._compiled = self._compile()
        address: int = self._compiled.address
        return address

    def _compile(self) -> Any:
        signature = ((types.int64, types.int64), types.void)
        compiled = _prepared(CFunc(self.function, signature, {}, {**OPTIONS, "nopython": True}), self.function)
        compiled.compile()
        return compiled


operation = Operation
