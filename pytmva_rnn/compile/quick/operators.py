"""What operators between numbers mean, with the conversions that Numba makes."""

from __future__ import annotations

import ast
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from pytmva_rnn.compile.quick.meanings import MEANINGS, external
from pytmva_rnn.compile.quick.registers import (
    DOUBLE,
    INTEGER,
    LOGICAL,
    WORD,
    Refused,
    Scalar,
    common,
    converted,
    number,
)

__all__ = ["KNOWN", "NumberOperators"]

_RELATIONS: dict[type, tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
}
_ARITHMETIC: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("add", operator.add),
    ast.Sub: ("sub", operator.sub),
    ast.Mult: ("mul", operator.mul),
}
_OF_BITS: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.BitAnd: ("and_", operator.and_),
    ast.BitOr: ("or_", operator.or_),
    ast.BitXor: ("xor", operator.xor),
    ast.LShift: ("shl", operator.lshift),
    ast.RShift: ("lshr", operator.rshift),
}
_OF_BITS_OF_BOTH = (ast.BitAnd, ast.BitOr, ast.BitXor)  # whether there is a sign or not
KNOWN = (bool, int, float)
"""Numbers that are known when they are met."""


class NumberOperators(ABC):
    """Operators between the numbers of a function, whose instructions a builder takes."""

    def __init__(self, builder: Any, function: Callable[..., Any]) -> None:
        self.builder = builder
        self.function = function
        self.place = f"{function.__module__}.{function.__qualname__}"

    @abstractmethod
    def call(self, function: Callable[..., Any], arguments: list[Any], keywords: dict[str, Any]) -> Any:
        """What a function of Python's makes of arguments."""

    def refusal(self, node: ast.AST) -> Refused:
        """The exception for what is not known, with the place."""
        return Refused(f"{self.place}: {ast.unparse(node)}")

    def chain(self, node: ast.Compare, values: list[Any]) -> Any:
        """`a < b < c`; what is compared has no effects, so that all of it may be evaluated."""
        found: Any = LOGICAL.type(1)
        for relation, left, right in zip(node.ops, values, values[1:], strict=False):
            found = self.builder.and_(found, number(self.compared(type(relation), left, right, node)).value)
        return Scalar(LOGICAL, found)

    def compared(self, relation: type, left: Any, right: Any, node: ast.AST) -> Any:
        """How two numbers compare."""
        if relation not in _RELATIONS:
            raise self.refusal(node)
        sign, known = _RELATIONS[relation]
        if isinstance(left, KNOWN) and isinstance(right, KNOWN):
            return known(left, right)
        a, b = number(left), number(right)
        kind = a.kind if a.kind is b.kind else common(a.kind, b.kind)
        values = [converted(self.builder, each, kind) for each in (a, b)]
        if kind.is_float:
            compare = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
        else:
            compare = self.builder.icmp_unsigned if kind in (WORD, LOGICAL) else self.builder.icmp_signed
        return Scalar(LOGICAL, compare(sign, *values))

    def binary(self, node: ast.AST, operation: ast.operator, left: Any, right: Any) -> Any:
        """Two numbers together."""
        kind_of_operation, builder = type(operation), self.builder
        if isinstance(operation, ast.Pow):
            return self._power(node, left, right)
        a, b = number(left), number(right)
        kind = common(a.kind, b.kind)
        if isinstance(operation, ast.Div):
            kind = kind if kind.is_float else DOUBLE
            return Scalar(kind, builder.fdiv(converted(builder, a, kind), converted(builder, b, kind)))
        values = converted(builder, a, kind), converted(builder, b, kind)
        if kind_of_operation in _ARITHMETIC:
            name, known = _ARITHMETIC[kind_of_operation]
            if isinstance(left, KNOWN) and isinstance(right, KNOWN):
                return known(left, right)
            return Scalar(kind, getattr(builder, f"f{name}" if kind.is_float else name)(*values))
        known_bits = _OF_BITS if kind is WORD else _OF_BITS_OF_BOTH
        if kind in (WORD, INTEGER) and kind_of_operation in known_bits:
            return Scalar(kind, getattr(builder, _OF_BITS[kind_of_operation][0])(*values))
        if isinstance(operation, ast.FloorDiv | ast.Mod) and kind is INTEGER:
            if type(left) is int and type(right) is int and right:
                return left // right if isinstance(operation, ast.FloorDiv) else left % right
            return Scalar(kind, self._divided(*values, remainder=isinstance(operation, ast.Mod)))
        raise self.refusal(node)

    def _divided(self, a: Any, b: Any, *, remainder: bool) -> Any:
        """Python's quotient, which is rounded down, or remainder; 0 where b is."""
        builder, zero, one = self.builder, INTEGER.type(0), INTEGER.type(1)
        nothing = builder.icmp_signed("==", b, zero)
        divisor = builder.select(nothing, one, b)
        quotient, rest = builder.sdiv(a, divisor), builder.srem(a, divisor)
        other_sign = builder.icmp_signed("<", builder.xor(rest, divisor), zero)
        down = builder.and_(builder.icmp_signed("!=", rest, zero), other_sign)
        if remainder:
            found = builder.select(down, builder.add(rest, divisor), rest)
        else:
            found = builder.select(down, builder.sub(quotient, one), quotient)
        return builder.select(nothing, zero, found)

    def _power(self, node: ast.AST, left: Any, right: Any) -> Scalar:
        base, exponent = number(left), number(right)
        if not base.kind.is_float:
            raise self.refusal(node)
        if type(right) is int and 0 <= right <= _MOST_PRODUCTS:
            # as Numba does it
            found, value = Scalar(base.kind, base.kind.type(1.0)).value, base.value
            while right:
                found = self.builder.fmul(found, value) if right & 1 else found
                right >>= 1
                value = self.builder.fmul(value, value) if right else value
            return Scalar(base.kind, found)
        if exponent.kind is INTEGER and base.kind is DOUBLE:
            powered: Scalar = self.call(_power_of_integer, [base, exponent], {})
            return powered
        raise self.refusal(node)


def _power_of_integer(a: float, b: int) -> float:
    """Numba's algorithm, product by product."""
    exponent = -b if b < 0 else b
    if exponent > _MOST_PRODUCTS:
        return math.pow(a, b)
    base = a
    result = 1.0
    while exponent != 0:
        if exponent % 2:
            result *= base
        exponent = exponent // 2
        base *= base
    return 1.0 / result if b < 0 else result


_MOST_PRODUCTS = 0x10000

MEANINGS[math.pow] = lambda builder, a, b: external(builder, "llvm.pow.f64", DOUBLE, a, b)
