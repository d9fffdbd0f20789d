"""Values of an operation that is compiled: numbers in registers, and records and arrays at addresses.

What is known when it is compiled stays what Python has: integers, tuples, types, functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from pytmva_rnn.compile.quick.emitting import room

__all__ = [
    "DOUBLE",
    "INTEGER",
    "LOGICAL",
    "SINGLE",
    "WORD",
    "ArrayAt",
    "RecordAt",
    "Refused",
    "Scalar",
    "ScalarKind",
    "Slot",
    "array_of",
    "common",
    "converted",
    "integer",
    "kind_of",
    "number",
    "truth",
]


class Refused(Exception):
    """The quick compiler does not know this: Numba has to compile it."""


@dataclass(frozen=True, eq=False)
class ScalarKind:
    """A type of numbers, by Numba's name, and LLVM's."""

    name: str
    type: Any

    @property
    def is_float(self) -> bool:
        """Whether it has a point."""
        return self in (SINGLE, DOUBLE)


LOGICAL = ScalarKind("bool", ir.IntType(1))
INTEGER = ScalarKind("int64", ir.IntType(64))
WORD = ScalarKind("uint64", ir.IntType(64))
SINGLE = ScalarKind("float32", ir.FloatType())
DOUBLE = ScalarKind("float64", ir.DoubleType())

_KINDS = {np.dtype(kind.name): kind for kind in (INTEGER, WORD, SINGLE, DOUBLE)}


@dataclass(frozen=True, eq=False)
class Scalar:
    """A number in a register."""

    kind: ScalarKind
    value: Any


def number(value: Any) -> Scalar:
    """A number of Python or NumPy, or one in a register, as one in a register.

    Raises
    ------
    Refused
        For anything else.
    """
    if isinstance(value, Scalar):
        return value
    if isinstance(value, np.generic):
        kind = kind_of(value.dtype)
        return Scalar(kind, ir.Constant(kind.type, value.item()))
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return _word(value)
    for python, kind in ((bool, LOGICAL), (int, INTEGER), (float, DOUBLE)):
        if isinstance(value, python):
            return Scalar(kind, ir.Constant(kind.type, python(value)))
    raise Refused(f"{value!r} is no number")


def _word(value: int) -> Scalar:
    """A number that is too large for a sign, as Numba has it."""
    if not 0 <= value < 2**64:
        raise Refused(f"{value} in 64 bits")
    return Scalar(WORD, ir.Constant(WORD.type, int(value)))


def kind_of(dtype: Any) -> ScalarKind:
    """The kind of an array's numbers."""
    try:
        return _KINDS[np.dtype(dtype)]
    except (KeyError, TypeError):
        raise Refused(f"numbers of type {dtype}") from None


def common(a: ScalarKind, b: ScalarKind) -> ScalarKind:
    """The kind of a result of two numbers, as Numba has it."""
    if a is b:
        return INTEGER if a is LOGICAL else a
    if WORD in (a, b):
        raise Refused("unsigned and other numbers together")
    if not (a.is_float or b.is_float):
        return INTEGER
    return DOUBLE


def converted(builder: Any, value: Any, kind: ScalarKind) -> Any:
    """A number, in LLVM's hands, in another kind."""
    of = number(value)
    source = of.kind
    if source is kind or {source, kind} == {INTEGER, WORD}:
        return of.value
    if kind is LOGICAL:
        return truth(builder, of)
    if source is LOGICAL:
        of = Scalar(INTEGER, builder.zext(of.value, INTEGER.type))
        return of.value if kind in (INTEGER, WORD) else builder.sitofp(of.value, kind.type)
    if kind.is_float and source.is_float:
        return (builder.fpext if kind is DOUBLE else builder.fptrunc)(of.value, kind.type)
    if kind.is_float:
        return (builder.sitofp if source is INTEGER else builder.uitofp)(of.value, kind.type)
    return (builder.fptosi if kind is INTEGER else builder.fptoui)(of.value, kind.type)


def truth(builder: Any, value: Any) -> Any:
    """Whether a number is not zero."""
    of = number(value)
    if of.kind is LOGICAL:
        return of.value
    zero = ir.Constant(of.kind.type, 0)
    compare = builder.fcmp_unordered if of.kind.is_float else builder.icmp_signed
    return compare("!=", of.value, zero)


