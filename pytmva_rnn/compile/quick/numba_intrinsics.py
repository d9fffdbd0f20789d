"""Calls of Numba's intrinsics: what they emit is handed Numba's types, and numbers and tuples in registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types

from pytmva_rnn.compile.quick.registers import DOUBLE, INTEGER, LOGICAL, Refused, Scalar, converted, number

__all__ = ["emitted"]

_tuple_of: Any = types.BaseTuple.from_types  # without types


def emitted(builder: Any, definition: Callable[..., Any], arguments: list[Any]) -> Any:
    """What an intrinsic makes of numbers, and of tuples of them.

    Raises
    ------
    Refused
        Where other arguments or results are Numba's.
    """
    given = [_handed(builder, each) for each in arguments]
    signature, emit = definition(None, *(kind for kind, _ in given))
    found = emit(_CONTEXT, builder, signature, [value for _, value in given])
    results = {types.void: None, types.boolean: LOGICAL, types.int64: INTEGER}
    if signature.return_type not in results:
        raise Refused(f"an intrinsic that gives {signature.return_type}")
    kind = results[signature.return_type]
    return None if kind is None else Scalar(kind, found)


def _handed(builder: Any, value: Any) -> tuple[Any, Any]:
    """Numba's type of an argument, and what LLVM has of it."""
    if not isinstance(value, tuple):
        of = number(value)
        if of.kind is DOUBLE:
            return types.float64, of.value
        if of.kind not in (INTEGER, LOGICAL):
            raise Refused(f"{of.kind.name} for an intrinsic")
        return types.int64, converted(builder, of, INTEGER)
    parts = [_handed(builder, each) for each in value]
    packed: Any = ir.Constant(ir.LiteralStructType([part.type for _, part in parts]), ir.Undefined)
    for k, (_, part) in enumerate(parts):
        packed = builder.insert_value(packed, part, k)
    return _tuple_of([kind for kind, _ in parts]), packed


class _Context:
    """As much of Numba's target as such intrinsics ask for."""

    def get_dummy_value(self) -> None:
        """Of what returns nothing."""

    def cast(self, builder: Any, value: Any, kind: Any, to: Any) -> Any:
        if kind != to:
            raise Refused(f"{kind} as {to} for an intrinsic")
        return value


_CONTEXT = _Context()
