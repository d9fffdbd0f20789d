"""Arithmetic of addresses, written with Python's operators and emitted where it is called.

Compiled as functions of their own, or put in place of each call by Numba, these lines would be a third of what there is
to compile.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from llvmlite import ir
from numba import types
from numba.core.typing import templates

__all__ = ["emitted"]

Function = TypeVar("Function", bound=Callable[..., Any])

_INT64 = ir.IntType(64)
_templates: Any = templates


class _Integer:
    """A number in a register; `//` and `%` are of numbers that are not negative."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder = builder
        self.value = value

    def _with(self, operation: str, other: Any, swapped: bool = False) -> _Integer:
        pair = self.value, other.value if isinstance(other, _Integer) else _INT64(other)
        return _Integer(self.builder, getattr(self.builder, operation)(*(pair[::-1] if swapped else pair)))

    def __add__(self, other: Any) -> _Integer:
        return self._with("add", other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> _Integer:
        return self._with("sub", other)

    def __mul__(self, other: Any) -> _Integer:
        return self._with("mul", other)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> _Integer:
        return self._with("sdiv", other)

    def __mod__(self, other: Any) -> _Integer:
        return self._with("srem", other)


class _Record:
    """A record at an address; its attributes are its fields, of 64 bit integers."""

    def __init__(self, builder: Any, value: Any, kind: Any) -> None:
        self._builder, self._value, self._kind = builder, value, kind

    def __getattr__(self, name: str) -> _Integer:
        b = self._builder
        bytes_ = b.bitcast(self._value, ir.IntType(8).as_pointer())
        place = b.gep(bytes_, [_INT64(self._kind.offset(name))])
        return _Integer(b, b.load(b.bitcast(place, _INT64.as_pointer())))


def emitted(function: Function) -> Function:
    """Let compiled code have, in place of each call, what a function of integers and records does; an integer.

    Python calls the function as it is, also while another is emitted.
    """

    def typed(_: Any, *kinds: Any) -> Any:
        given = [kind if isinstance(kind, types.Record) else types.int64 for kind in kinds]

        def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            arguments = [
                _Record(builder, value, kind) if isinstance(kind, types.Record) else _Integer(builder, value)
                for value, kind in zip(values, signature.args, strict=True)
            ]
            return function(*arguments).value

        return types.int64(*given), emit

    parameters = inspect.signature(function).parameters.values()
    context = inspect.Parameter("_", inspect.Parameter.POSITIONAL_ONLY)
    named = [each.replace(kind=inspect.Parameter.POSITIONAL_ONLY) for each in parameters]
    # Numba takes arguments by it
    typed.__signature__ = inspect.Signature([context, *named])  # type: ignore[attr-defined]
    template: Any = _templates.make_intrinsic_template(function, typed, function.__name__)
    _templates.infer(template)
    _templates.infer_global(function, types.Function(template))
    return function
