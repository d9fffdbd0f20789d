"""What functions of Python, `math` and NumPy mean to an operation, with the instructions that Numba has for them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir

from pytmva_rnn.compile.quick.emitting import declared
from pytmva_rnn.compile.quick.registers import (
    DOUBLE,
    INTEGER,
    LOGICAL,
    SINGLE,
    WORD,
    ArrayAt,
    Refused,
    Scalar,
    ScalarKind,
    common,
    converted,
    number,
    truth,
)

__all__ = ["MEANINGS", "external", "meaning"]

Meaning = TypeVar("Meaning", bound=Callable[..., Any])

MEANINGS: dict[Any, Callable[..., Any]] = {}
"""By function; called with LLVM's builder and the arguments."""


def meaning(function: Any) -> Callable[[Meaning], Meaning]:
    """Decorate what emits the instructions for a call of a function."""

    def entered(emit: Meaning) -> Meaning:
        MEANINGS[function] = emit
        return emit

    return entered


def external(builder: Any, name: str, kind: ScalarKind, *arguments: Any) -> Scalar:
    """Call a function of the C library or of LLVM with numbers of a kind, which its result is of."""
    function = declared(builder, name, ir.FunctionType(kind.type, [kind.type] * len(arguments)))
    return Scalar(kind, builder.call(function, [converted(builder, each, kind) for each in arguments]))


def _of_float(name: str, *, of_llvm: bool) -> Callable[..., Scalar]:
    def emit(builder: Any, x: Any) -> Scalar:
        kind = SINGLE if number(x).kind is SINGLE else DOUBLE
        if of_llvm:
            return external(builder, f"llvm.{name}.{'f32' if kind is SINGLE else 'f64'}", kind, x)
        return external(builder, f"{name}f" if kind is SINGLE else name, kind, x)

    return emit


for _function, _name, _of_llvm in (
    (math.exp, "exp", True),
    (math.log, "log", True),
    (math.sqrt, "sqrt", True),
    (np.sqrt, "sqrt", True),
    (math.log1p, "log1p", False),
    (math.tanh, "tanh", False),
    (math.erf, "erf", False),
):
    MEANINGS[_function] = _of_float(_name, of_llvm=_of_llvm)


def _conversion(kind: ScalarKind) -> Callable[..., Scalar]:
    return lambda builder, x: Scalar(kind, converted(builder, x, kind))


for _type, _kind in (
    (np.float32, SINGLE),
    (np.float64, DOUBLE),
    (float, DOUBLE),
    (np.int64, INTEGER),
    (int, INTEGER),
    (np.uint64, WORD),
):
    MEANINGS[_type] = _conversion(_kind)


@meaning(bool)
def _truth(builder: Any, x: Any) -> Scalar:
    return Scalar(LOGICAL, truth(builder, x))


@meaning(len)
def _length(builder: Any, of: Any) -> Any:
    if isinstance(of, ArrayAt):
        return of.shape[0]
    if isinstance(of, tuple):
        return len(of)
    raise Refused("the length of what is no array")


@meaning(abs)
def _absolute(builder: Any, x: Any) -> Scalar:
    kind = number(x).kind
    if not kind.is_float:
        raise Refused("the magnitude of an integer")
    return external(builder, f"llvm.fabs.{'f32' if kind is SINGLE else 'f64'}", kind, x)


@meaning(math.copysign)
def _with_sign(builder: Any, x: Any, y: Any) -> Scalar:
    return external(builder, "llvm.copysign.f64", DOUBLE, x, y)


@meaning(math.isnan)
@meaning(np.isnan)
def _is_nan(builder: Any, x: Any) -> Scalar:
    of = number(x)
    if not of.kind.is_float:
        raise Refused("isnan of an integer")
    return Scalar(LOGICAL, builder.fcmp_unordered("uno", of.value, of.value))


def _extreme(relation: str) -> Callable[..., Scalar]:
    """Python's, which Numba has: a later number counts if it is less (or more) than those before it."""

    def emit(builder: Any, *given: Any) -> Scalar:
        if len(given) < 2:
            raise Refused("min or max of one")
        chosen = number(given[0])
        for each in map(number, given[1:]):
            kind = chosen.kind if chosen.kind is each.kind else common(chosen.kind, each.kind)
            if kind in (WORD, LOGICAL):
                raise Refused(f"min or max of {kind.name}")
            a, b = converted(builder, each, kind), converted(builder, chosen, kind)
            condition = (builder.fcmp_ordered if kind.is_float else builder.icmp_signed)(relation, a, b)
            chosen = Scalar(kind, builder.select(condition, a, b))
        return chosen

    return emit


MEANINGS[min], MEANINGS[max] = _extreme("<"), _extreme(">")


@meaning(np.sign)
def _sign(builder: Any, x: Any) -> Scalar:
    of = number(x)
    if not of.kind.is_float:
        raise Refused("np.sign of an integer")
    one, zero, minus = (of.kind.type(value) for value in (1.0, 0.0, -1.0))
    # NaN is neither, and stays
    below = builder.select(builder.fcmp_ordered("<", of.value, zero), minus, of.value)
    found = builder.select(builder.fcmp_ordered(">", of.value, zero), one, below)
    return Scalar(of.kind, builder.select(builder.fcmp_ordered("==", of.value, zero), zero, found))
