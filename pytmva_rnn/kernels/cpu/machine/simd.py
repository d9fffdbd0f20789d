"""SIMD building blocks: vector arithmetic, transposes and pointwise equations, as Numba intrinsics.

Numba alone leaves vectorisation to LLVM's judgement, which loses a factor of two on these shapes; the blocks here emit
vector instructions. An event is a lane: a block of LANES events is stored feature-major, [feature][LANES] float32.
Addresses are integers in bytes, strides are counted in floats. `Vector` has arithmetic operators, so that a layer's
equations, in the layer's file, read as they do on paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

__all__ = ["LANES", "WIDE", "WIDTH", "Vector", "at_least", "exp", "pointwise"]
__all__ += ["sigmoid", "tanh", "transpose_rows", "transpose_square"]


def _vector_width() -> int:
    """Floats in a vector register of the CPU that Numba compiles for."""
    chosen: str | None = config.CPU_FEATURES  # type: ignore[attr-defined]
    if chosen is not None:
        features = set(chosen.split(","))
    else:
        features = {f"+{name}" for name, on in llvmlite.binding.get_host_cpu_features().items() if on}
    return 16 if "+avx512f" in features else 8 if "+avx" in features else 4


intrinsic: Any = _intrinsic

WIDTH = _vector_width()
VECTORS = 2
LANES = VECTORS * WIDTH
"""Events in a block: two vectors, so that each weight that is read serves two multiply-adds."""
WIDE = 2 if WIDTH == 8 else 4
"""Vectors of units that a tile of one event takes: four gates of them must fit in the CPU's registers."""

_FLOAT = ir.FloatType()
INT64 = ir.IntType(64)
_INT32 = ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, WIDTH)
INTP = types.intp


class Vector:
    """WIDTH float32 values in a register.

    Operators emit instructions, and a sum with a product a fused one. That is decided here and not left to LLVM, which
    may choose otherwise in another place, so that the same numbers give the same result wherever they are computed.
    """

    __slots__ = ("builder", "factors", "value")

    def __init__(self, builder: Any, value: Any, factors: tuple[Any, Any] | None = None) -> None:
        self.builder = builder
        self.value = value
        self.factors = factors

    def _other(self, other: Vector | float) -> Vector:
        return other if isinstance(other, Vector) else Vector(self.builder, _constant(other))

    def _fused(self, addend: Any, *, negative: bool = False) -> Vector:
        """This product (or its negative) plus an addend."""
        assert self.factors is not None
        a, b = self.factors
        return multiply_add(self.builder, self.builder.fneg(a) if negative else a, b, addend)

    def __add__(self, other: Vector | float) -> Vector:
        other = self._other(other)
        if self.factors:
            return self._fused(other.value)
        if other.factors:
            return other._fused(self.value)
        return Vector(self.builder, self.builder.fadd(self.value, other.value))

    __radd__ = __add__

    def __sub__(self, other: Vector | float) -> Vector:
        other = self._other(other)
        if other.factors:
            return other._fused(self.value, negative=True)
        if self.factors:
            return self._fused(self.builder.fneg(other.value))
        return Vector(self.builder, self.builder.fsub(self.value, other.value))

    def __rsub__(self, other: float) -> Vector:
        return self._other(other) - self

    def __mul__(self, other: Vector | float) -> Vector:
        factors = self.value, self._other(other).value
        return Vector(self.builder, self.builder.fmul(*factors), factors)

    __rmul__ = __mul__

    def __truediv__(self, other: Vector | float) -> Vector:
        return Vector(self.builder, self.builder.fdiv(self.value, self._other(other).value))

    def __neg__(self) -> Vector:
        return Vector(self.builder, self.builder.fneg(self.value))


def multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Vector:
    """a*b + c, fused on CPUs that can (elsewhere a call for each value would take a hundred times as long)."""
    return Vector(builder, builder.call(_declare(builder, "llvm.fmuladd", _VECTOR, 3), [a, b, c]))


def _constant(x: float) -> Any:
    return ir.Constant(_VECTOR, [ir.Constant(_FLOAT, float(np.float32(x)))] * WIDTH)


