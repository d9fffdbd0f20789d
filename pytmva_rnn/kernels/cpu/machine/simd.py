"""SIMD building blocks: loops over vectors, transposes and pointwise equations, as intrinsics.

LLVM's own judgement of what to vectorise loses a factor of two on these shapes; the blocks here emit vector
instructions. An event is a lane: a block of LANES events is stored feature-major, [feature][LANES] float32.
Addresses are integers in bytes, strides are counted in floats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir

from pytmva_rnn.compile import intrinsic
from pytmva_rnn.compile.quick import declared, loop, room, stored
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH
from pytmva_rnn.kernels.cpu.machine.vector import FLOAT, INT32, VECTOR, Vector, multiply_add

__all__ = ["Emitter", "add_bias", "add_vectors", "pointwise", "transpose_rows", "transpose_square"]

INT64 = ir.IntType(64)
BITS = ir.IntType(WIDTH)
_ZERO, _UNDEFINED = ir.Constant(VECTOR, None), ir.Constant(VECTOR, ir.Undefined)
_FIRST = ir.Constant(ir.VectorType(INT32, WIDTH), [0] * WIDTH)
LARGEST = ir.Constant(VECTOR, [ir.Constant(FLOAT, float(np.finfo(np.float32).max))] * WIDTH)


class Emitter:
    """Loads, stores and loops on addresses."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def pointer(self, address: Any) -> Any:
        return self.builder.inttoptr(address, FLOAT.as_pointer())

    def offset(self, pointer: Any, *floats: Any) -> Any:
        for distance in floats:
            if not isinstance(distance, int):
                pointer = self.builder.gep(pointer, [distance], inbounds=True)
            elif distance:
                pointer = self.builder.gep(pointer, [INT64(distance)], inbounds=True)
        return pointer

    def times(self, a: Any, b: Any) -> Any:
        """A product, in a register only if it has to be: LLVM takes long for instructions that do nothing."""
        if isinstance(a, int):
            a, b = b, a
        if isinstance(b, int):
            if b in (0, 1) or isinstance(a, int):
                return a * b if isinstance(a, int) else a if b else 0
            b = INT64(b)
        return self.builder.mul(a, b)

    def load(self, pointer: Any) -> Vector:
        p = self.builder.bitcast(pointer, VECTOR.as_pointer())
        return Vector(self.builder, self.builder.load(p, align=4))

    def store(self, vector: Vector, pointer: Any) -> None:
        self.builder.store(vector.value, self.builder.bitcast(pointer, VECTOR.as_pointer()), align=4)

    def broadcast(self, pointer: Any) -> Vector:
        scalar = self.builder.insert_element(_UNDEFINED, self.builder.load(pointer, align=4), INT32(0))
        return Vector(self.builder, self.builder.shuffle_vector(scalar, _UNDEFINED, _FIRST))

    @contextmanager
    def loop(self, count: Any) -> Iterator[Any]:
        with loop(self.builder, count) as index:
            yield index

    def accumulators(self, rows: int, vectors: int) -> list[list[Any]]:
        """Registers [rows][vectors] (stack slots that LLVM promotes), zero."""
        slots = [[room(self.builder, VECTOR) for _ in range(vectors)] for _ in range(rows)]
        for row in slots:
            for slot in row:
                self.builder.store(_ZERO, slot)
        return slots

    def room(self, floats: int) -> Any:
        """Pointer to so many floats on the stack."""
        vectors = -(-floats // WIDTH)
        return self.builder.bitcast(room(self.builder, VECTOR, vectors), FLOAT.as_pointer())

    def multiply_add(
        self, slots: list[list[Any]], a: Sequence[Any], a_row: Any, a_step: Any, b: Any, b_step: Any, count: Any
    ) -> None:
        """slots[r][v] += sum over k < count of a[r*a_row + k*a_step] * b[k*b_step + v*WIDTH ...].

        Of several a each has an equal share of the rows.
        """
        share = len(slots) // len(a)
        with self.loop(count) as k:
            bk = self.offset(b, self.times(k, b_step))
            ak = [self.offset(part, self.times(k, a_step)) for part in a]
            inputs = [self.load(self.offset(bk, v * WIDTH)).value for v in range(len(slots[0]))]
            for r, row in enumerate(slots):
                weight = self.broadcast(self.offset(ak[r // share], self.times(r % share, a_row))).value
                for slot, x in zip(row, inputs, strict=True):
                    self.builder.store(multiply_add(self.builder, weight, x, self.builder.load(slot)).value, slot)


def pointwise(equations: Callable[..., Sequence[Vector]], inputs: int, outputs: int) -> Any:
    """`equations(*inputs) -> outputs` on arrays; returns a function (count, step, inputs, outputs) taking the number of
    vectors, of which it uses every step-th, and tuples of addresses. An output may be an input's own place."""

    @intrinsic
    def apply(builder: Any, count, step, given, made):
        e = Emitter(builder)
        sources = [e.pointer(given[j]) for j in range(inputs)]
        targets = [e.pointer(made[j]) for j in range(outputs)]
        with e.loop(builder.udiv(count, step)) as k:
            place = e.times(e.times(k, step), WIDTH)
            values = equations(*(e.load(e.offset(p, place)) for p in sources))
            for value, target in zip(values, targets, strict=True):
                e.store(value, e.offset(target, place))

    return apply


@intrinsic
def add_bias(builder: Any, rows, vectors, sums, bias):
    """Add bias[row] to the sums [row][LANES], of some vectors of lanes; returns whether any is infinite or NaN.

    A loop in Python, which LLVM would make vectors of, takes it seconds to compile.
    """
    e = Emitter(builder)
    sums, bias = e.pointer(sums), e.pointer(bias)
    found = stored(builder, ir.Constant(BITS, 0))
    with e.loop(rows) as row:
        b = e.broadcast(e.offset(bias, row))
        with e.loop(vectors) as v:
            place = e.offset(sums, e.times(row, LANES), e.times(v, WIDTH))
            total = e.load(place) + b
            e.store(total, place)
            builder.store(builder.or_(builder.load(found), _beyond(builder, total)), found)
    return builder.icmp_unsigned("!=", builder.load(found), ir.Constant(BITS, 0))


@intrinsic
def add_vectors(builder: Any, vectors, sums, bias):
    """Add as many vectors of a bias to some of sums; returns whether any float is infinite or NaN."""
    e = Emitter(builder)
    sums, bias = e.pointer(sums), e.pointer(bias)
    found = stored(builder, ir.Constant(BITS, 0))
    with e.loop(vectors) as v:
        place = e.times(v, WIDTH)
        total = e.load(e.offset(sums, place)) + e.load(e.offset(bias, place))
        e.store(total, e.offset(sums, place))
        builder.store(builder.or_(builder.load(found), _beyond(builder, total)), found)
    return builder.icmp_unsigned("!=", builder.load(found), ir.Constant(BITS, 0))


def _beyond(builder: Any, of: Vector) -> Any:
    """A bit of each float: whether it is infinite or NaN."""
    magnitude = declared(builder, f"llvm.fabs.v{WIDTH}f32", ir.FunctionType(VECTOR, [VECTOR]))
    return builder.bitcast(builder.fcmp_unordered(">", builder.call(magnitude, [of.value]), LARGEST), BITS)


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Butterfly: exchange the off-diagonal blocks of size 1, 2, 4 ... of a square of registers."""
    shift = 1
    while shift < WIDTH:
        low = [j if not j & shift else WIDTH + (j ^ shift) for j in range(WIDTH)]
        high = [j | shift if not j & shift else WIDTH + j for j in range(WIDTH)]
        masks = [ir.Constant(ir.VectorType(INT32, WIDTH), mask) for mask in (low, high)]
        rows = [
            builder.shuffle_vector(rows[i & ~shift], rows[i | shift], masks[1 if i & shift else 0])
            for i in range(WIDTH)
        ]
        shift *= 2
    return rows


@intrinsic
def transpose_square(builder: Any, source, source_stride, target, target_stride):
    """`target[j][i] = source[i][j]` for a square of WIDTH x WIDTH floats."""
    e = Emitter(builder)
    source, target = e.pointer(source), e.pointer(target)
    rows = [e.load(e.offset(source, e.times(source_stride, i))).value for i in range(WIDTH)]
    for i, row in enumerate(_transposed(builder, rows)):
        e.store(Vector(builder, row), e.offset(target, e.times(target_stride, i)))


@intrinsic
def transpose_rows(builder: Any, source, events, row_floats, target, column, columns, gap):
    """`target_j[i] = source[events[i]*row_floats + j]` for WIDTH events (addresses of int64) and WIDTH features j.

    The targets are LANES floats apart, and `gap` more after every `columns` of them; the first is number `column`.
    """
    e = Emitter(builder)
    source, target = e.pointer(source), e.pointer(target)
    numbers = builder.inttoptr(events, INT64.as_pointer())
    rows = []
    for i in range(WIDTH):
        number = builder.load(builder.gep(numbers, [INT64(i)]))
        rows.append(e.load(e.offset(source, builder.mul(number, row_floats))).value)
    for row in _transposed(builder, rows):
        e.store(Vector(builder, row), target)
        column = builder.add(column, INT64(1))
        ended = builder.icmp_signed("==", column, columns)
        column = builder.select(ended, INT64(0), column)
        target = e.offset(target, builder.select(ended, builder.add(gap, INT64(LANES)), INT64(LANES)))
