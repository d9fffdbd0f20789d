"""Cumulative distributions and the error function as ONNX operators, in double precision.

They do, operation by operation, what the kernels of `transformations.cumulative`, `gauss` and `errorfunction` do.
`Where` decides in place of branches, so that NaN goes where it goes there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from pytmva_rnn.export.onnx.graph_builder import GraphBuilder
from pytmva_rnn.transformations.cumulative import LEVEL, POINTS, SMALLEST
from pytmva_rnn.transformations.errorfunction import CENTRE, CENTRE_BORDER, CENTRE_SHIFT, TAIL, TAIL_SHIFT
from pytmva_rnn.transformations.gauss import FLOOR, LARGEST_ARGUMENT, ROOT_TWO
from pytmva_rnn.transformations.instruction import Instruction

__all__ = ["flat_of_normal", "flatten", "flatten_back", "normal_of_flat"]

_Quotient: TypeAlias = tuple[Sequence[float], Sequence[float]]
"""Coefficients of a numerator and of a denominator, of the highest power first."""

# erf and erfc of W. J. Cody, Mathematics of Computation 23 (1969) 631, as in his program CALERF. The third region,
# above 4, is left out: the second is within 1e-10 of it.
_ERF_BORDER = 0.46875
# fmt: off
_ERF: _Quotient = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
"""Of `x*x`; x times it."""
_ERFC: _Quotient = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3,),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)
# fmt: on
"""Of |x|; `exp(-x*x)` times it."""


def _op(g: GraphBuilder, operator: str, *operands: str | float | np.ndarray) -> str:
    """An operator on values, and on numbers in double precision."""
    return g.add(operator, *(each if isinstance(each, str) else g.constant(each, np.float64) for each in operands))


def _points(g: GraphBuilder, instruction: Instruction, places: str) -> str:
    """The point with the number `places` (N, K), from 0, of each input's own table, in double precision."""
    first = POINTS * np.arange(len(instruction.table) // POINTS)
    table = g.constant(instruction.table, np.float32)
    return g.cast(g.add("Gather", table, g.add("Add", places, g.constant(first, np.int64))), np.float64)


def flatten(g: GraphBuilder, x: str, instruction: Instruction) -> str:
    """The fraction of events below x, cut: `gauss.flatten`."""
    low, high = np.split(instruction.parameters, 2)
    part = _op(g, "Div", _op(g, "Sub", x, low), high - low)
    place = _op(g, "Sub", _op(g, "Mul", part, float(POINTS)), 0.5)
    most = _op(g, "Where", _op(g, "Less", place, POINTS - 2.0), place, POINTS - 2.0)
    left = g.cast(_op(g, "Where", _op(g, "Greater", place, 0.0), most, 0.0), np.int64)
    first = _points(g, instruction, left)
    second = _points(g, instruction, g.add("Add", left, g.constant(1, np.int64)))
    beyond = _op(g, "Sub", place, g.cast(left, np.float64))
    y = _op(g, "Add", first, _op(g, "Mul", beyond, _op(g, "Sub", second, first)))
    return _cut(g, _op(g, "Where", _op(g, "GreaterOrEqual", y, SMALLEST), y, SMALLEST), FLOOR, 1 - FLOOR)


def flatten_back(g: GraphBuilder, fraction: str, instruction: Instruction) -> str:
    """The inverse by TMVA's bisection: `cumulative.value_at`, with all its steps one after the other."""
    low, high = np.split(instruction.parameters, 2)
    one, two = g.constant(1, np.int64), g.constant(2, np.int64)
    like = g.add("Shape", fraction)
    first = second = g.add("Expand", g.constant([0], np.float64), like)
    below, above = (g.add("Expand", g.constant([bound], np.int64), like) for bound in (0, POINTS))
    for _ in range(math.ceil(math.log2(POINTS))):
        middle = g.add("Add", below, g.add("Div", g.add("Sub", above, below), two))
        goes_on = g.add("Greater", middle, below)
        at = _points(g, instruction, g.add("Where", goes_on, g.add("Sub", middle, one), g.constant(0, np.int64)))
        is_below = g.add("Less", fraction, at)
        lowers = g.add("And", goes_on, is_below)
        raises = g.add("And", goes_on, g.add("Not", is_below))
        above, second = g.add("Where", lowers, middle, above), g.add("Where", lowers, at, second)
        below, first = g.add("Where", raises, middle, below), g.add("Where", raises, at, first)
    height = _op(g, "Sub", second, first)
    is_steep = _op(g, "Greater", height, LEVEL)
    slope = _op(g, "Div", _op(g, "Sub", fraction, first), _op(g, "Where", is_steep, height, 1.0))
    part = g.add("Where", is_steep, slope, first)
    length = g.cast(g.add("Sub", above, below), np.float64)
    begin = _op(g, "Sub", g.cast(below, np.float64), 0.5)
    place = _op(g, "Add", begin, _op(g, "Mul", length, part))
    x = _op(g, "Add", _op(g, "Div", _op(g, "Mul", place, high - low), float(POINTS)), low)
    return g.add("Where", g.add("IsNaN", fraction), fraction, x)


def normal_of_flat(g: GraphBuilder, u: str) -> str:
    """`gauss.make_normal`; the argument of erfinv is cut so that the far tail of `erfinv` is never reached."""
    y = _cut(g, _op(g, "Sub", _op(g, "Mul", u, 2.0), 1.0), -LARGEST_ARGUMENT, LARGEST_ARGUMENT)
    square = _op(g, "Mul", _op(g, "Mul", y, 0.25), y)
    centre = _op(g, "Mul", _op(g, "Mul", y, 0.5), _quotient(g, CENTRE, _op(g, "Sub", CENTRE_SHIFT, square)))
    size = _op(g, "Abs", y)
    r = _op(g, "Sqrt", _op(g, "Neg", _op(g, "Log", _op(g, "Mul", _op(g, "Sub", 1.0, size), 0.5))))
    tail = _op(g, "Mul", _op(g, "Sign", y), _quotient(g, TAIL, _op(g, "Sub", r, TAIL_SHIFT)))
    quantile = _op(g, "Where", _op(g, "LessOrEqual", size, CENTRE_BORDER), centre, tail)
    return _op(g, "Mul", _op(g, "Div", quantile, math.sqrt(2.0)), ROOT_TWO)


def flat_of_normal(g: GraphBuilder, v: str) -> str:
    """`gauss.make_normal_back`; ONNX Runtime has the error function in single precision only."""
    x = _op(g, "Div", v, ROOT_TWO)
    square = _op(g, "Mul", x, x)
    size = _op(g, "Abs", x)
    centre = _op(g, "Mul", x, _quotient(g, _ERF, square))
    rest = _op(g, "Mul", _op(g, "Exp", _op(g, "Neg", square)), _quotient(g, _ERFC, size))
    tail = _op(g, "Mul", _op(g, "Sign", x), _op(g, "Sub", 1.0, rest))
    erf = _op(g, "Where", _op(g, "LessOrEqual", size, _ERF_BORDER), centre, tail)
    return _op(g, "Div", _op(g, "Add", erf, 1.0), 2.0)


def _cut(g: GraphBuilder, x: str, low: float, high: float) -> str:
    """Clip, which in ONNX does not say what becomes of NaN."""
    raised = _op(g, "Where", _op(g, "Less", x, low), low, x)
    return _op(g, "Where", _op(g, "Greater", raised, high), high, raised)


def _quotient(g: GraphBuilder, coefficients: _Quotient, x: str) -> str:
    above, below = (_polynomial(g, each, x) for each in coefficients)
    return _op(g, "Div", above, below)


def _polynomial(g: GraphBuilder, coefficients: Sequence[float], x: str) -> str:
    value: str | float = coefficients[0]
    for coefficient in coefficients[1:]:
        value = _op(g, "Add", _op(g, "Mul", value, x), coefficient)
    return str(value)
