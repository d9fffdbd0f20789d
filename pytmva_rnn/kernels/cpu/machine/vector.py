"""Arithmetic of vector registers, with operators, so that a layer's equations read as they do on paper."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir

from pytmva_rnn.compile.quick import declared
from pytmva_rnn.kernels.cpu.machine.lanes import FUSES, WIDTH

__all__ = ["Vector", "at_least", "below", "exp", "multiply_add", "sigmoid", "tanh"]

FLOAT = ir.FloatType()
INT32 = ir.IntType(32)
VECTOR = ir.VectorType(FLOAT, WIDTH)


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

    def __rtruediv__(self, other: float) -> Vector:
        return self._other(other) / self

    def __neg__(self) -> Vector:
        return Vector(self.builder, self.builder.fneg(self.value))


def multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Vector:
    """a*b + c, fused on CPUs that can (elsewhere a call for each value would take a hundred times as long)."""
    return Vector(builder, builder.call(_declare(builder, "llvm.fmuladd", VECTOR, 3), [a, b, c]))


def _constant(x: float) -> Any:
    return _constant_of(np.float32(x).tobytes())


@cache
def _constant_of(bits: bytes) -> Any:
    """By the bits of the number: 0 and -0 are equal. What it is written as is kept with it."""
    return ir.Constant(VECTOR, [ir.Constant(FLOAT, float(np.frombuffer(bits, np.float32)[0]))] * WIDTH)


def at_least(x: Vector, bound: float, then: Vector | float, otherwise: Vector | float) -> Vector:
    """`then` where x >= bound, else (and for NaN) `otherwise`."""
    return _choice(x, ">=", bound, then, otherwise)


def below(x: Vector, bound: float, then: Vector | float, otherwise: Vector | float) -> Vector:
    """`then` where x < bound, else (and for NaN) `otherwise`."""
    return _choice(x, "<", bound, then, otherwise)


def _choice(x: Vector, relation: str, bound: float, then: Vector | float, otherwise: Vector | float) -> Vector:
    condition = x.builder.fcmp_ordered(relation, x.value, _constant(bound))
    values = [v.value if isinstance(v, Vector) else _constant(v) for v in (then, otherwise)]
    return Vector(x.builder, x.builder.select(condition, *values))


# where the rational function below is 1 to the last bit: a product and a sum that are rounded once get there later
_SATURATED = 7.99881172180175781 if FUSES else 7.90531110763549805


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
    """Hyperbolic tangent, a minimax rational function of degrees 13 and 6; error at most 4e-7.

    From x = 8 on it is 1, so that its slope 1 - y*y is 0 there: however large a gradient's other factors are, nothing
    is left of them.
    """
    x = _clamp(x, _SATURATED)
    x2 = x * x
    return x * _polynomial(x2, _TANH_P) / _polynomial(x2, _TANH_Q)


def sigmoid(x: Vector) -> Vector:
    """`1/(1 + exp(-x))` as `tanh(x/2)/2 + 1/2`; error at most 3e-7."""
    return tanh(x * 0.5) * 0.5 + 0.5


_EXP_P = (1.0, 1.0, 0.5, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4)


def exp(x: Vector) -> Vector:
    """Exponential of x <= 88 (below -87, 0): `2^n exp(r)`, |r| <= log(2)/2; to 2 units of the last place."""
    b = x.builder
    low = _constant(-87.0)
    vanishes = b.fcmp_ordered("<", x.value, low)
    x = Vector(b, b.select(vanishes, low, x.value))
    n = Vector(b, b.call(_declare(b, "llvm.rint", VECTOR, 1), [(x * 1.44269504088896341).value]))
    r = x - n * 0.693359375 - n * -2.12194440e-4
    power = b.shl(b.add(b.fptosi(n.value, ir.VectorType(INT32, WIDTH)), _integers(127)), _integers(23))
    value = _polynomial(r, _EXP_P) * Vector(b, b.bitcast(power, VECTOR))
    return Vector(b, b.select(vanishes, _constant(0.0), value.value))


def _integers(n: int) -> Any:
    return ir.Constant(ir.VectorType(INT32, WIDTH), [ir.Constant(INT32, n)] * WIDTH)


def _declare(builder: Any, name: str, kind: Any, arguments: int) -> Any:
    function = ir.FunctionType(kind, [kind] * arguments)
    return declared(builder, f"{name}.v{WIDTH}f32", function)
