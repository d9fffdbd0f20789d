"""LLVM instructions that Numba has no Python for."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

intrinsic: Any = _intrinsic


@intrinsic
def call_operation(_: Any, function, op, frame):
    """Call the operation at an address."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function, op, frame = arguments
        kind = ir.FunctionType(ir.VoidType(), [op.type, frame.type])
        builder.call(builder.inttoptr(function, kind.as_pointer()), [op, frame])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), emit


@intrinsic
def record_at(_: Any, address, dtype):
    """The record of a type at an address; what is assigned to its fields is stored there."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return dtype.dtype(types.int64, dtype), emit


@intrinsic
def prefetch(_: Any, address):
    """Ask for the cache line at an address."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, flag, flag, flag])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        pointer = builder.inttoptr(arguments[0], cgutils.voidptr_t)
        builder.call(function, [pointer, flag(0), flag(3), flag(1)])  # to read, into all caches, data
        return context.get_dummy_value()

    return types.void(types.int64), emit
