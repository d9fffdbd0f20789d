"""How the CPU kernels are compiled.

`kernel` compiles helpers. An `operation` is what the table of operations refers to: a C function of two addresses, an
OP record and a FRAME record (`op.py`), compiled when its address is first asked for. The walk over the table calls it
through that address, so that a program compiles the layers that its network has and no others, each once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numba
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic

OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
"""`error_model="numpy"`: a check for division by zero would forbid vector instructions. NaN and infinity stay exact."""

kernel: Any = numba.njit(**OPTIONS, nogil=True)
"""Compiles a function that runs on one thread, without Python's lock."""

parallel_kernel: Any = numba.njit(**OPTIONS, nogil=True, parallel=True)
"""The same for a function with a `prange` over threads."""


class Operation:
    """A function (op_address, frame_address) that compiles when its address is first needed."""

    def __init__(self, function: Callable[[int, int], None]) -> None:
        self.function = function

    @cached_property
    def address(self) -> int:
        """Address of the compiled C function."""
        self._compiled = numba.cfunc(types.void(types.int64, types.int64), **OPTIONS)(self.function)
        return int(self._compiled.address)


operation = Operation


@intrinsic  # type: ignore[misc, unused-ignore]
def call_operation(_: Any, function, op, frame):  # type: ignore[no-untyped-def]
    """Call the operation at an address."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function, op, frame = arguments
        kind = cgutils.ir.FunctionType(cgutils.ir.VoidType(), [op.type, frame.type])
        builder.call(builder.inttoptr(function, kind.as_pointer()), [op, frame])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), emit


@intrinsic  # type: ignore[misc, unused-ignore]
def _pointer(_: Any, address):  # type: ignore[no-untyped-def]
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), emit


@kernel
def array_at(address, shape, dtype):
    """The array of a shape at an address."""
    return carray(_pointer(address), shape, dtype)
