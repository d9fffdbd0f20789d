"""Numbers in memory that several threads read and write at once, for compiled code: 64 bit integers at addresses."""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from pytmva_rnn.kernels.cpu.machine.intrinsics import intrinsic

__all__ = ["add", "exchange", "now", "pause"]

_INT64 = ir.IntType(64)
_ORDER = "seq_cst"  # what a thread wrote before, all others see after

_MACHINE = platform.machine().lower()


def _changing(operation: str) -> Any:
    """Emit a change of the number at an address; what it was before is the result."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, value = arguments
        return builder.atomic_rmw(operation, builder.inttoptr(address, _INT64.as_pointer()), value, _ORDER)

    return types.int64(types.int64, types.int64), emit


@intrinsic
def add(_: Any, address, value):
    """Add to the number at an address; returns what it was."""
    return _changing("add")


@intrinsic
def exchange(_: Any, address, value):
    """Replace the number at an address; returns what it was."""
    return _changing("xchg")


@intrinsic
def now(_: Any, address):
    """The number at an address as it is now."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], _INT64.as_pointer())
        return builder.load_atomic(pointer, _ORDER, align=8)

    return types.int64(types.int64), emit


@intrinsic
def pause(_: Any):
    """Let the core rest some ten nanoseconds, as is due to who looks again and again."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _MACHINE in ("x86_64", "amd64"):
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        elif _MACHINE in ("aarch64", "arm64"):
            kind = ir.FunctionType(ir.VoidType(), [ir.IntType(32)])
            barrier = cgutils.get_or_insert_function(builder.module, kind, "llvm.aarch64.isb")
            builder.call(barrier, [ir.IntType(32)(15)])  # what takes long enough there
        return context.get_dummy_value()

    return types.void(), emit
