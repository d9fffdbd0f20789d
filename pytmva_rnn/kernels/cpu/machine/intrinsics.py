"""What Numba has no Python for, or much to compile: calls, records, arrays at addresses, prefetching."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from pytmva_rnn.compile import call, place_array
from pytmva_rnn.compile.quick import ArrayAt, RecordAt, array_of, integer, meaning
from pytmva_rnn.kernels.cpu.machine.lanes import LANES

__all__ = ["answer", "call", "doubles", "floats", "intrinsic", "lanes_at", "prefetch", "record_at"]

intrinsic: Any = _intrinsic


@intrinsic
def answer(_: Any, function, arguments):
    """What the C function at an address gives, an integer, of a tuple of integers and float64."""
    kinds = tuple(arguments)

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address, given = values
        given = cgutils.unpack_tuple(builder, given)
        wanted = [kind if kind == types.float64 else types.int64 for kind in kinds]
        given = [context.cast(builder, *each) for each in zip(given, kinds, wanted, strict=True)]
        kind = ir.FunctionType(ir.IntType(64), [value.type for value in given])
        return builder.call(builder.inttoptr(address, kind.as_pointer()), given)

    return types.int64(types.int64, arguments), emit


@intrinsic
def record_at(_: Any, address, dtype):
    """The record of a type at an address; what is assigned to its fields is stored there."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return dtype.dtype(types.int64, dtype), emit


@intrinsic
def floats(_: Any, address, n):
    """float32 array of n values at an address."""
    return _array(types.float32)


@intrinsic
def doubles(_: Any, address, n):
    """float64 array of n values at an address."""
    return _array(types.float64)


def _array(kind: Any) -> Any:
    array = types.Array(kind, 1, "C")

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, n = arguments
        return place_array(context, builder, array, address, [n])

    return array(types.int64, types.int64), emit


@intrinsic
def lanes_at(_: Any, address, rows):
    """float32 array [rows][LANES] at an address."""
    array = types.Array(types.float32, 2, "C")

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, rows = arguments
        return place_array(context, builder, array, address, [rows, rows.type(LANES)])

    return array(types.int64, types.int64), emit


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


# what these mean where operations are compiled without Numba


@meaning(record_at)
def _quick_record(builder: Any, address: Any, dtype: Any) -> RecordAt:
    return RecordAt(builder.inttoptr(integer(builder, address), cgutils.voidptr_t), dtype)


@meaning(floats)
def _quick_floats(builder: Any, address: Any, n: Any) -> ArrayAt:
    return array_of(builder, address, np.float32, n)


@meaning(doubles)
def _quick_doubles(builder: Any, address: Any, n: Any) -> ArrayAt:
    return array_of(builder, address, np.float64, n)


@meaning(lanes_at)
def _quick_lanes(builder: Any, address: Any, rows: Any) -> ArrayAt:
    return array_of(builder, address, np.float32, rows, LANES)
