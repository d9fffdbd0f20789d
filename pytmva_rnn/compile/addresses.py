"""Arrays at addresses. Numba looks at the types of all arguments in every call from Python; one address is quick."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from pytmva_rnn.compile.quick import ArrayAt, Refused, array_of, intrinsic, located

__all__ = ["answer", "array_at", "call"]

_WORD = ir.IntType(64)


@intrinsic
def call(builder: Any, function: Any, arguments: Any) -> None:
    """Call the operation at an address with a tuple of integers."""
    if any(value.type != _WORD for value in arguments):
        raise Refused("float64 as int64 for an operation")
    kind = ir.FunctionType(ir.VoidType(), [_WORD] * len(arguments))
    builder.call(builder.inttoptr(function, kind.as_pointer()), arguments)


@intrinsic
def answer(builder: Any, function: Any, arguments: Any) -> Any:
    """What the C function at an address gives, an integer, of a tuple of integers and float64."""
    kind = ir.FunctionType(ir.IntType(64), [value.type for value in arguments])
    return builder.call(builder.inttoptr(function, kind.as_pointer()), arguments)


@located
def array_at(builder: Any, address: Any, shape: Any, dtype: Any) -> ArrayAt:
    """The array of a shape at an address, for compiled code."""
    return array_of(builder, address, dtype, *(shape if isinstance(shape, tuple) else (shape,)))