def at_least(x: Vector, bound: float, then: Vector | float, otherwise: Vector | float) -> Vector:
    """`then` where x >= bound, else (and for NaN) `otherwise`."""
    condition = x.builder.fcmp_ordered(">=", x.value, _constant(bound))
    values = [v.value if isinstance(v, Vector) else _constant(v) for v in (then, otherwise)]
    return Vector(x.builder, x.builder.select(condition, *values))


def _clamp(x: Vector, bound: float) -> Vector:
    # written so that NaN passes through, and as one min and one max instruction
    b = x.builder
    top, bottom = _constant(bound), _constant(-bound)
    low = b.select(b.fcmp_ordered(">", x.value, top), top, x.value)
    return Vector(b, b.select(b.fcmp_ordered("<", low, bottom), bottom, low))


_TANH_P = (
    4.89352455891786e-03,
    6.37261928875436e-04,
    1.48572235717979e-05,
    5.12229709037114e-08,
    -8.60467152213735e-11,
    2.00018790482477e-13,
    -2.76076847742355e-16,
)
_TANH_Q = (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)


def _polynomial(x: Vector, coefficients: Sequence[float]) -> Vector:
    value = coefficients[-1] * x + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        value = value * x + coefficient
    return value


def tanh(x: Vector) -> Vector:
    """Hyperbolic tangent, a minimax rational function of degrees 13 and 6; error at most 4e-7."""
    x = _clamp(x, 7.90531110763549805)
    x2 = x * x
    return x * _polynomial(x2, _TANH_P) / _polynomial(x2, _TANH_Q)


def sigmoid(x: Vector) -> Vector:
    """`1/(1 + exp(-x))` as `tanh(x/2)/2 + 1/2`; error at most 3e-7."""
    return tanh(x * 0.5) * 0.5 + 0.5


_EXP_P = (1.0, 1.0, 0.5, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4)


def exp(x: Vector) -> Vector:
    """Exponential of x <= 88 (below -87, that of -87): `2^n exp(r)`, |r| <= log(2)/2; to 2 units of the last place."""
    b = x.builder
    low = _constant(-87.0)
    x = Vector(b, b.select(b.fcmp_ordered("<", x.value, low), low, x.value))
    n = Vector(b, b.call(_declare(b, "llvm.rint", _VECTOR, 1), [(x * 1.44269504088896341).value]))
    r = x - n * 0.693359375 - n * -2.12194440e-4
    power = b.shl(b.add(b.fptosi(n.value, ir.VectorType(_INT32, WIDTH)), _integers(127)), _integers(23))
    return _polynomial(r, _EXP_P) * Vector(b, b.bitcast(power, _VECTOR))


def _integers(n: int) -> Any:
    return ir.Constant(ir.VectorType(_INT32, WIDTH), [ir.Constant(_INT32, n)] * WIDTH)


def _declare(builder: Any, name: str, kind: Any, arguments: int) -> Any:
    function = ir.FunctionType(kind, [kind] * arguments)
    return cgutils.get_or_insert_function(builder.module, function, f"{name}.v{WIDTH}f32")


