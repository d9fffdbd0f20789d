"""Emits the instructions of expressions."""

from __future__ import annotations

import ast
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from pytmva_rnn.compile.quick.meanings import MEANINGS, external
from pytmva_rnn.compile.quick.python_sources import meant, python_function
from pytmva_rnn.compile.quick.registers import (
    DOUBLE,
    INTEGER,
    LOGICAL,
    WORD,
    ArrayAt,
    RecordAt,
    Refused,
    Scalar,
    ScalarKind,
    common,
    converted,
    kind_of,
    number,
    truth,
)

__all__ = ["Expressions", "Slot"]

_tuple_of: Any = types.BaseTuple.from_types  # without types

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
_KNOWN = (bool, int, float)


class Slot:
    """A number on the stack, of one kind."""

    def __init__(self, builder: Any, kind: ScalarKind) -> None:
        self.kind = kind
        with builder.goto_block(builder.function.entry_basic_block):
            self.place = builder.alloca(kind.type)

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


class Expressions(ABC):
    """What expressions in a function mean; statements are for a class that extends this one."""

    def __init__(self, builder: Any, function: Callable[..., Any]) -> None:
        self.builder = builder
        self.function = function
        self.place = f"{function.__module__}.{function.__qualname__}"
        self.names: dict[str, Any] = {}

    @abstractmethod
    def call(self, function: Callable[..., Any], arguments: list[Any], keywords: dict[str, Any]) -> Any:
        """What a function of Python's makes of arguments."""

    def refusal(self, node: ast.AST) -> Refused:
        return Refused(f"{self.place}: {ast.unparse(node)}")

    def assign_name(self, name: str, value: Any) -> None:
        """Let a name mean a value."""
        if isinstance(value, (*_KNOWN, np.generic, Scalar)):
            of = number(value)
            slot = self.names.get(name)
            if slot is None:
                slot = self.names[name] = Slot(self.builder, of.kind)
            if not isinstance(slot, Slot):
                raise Refused(f"{self.place}: {name} means different things")
            slot.store(self.builder, of)
        else:
            self.names[name] = value

    def value(self, node: ast.expr) -> Any:
        """What an expression gives: known, or in registers."""
        known = getattr(self, f"_of_{type(node).__name__.lower()}", None)
        if known is None:
            raise self.refusal(node)
        return known(node)

    def condition(self, node: ast.expr) -> Any:
        """Whether an expression is true: a bool if that is known, else a register; parts that do not count are not
        evaluated."""
        if isinstance(node, ast.BoolOp):
            return self._either(node.values, isinstance(node.op, ast.Or))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            of = self.condition(node.operand)
            return not of if isinstance(of, bool) else self.builder.not_(of)
        value = self.value(node)
        return bool(value) if isinstance(value, _KNOWN) else truth(self.builder, value)

    def _either(self, nodes: list[ast.expr], stops: bool) -> Any:
        """`or`, which the first that is true decides, if `stops`, else `and`."""
        first = self.condition(nodes[0])
        if len(nodes) == 1:
            return first
        if isinstance(first, bool):
            return stops if first is stops else self._either(nodes[1:], stops)
        builder = self.builder
        others, after = builder.append_basic_block("others"), builder.append_basic_block("decided")
        decided = builder.block
        builder.cbranch(first, *((after, others) if stops else (others, after)))
        builder.position_at_end(others)
        rest = self._either(nodes[1:], stops)
        rest = LOGICAL.type(rest) if isinstance(rest, bool) else rest
        end = builder.block
        builder.branch(after)
        builder.position_at_end(after)
        found = builder.phi(LOGICAL.type)
        found.add_incoming(LOGICAL.type(stops), decided)
        found.add_incoming(rest, end)
        return found

    def _of_boolop(self, node: ast.BoolOp) -> Any:
        # Python gives one of the values: here they have to be truth values
        if not all(map(_is_truth, node.values)):
            raise self.refusal(node)
        found = self.condition(node)
        return found if isinstance(found, bool) else Scalar(LOGICAL, found)

    def _of_constant(self, node: ast.Constant) -> Any:
        return node.value

    def _of_name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            value = self.names[node.id]
            return value.load(self.builder) if isinstance(value, Slot) else value
        if node.id in self.function.__code__.co_varnames:
            raise Refused(f"{self.place}: {node.id} may mean nothing")
        return meant(self.function, node.id)

    def _of_tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        values: list[Any] = []
        for each in node.elts:
            values += self.value(each.value) if isinstance(each, ast.Starred) else [self.value(each)]
        return tuple(values)

    def _of_attribute(self, node: ast.Attribute) -> Any:
        of = self.value(node.value)
        if isinstance(of, RecordAt):
            place, kind = of.place(self.builder, node.attr)
            return Scalar(kind, self.builder.load(place))
        if isinstance(of, ArrayAt):
            if node.attr == "itemsize":
                return of.dtype.itemsize
            if node.attr == "shape":
                return of.shape
            if node.attr == "strides":
                return of.strides(self.builder)
            if node.attr == "ctypes":
                return SimpleNamespace(data=Scalar(INTEGER, self.builder.ptrtoint(of.pointer, INTEGER.type)))
            raise self.refusal(node)
        if isinstance(of, Scalar | Slot):
            raise self.refusal(node)
        return getattr(of, node.attr)

    def index(self, node: ast.expr) -> tuple[Any, ...]:
        """What stands in brackets."""
        found = self.value(node)
        return found if isinstance(found, tuple) else (found,)

    def _of_subscript(self, node: ast.Subscript) -> Any:
        of, index = self.value(node.value), self.index(node.slice)
        if isinstance(of, tuple) and len(index) == 1 and type(index[0]) is int:
            return of[index[0]]
        if not isinstance(of, ArrayAt) or len(index) > len(of.shape):
            raise self.refusal(node)
        if len(index) < len(of.shape):
            return of.part(self.builder, index)
        place = of.element(self.builder, index)
        if of.dtype.fields:
            return RecordAt(place, of.dtype)
        kind = kind_of(of.dtype)
        return Scalar(kind, self.builder.load(self.builder.bitcast(place, kind.type.as_pointer())))

    def kind_of(self, array: ArrayAt, node: ast.AST | None) -> ScalarKind:
        """What an array's numbers are."""
        if array.dtype.fields:
            raise Refused(f"{self.place}: records are no numbers") if node is None else self.refusal(node)
        return kind_of(array.dtype)

    def _of_unaryop(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            found = self.condition(node)
            return found if isinstance(found, bool) else Scalar(LOGICAL, found)
        of = self.value(node.operand)
        if not isinstance(node.op, ast.USub):
            raise self.refusal(node)
        if isinstance(of, _KNOWN):
            return -of
        found = number(of)
        if found.kind in (LOGICAL, WORD):
            raise self.refusal(node)
        negative = self.builder.fneg if found.kind.is_float else self.builder.neg
        return Scalar(found.kind, negative(found.value))

    def _of_compare(self, node: ast.Compare) -> Any:
        if len(node.ops) > 1:
            return self._chain(node)
        left, right = self.value(node.left), self.value(node.comparators[0])
        if isinstance(node.ops[0], ast.In) and isinstance(right, tuple) and right:
            found: Any = LOGICAL.type(0)
            for each in right:
                same = number(self._compared(ast.Eq, left, each, node))
                found = self.builder.or_(found, same.value)
            return Scalar(LOGICAL, found)
        return self._compared(type(node.ops[0]), left, right, node)

    def _chain(self, node: ast.Compare) -> Any:
        """`a < b < c`; what is compared has no effects, so that all of it may be evaluated."""
        values = [self.value(each) for each in (node.left, *node.comparators)]
        found: Any = LOGICAL.type(1)
        for relation, left, right in zip(node.ops, values, values[1:], strict=False):
            found = self.builder.and_(found, number(self._compared(type(relation), left, right, node)).value)
        return Scalar(LOGICAL, found)

    def _compared(self, relation: type, left: Any, right: Any, node: ast.AST) -> Any:
        if relation not in _RELATIONS:
            raise self.refusal(node)
        sign, known = _RELATIONS[relation]
        if isinstance(left, _KNOWN) and isinstance(right, _KNOWN):
            return known(left, right)
        a, b = number(left), number(right)
        kind = a.kind if a.kind is b.kind else common(a.kind, b.kind)
        values = [converted(self.builder, each, kind) for each in (a, b)]
        if kind.is_float:
            compare = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
        else:
            compare = self.builder.icmp_unsigned if kind in (WORD, LOGICAL) else self.builder.icmp_signed
        return Scalar(LOGICAL, compare(sign, *values))

    def _of_ifexp(self, node: ast.IfExp) -> Any:
        condition = self.condition(node.test)
        if isinstance(condition, bool):
            return self.value(node.body if condition else node.orelse)
        builder = self.builder
        blocks = [builder.append_basic_block(name) for name in ("if", "else", "chosen")]
        builder.cbranch(condition, *blocks[:2])
        values, ends = [], []
        for block, each in zip(blocks, (node.body, node.orelse), strict=False):
            builder.position_at_end(block)
            values.append(number(self.value(each)))
            ends.append(builder.block)
        kinds = [each.kind for each in values]
        kind = kinds[0] if kinds[0] is kinds[1] else common(*kinds)
        chosen = []
        for value, end in zip(values, ends, strict=True):
            builder.position_at_end(end)
            chosen.append(converted(builder, value, kind))
            builder.branch(blocks[2])
        builder.position_at_end(blocks[2])
        found = builder.phi(kind.type)
        for each, end in zip(chosen, ends, strict=True):
            found.add_incoming(each, end)
        return Scalar(kind, found)

    def _of_binop(self, node: ast.BinOp) -> Any:
        return self.binary(node, node.op, self.value(node.left), self.value(node.right))

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
            if isinstance(left, _KNOWN) and isinstance(right, _KNOWN):
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
        if type(right) is int and right >= 0:
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

    def range_of(self, node: ast.expr) -> tuple[Any, Any, int] | None:
        """Start, stop and step, if an expression is a range."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"):
            return None
        bounds = [self.value(each) for each in node.args]
        start, stop, step = (0, *bounds, 1) if len(bounds) == 1 else (*bounds, 1)[:3]
        if type(step) is not int or step == 0:
            raise self.refusal(node)
        if any(number(each).kind not in (INTEGER, LOGICAL) for each in (start, stop)):
            raise self.refusal(node)
        return converted(self.builder, start, INTEGER), converted(self.builder, stop, INTEGER), step

    def _of_call(self, node: ast.Call) -> Any:
        callee = self.value(node.func)
        arguments = list(self._of_tuple(ast.Tuple(node.args)))
        keywords = {each.arg: self.value(each.value) for each in node.keywords if each.arg is not None}
        if len(keywords) != len(node.keywords):
            raise self.refusal(node)
        if _is_hashable(callee) and callee in MEANINGS:
            if keywords:
                raise self.refusal(node)
            return MEANINGS[callee](self.builder, *arguments)
        emitter = getattr(callee, "_defn", None)
        if emitter is not None:
            return self._emitted(node, emitter, arguments)
        function = python_function(callee)
        if function is None:
            raise self.refusal(node)
        return self.call(function, arguments, keywords)

    def _emitted(self, node: ast.AST, emitter: Callable[..., Any], arguments: list[Any]) -> Any:
        """What one of Numba's intrinsics of numbers emits."""
        given = [self._handed(node, each) for each in arguments]
        signature, emit = emitter(None, *(kind for kind, _ in given))
        found = emit(_CONTEXT, self.builder, signature, [value for _, value in given])
        results = {types.void: None, types.boolean: LOGICAL, types.int64: INTEGER}
        if signature.return_type not in results:
            raise self.refusal(node)
        kind = results[signature.return_type]
        return None if kind is None else Scalar(kind, found)

    def _handed(self, node: ast.AST, value: Any) -> tuple[Any, Any]:
        """Numba's type of an argument, and what LLVM has of it."""
        if not isinstance(value, tuple):
            of = number(value)
            if of.kind is DOUBLE:
                return types.float64, of.value
            return types.int64, self._integer(node, of)
        parts = [self._handed(node, each) for each in value]
        packed: Any = ir.Constant(ir.LiteralStructType([part.type for _, part in parts]), ir.Undefined)
        for k, (_, part) in enumerate(parts):
            packed = self.builder.insert_value(packed, part, k)
        return _tuple_of([kind for kind, _ in parts]), packed

    def _integer(self, node: ast.AST, value: Any) -> Any:
        of = number(value)
        if of.kind not in (INTEGER, LOGICAL):
            raise self.refusal(node)
        return converted(self.builder, of, INTEGER)


def _is_truth(node: ast.expr) -> bool:
    """Whether an expression can only be True or False."""
    if isinstance(node, ast.BoolOp):
        return all(map(_is_truth, node.values))
    return isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))


class _Context:
    """As much of Numba's target as such intrinsics ask for."""

    def get_dummy_value(self) -> None:
        """Of what returns nothing."""

    def cast(self, builder: Any, value: Any, kind: Any, to: Any) -> Any:
        return value


_CONTEXT = _Context()


def _is_hashable(callee: Any) -> bool:
    return getattr(type(callee), "__hash__", None) is not None


def _power_of_integer(a: float, b: int) -> float:
    """Numba's algorithm, product by product."""
    exponent = -b if b < 0 else b
    if exponent > _MOST_PRODUCTS:
        return float(_pow(a, b))
    base = a
    result = 1.0
    while exponent != 0:
        if exponent % 2:
            result *= base
        exponent = exponent // 2
        base *= base
    return 1.0 / result if b < 0 else result


_MOST_PRODUCTS = 0x10000


def _pow(a: Any, b: Any) -> Any:
    raise NotImplementedError


MEANINGS[_pow] = lambda builder, a, b: external(builder, "llvm.pow.f64", DOUBLE, a, b)
