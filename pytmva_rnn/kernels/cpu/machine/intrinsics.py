"""What compiled code has no Python for, or much to compile: calls, records, arrays at addresses, prefetching."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from pytmva_rnn.compile import answer, call, intrinsic, located
from pytmva_rnn.compile.quick import ArrayAt, RecordAt, array_of, declared, integer
from pytmva_rnn.kernels.cpu.machine.lanes import LANES

__all__ = ["answer", "call", "doubles", "floats", "lanes_at", "prefetch", "record_at"]

_BYTES = ir.IntType(8).as_pointer()


@located
def record_at(builder: Any, address: Any, dtype: Any) -> RecordAt:
    """The record of a type at an address; what is assigned to its fields is stored there."""
    return RecordAt(builder.inttoptr(integer(builder, address), _BYTES), dtype)


@located
def floats(builder: Any, address: Any, n: Any) -> ArrayAt:
    """float32 array of n values at an address."""
    return array_of(builder, address, np.float32, n)


@located
def doubles(builder: Any, address: Any, n: Any) -> ArrayAt:
    """float64 array of n values at an address."""
    return array_of(builder, address, np.float64, n)


@located
def lanes_at(builder: Any, address: Any, rows: Any) -> ArrayAt:
    """float32 array [rows][LANES] at an address."""
    return array_of(builder, address, np.float32, rows, LANES)


@intrinsic
def prefetch(builder: Any, address: Any) -> None:
    """Ask for the cache line at an address."""
    flag = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [_BYTES, flag, flag, flag])
    pointer = builder.inttoptr(address, _BYTES)
    # to read, into all caches, data
    builder.call(declared(builder, "llvm.prefetch.p0i8", kind), [pointer, flag(0), flag(3), flag(1)])