class Slot:
    """A number on the stack, of one kind."""

    def __init__(self, builder: Any, kind: ScalarKind) -> None:
        self.kind = kind
        self.place = room(builder, kind.type)

    def load(self, builder: Any) -> Scalar:
        return Scalar(self.kind, builder.load(self.place))

    def store(self, builder: Any, of: Scalar) -> None:
        """Store a number.

        Raises
        ------
        Refused
            For one of another kind: Numba might reckon with that kind from there on.
        """
        if of.kind is not self.kind:
            raise Refused(f"{self.kind.name} and {of.kind.name} under one name")
        builder.store(of.value, self.place)


@dataclass(frozen=True, eq=False)
class RecordAt:
    """A record of 64 bit integers and float64 at an address."""

    pointer: Any  # of bytes
    dtype: Any

    def place(self, builder: Any, name: str) -> tuple[Any, ScalarKind]:
        """Pointer to a field, and what it is.

        Raises
        ------
        Refused
            If the record has no such field.
        """
        if name not in (self.dtype.fields or {}):
            raise Refused(f"the record has no field {name}")
        dtype, offset = self.dtype.fields[name][:2]
        kind = kind_of(dtype)
        place = builder.gep(self.pointer, [INTEGER.type(offset)], inbounds=True)
        return builder.bitcast(place, kind.type.as_pointer()), kind

    def field(self, builder: Any, name: str) -> Scalar:
        """What is in a field; 32 bit integers come as 64 bit ones."""
        if name in (self.dtype.fields or {}) and self.dtype[name] == np.int32:
            place = builder.gep(self.pointer, [INTEGER.type(self.dtype.fields[name][1])], inbounds=True)
            short = builder.load(builder.bitcast(place, ir.IntType(32).as_pointer()))
            return Scalar(INTEGER, builder.sext(short, INTEGER.type))
        place, kind = self.place(builder, name)
        return Scalar(kind, builder.load(place))


@dataclass(frozen=True, eq=False)
class ArrayAt:
    """An array in C order at an address; indices count from its start.

    Attributes
    ----------
    pointer : of bytes
    dtype : numbers of a `ScalarKind`, or records
    shape : integers, known or in registers
    """

    pointer: Any
    dtype: Any
    shape: tuple[Any, ...]

    def element(self, builder: Any, index: Sequence[Any]) -> Any:
        """Pointer to the bytes of an element, or with fewer indices than dimensions of the part that they choose."""
        place: Any = ir.Constant(INTEGER.type, 0)
        for axis, length in enumerate(self.shape):
            if axis:
                place = builder.mul(place, converted(builder, length, INTEGER))
            if axis < len(index):
                given = number(index[axis])
                if given.kind not in (INTEGER, LOGICAL) or (
                    isinstance(index[axis], int | np.integer) and index[axis] < 0
                ):
                    raise Refused("an index that does not count from the start")
                place = builder.add(place, converted(builder, given, INTEGER))
        return builder.gep(self.pointer, [builder.mul(place, INTEGER.type(self.dtype.itemsize))], inbounds=True)

    def strides(self, builder: Any) -> tuple[Scalar, ...]:
        """Bytes from one index to the next of each dimension."""
        found = [INTEGER.type(self.dtype.itemsize)]
        for length in self.shape[:0:-1]:
            found.insert(0, builder.mul(found[0], converted(builder, length, INTEGER)))
        return tuple(Scalar(INTEGER, each) for each in found)

    def part(self, builder: Any, index: Sequence[Any]) -> ArrayAt:
        """What fewer indices than dimensions choose."""
        return ArrayAt(self.element(builder, index), self.dtype, self.shape[len(index) :])


def integer(builder: Any, value: Any) -> Any:
    """A number as a 64 bit integer, in LLVM's hands."""
    return converted(builder, value, INTEGER)


def array_of(builder: Any, address: Any, dtype: Any, *shape: Any) -> ArrayAt:
    """The array of a type and shape at an address."""
    pointer = builder.inttoptr(integer(builder, address), ir.IntType(8).as_pointer())
    return ArrayAt(pointer, np.dtype(dtype), shape)
