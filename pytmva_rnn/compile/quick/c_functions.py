"""The C functions that operations become, and those that Python calls with arrays."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from pytmva_rnn.compile.quick.python_sources import definition
from pytmva_rnn.compile.quick.registers import DOUBLE, INTEGER, Refused, Scalar, array_of, converted
from pytmva_rnn.compile.quick.walk import Walk

__all__ = ["emitted_module"]


def emitted_module(function: Callable[..., Any], name: str, kinds: Sequence[Any] | None = None) -> Any:
    """The module with a function under a name, as a C function.

    Parameters
    ----------
    function : callable
        Of integers, which the C function takes too; it may give one.
    name : str
    kinds : sequence of int, float or (dtype, dimensions), optional
        Of other arguments. The C function takes the address of what it is called with, in words of 64 bits: numbers,
        and of each array its address and its lengths. Behind them it puts what the function gives, a float64.

    Raises
    ------
    Refused
        For what is not known here.
    """
    count = function.__code__.co_argcount if kinds is None else 1
    module = ir.Module(name)
    answers = kinds is None and any(
        isinstance(node, ast.Return) and node.value is not None for node in ast.walk(definition(function))
    )
    kind_of_answer = INTEGER.type if answers else ir.VoidType()
    emitted = ir.Function(module, ir.FunctionType(kind_of_answer, [INTEGER.type] * count), name)
    builder = ir.IRBuilder(emitted.append_basic_block("entry"))
    start = builder.append_basic_block("start")
    with builder.goto_block(start):
        given = [Scalar(INTEGER, argument) for argument in emitted.args]
        if kinds is None:
            answer = Walk(builder, function, given).run()
            if answers and not (isinstance(answer, Scalar) and answer.kind is INTEGER):
                raise Refused("an operation that returns something else than an integer")
        else:
            answer = None
            words = _Words(builder, given[0])
            arguments = [words.argument(kind) for kind in kinds]
            words.put(Walk(builder, function, arguments).run())
        if answers:
            builder.ret(answer.value)
        else:
            builder.ret_void()
    builder.branch(start)
    return module


class _Words:
    """Words of 64 bits at an address, one after the other."""

    def __init__(self, builder: Any, address: Scalar) -> None:
        self._builder = builder
        self._next = builder.inttoptr(address.value, INTEGER.type.as_pointer())

    def _word(self) -> Any:
        place, self._next = self._next, self._builder.gep(self._next, [INTEGER.type(1)], inbounds=True)
        return place

    def argument(self, kind: Any) -> Any:
        """The next argument."""
        value = self._builder.load(self._word())
        if kind is int:
            return Scalar(INTEGER, value)
        if kind is float:
            return Scalar(DOUBLE, self._builder.bitcast(value, DOUBLE.type))
        dtype, dimensions = kind
        lengths = [Scalar(INTEGER, self._builder.load(self._word())) for _ in range(dimensions)]
        return array_of(self._builder, Scalar(INTEGER, value), dtype, *lengths)

    def put(self, value: Any) -> None:
        """Put a number, if there is one, behind the arguments."""
        if value is not None:
            place = self._builder.bitcast(self._word(), DOUBLE.type.as_pointer())
            self._builder.store(converted(self._builder, value, DOUBLE), place)
