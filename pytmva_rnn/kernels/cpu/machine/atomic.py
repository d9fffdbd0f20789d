"""Numbers in memory that several threads read and write at once, for compiled code: 64 bit integers at addresses."""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir

from pytmva_rnn.compile import intrinsic
from pytmva_rnn.compile.quick import declared

__all__ = ["add", "exchange", "now", "pause"]

_INT64 = ir.IntType(64)
_ORDER = "seq_cst"  # what a thread wrote before, all others see after

_MACHINE = platform.machine().lower()


def _changed(builder: Any, operation: str, address: Any, value: Any) -> Any:
    """Change the number at an address; gives what it was before."""
    return builder.atomic_rmw(operation, builder.inttoptr(address, _INT64.as_pointer()), value, _ORDER)


@intrinsic
def add(builder: Any, address: Any, value: Any) -> Any:
    """Add to the number at an address; returns what it was."""
    return _changed(builder, "add", address, value)


@intrinsic
def exchange(builder: Any, address: Any, value: Any) -> Any:
    """Replace the number at an address; returns what it was."""
    return _changed(builder, "xchg", address, value)


@intrinsic
def now(builder: Any, address: Any) -> Any:
    """The number at an address as it is now."""
    return builder.load_atomic(builder.inttoptr(address, _INT64.as_pointer()), _ORDER, align=8)


@intrinsic
def pause(builder: Any) -> None:
    """Let the core rest some ten nanoseconds, as is due to who looks again and again."""
    if _MACHINE in ("x86_64", "amd64"):
        kind = ir.FunctionType(ir.VoidType(), [])
        builder.call(declared(builder, "llvm.x86.sse2.pause", kind), [])
    elif _MACHINE in ("aarch64", "arm64"):
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(32)])
        builder.call(declared(builder, "llvm.aarch64.isb", kind), [ir.IntType(32)(15)])  # what takes long enough there
