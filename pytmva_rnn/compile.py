"""The one way to compile with Numba.

`kernel` compiles helpers. An `operation` is a C function of two addresses, compiled when its address is first asked
for: the CPU kernels' table of operations refers to it, so that a program compiles the layers that its network has and
no others, each once.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import numba
from numba import types
from numba.core.ccallback import CFunc

__all__ = ["Operation", "compilation", "kernel", "operation", "parallel_kernel"]

OPTIONS: dict[str, Any] = {"error_model": "numpy"}
"""`error_model="numpy"`: a check for division by zero would forbid vector instructions.

No `fastmath`: LLVM could fuse a sum in one way where a function stands by itself and in another where it is inlined,
and the same training would give other weights when its code comes from the cache.
"""

_SOURCES = hashlib.sha256(
    b"".join(path.read_bytes() for path in sorted((Path(__file__).parent / "kernels").rglob("*.py")))
).hexdigest()


def _stamp(compiled: Any) -> Any:
    """Tie what is cached of a function to the sources of all kernels.

    Numba looks at the function's own file only; but a kernel is made of what other files hold, and a mistaken layout of
    memory would not raise an error.
    """
    file = compiled._cache._cache_file
    file._source_stamp = (file._source_stamp, _SOURCES)
    return compiled


def kernel(function: Any) -> Any:
    """Compile a function that runs on one thread, without Python's lock."""
    return _stamp(numba.njit(**OPTIONS, cache=True, nogil=True)(function))


_OTHER_LOOPS = {"comprehension", "fusion", "inplace_binop", "numpy", "reduction", "setitem", "stencil"}


def parallel_kernel(function: Any) -> Any:
    """The same for a function with a `prange` over threads, which no other compiled function may call.

    What is compiled with a parallel function that came from the cache lacks, when it comes from the cache itself, the
    body of the loop, and the process ends at address 0.
    """
    parallel: Any = {"prange": True, **dict.fromkeys(_OTHER_LOOPS, False)}
    return _stamp(numba.njit(**OPTIONS, cache=True, nogil=True, parallel=parallel)(function))


log = logging.getLogger("pytmva_rnn")
_announced: set[str] = set()


class compilation:
    """Around the use of compiled code: say so if it has to be compiled first and that takes more than a second.

    A class, since it is entered in every step of a training, and a generator would take longer.
    """

    __slots__ = ("_timer", "_what")

    def __init__(self, what: str) -> None:
        self._what = what
        self._timer: threading.Timer | None = None

    def __enter__(self) -> None:
        if self._what not in _announced:
            self._timer = threading.Timer(1.0, _announce)
            self._timer.daemon = True
            self._timer.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
            _announced.add(self._what)


def _announce() -> None:
    if "message" not in _announced:
        _announced.add("message")
        # who has not set up logging sees warnings only
        level = logging.INFO if log.isEnabledFor(logging.INFO) else logging.WARNING
        log.log(level, "compiling the CPU kernels; this takes some seconds, once on a machine")


class Operation:
    """A function (op_address, frame_address) that compiles when its address is first needed."""

    def __init__(self, function: Callable[[int, int], None]) -> None:
        self.function = function

    @cached_property
    def address(self) -> int:
        """Address of the compiled C function."""
        self._compiled = CFunc(
            self.function, ((types.int64, types.int64), types.void), {}, {**OPTIONS, "nopython": True}
        )
        self._compiled.enable_caching()
        with compilation(f"{self.function.__module__}.{self.function.__name__}"):
            _stamp(self._compiled).compile()
        address = self._compiled.address
        assert address is not None
        return address


operation = Operation