class Emitter:
    """Loads, stores and loops on addresses."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def pointer(self, address: Any) -> Any:
        return self.builder.inttoptr(address, _FLOAT.as_pointer())

    def offset(self, pointer: Any, *floats: Any) -> Any:
        for distance in floats:
            index = INT64(distance) if isinstance(distance, int) else distance
            pointer = self.builder.gep(pointer, [index], inbounds=True)
        return pointer

    def times(self, a: Any, b: Any) -> Any:
        return self.builder.mul(a, INT64(b) if isinstance(b, int) else b)

    def load(self, pointer: Any) -> Vector:
        p = self.builder.bitcast(pointer, _VECTOR.as_pointer())
        return Vector(self.builder, self.builder.load(p, align=4))

    def store(self, vector: Vector, pointer: Any) -> None:
        self.builder.store(vector.value, self.builder.bitcast(pointer, _VECTOR.as_pointer()), align=4)

    def broadcast(self, pointer: Any) -> Vector:
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        scalar = self.builder.insert_element(undefined, self.builder.load(pointer, align=4), _INT32(0))
        zeros = ir.Constant(ir.VectorType(_INT32, WIDTH), [0] * WIDTH)
        return Vector(self.builder, self.builder.shuffle_vector(scalar, undefined, zeros))

    @contextmanager
    def loop(self, count: Any) -> Iterator[Any]:
        with cgutils.for_range(self.builder, count) as body:
            yield body.index

    def accumulators(self, rows: int, vectors: int) -> list[list[Any]]:
        """Registers [rows][vectors] (stack slots that LLVM promotes), zero."""
        slots = [[cgutils.alloca_once(self.builder, _VECTOR) for _ in range(vectors)] for _ in range(rows)]
        for row in slots:
            for slot in row:
                self.builder.store(ir.Constant(_VECTOR, None), slot)
        return slots

    def multiply_add(
        self, slots: list[list[Any]], a: Any, a_row: Any, a_step: Any, b: Any, b_step: Any, count: Any
    ) -> None:
        """slots[r][v] += sum over k < count of a[r*a_row + k*a_step] * b[k*b_step + v*WIDTH ...]."""
        with self.loop(count) as k:
            ak, bk = self.offset(a, self.times(k, a_step)), self.offset(b, self.times(k, b_step))
            inputs = [self.load(self.offset(bk, v * WIDTH)).value for v in range(len(slots[0]))]
            for r, row in enumerate(slots):
                weight = self.broadcast(self.offset(ak, self.times(INT64(r), a_row))).value
                for slot, x in zip(row, inputs, strict=True):
                    self.builder.store(multiply_add(self.builder, weight, x, self.builder.load(slot)).value, slot)


def pointwise(equations: Callable[..., Sequence[Vector]], inputs: int, outputs: int) -> Any:
    """`equations(*inputs) -> outputs` on arrays; returns a function (count, step, inputs, outputs) taking the number of
    vectors, of which it uses every step-th, and tuples of addresses. An output may be an input's own place."""

    @intrinsic
    def loop(_: Any, count, step, given, made):
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            count, step, given, made = arguments
            e = Emitter(builder)
            sources = [e.pointer(builder.extract_value(given, j)) for j in range(inputs)]
            targets = [e.pointer(builder.extract_value(made, j)) for j in range(outputs)]
            with e.loop(builder.udiv(count, step)) as k:
                place = e.times(e.times(k, step), WIDTH)
                values = equations(*(e.load(e.offset(p, place)) for p in sources))
                for value, target in zip(values, targets, strict=True):
                    e.store(value, e.offset(target, place))
            return context.get_dummy_value()

        return types.void(INTP, INTP, given, made), emit

    return loop


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Butterfly: exchange the off-diagonal blocks of size 1, 2, 4 ... of a square of registers."""
    shift = 1
    while shift < WIDTH:
        low = [j if not j & shift else WIDTH + (j ^ shift) for j in range(WIDTH)]
        high = [j | shift if not j & shift else WIDTH + j for j in range(WIDTH)]
        masks = [ir.Constant(ir.VectorType(_INT32, WIDTH), mask) for mask in (low, high)]
        rows = [
            builder.shuffle_vector(rows[i & ~shift], rows[i | shift], masks[1 if i & shift else 0])
            for i in range(WIDTH)
        ]
        shift *= 2
    return rows


@intrinsic
def transpose_square(_: Any, source, source_stride, target, target_stride):
    """`target[j][i] = source[i][j]` for a square of WIDTH x WIDTH floats."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, source_stride, target, target_stride = arguments
        e = Emitter(builder)
        source, target = e.pointer(source), e.pointer(target)
        rows = [e.load(e.offset(source, e.times(source_stride, i))).value for i in range(WIDTH)]
        for i, row in enumerate(_transposed(builder, rows)):
            e.store(Vector(builder, row), e.offset(target, e.times(target_stride, i)))
        return context.get_dummy_value()

    return types.void(*[INTP] * 4), emit


@intrinsic
def transpose_rows(_: Any, source, events, row_floats, target, column, columns, gap):
    """`target_j[i] = source[events[i]*row_floats + j]` for WIDTH events (addresses of int64) and WIDTH features j.

    The targets are LANES floats apart, and `gap` more after every `columns` of them; the first is number `column`.
    """

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, events, row_floats, target, column, columns, gap = arguments
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
        return context.get_dummy_value()

    return types.void(*[INTP] * 7), emit
