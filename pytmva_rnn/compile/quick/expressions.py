"""Emits the instructions of expressions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from pytmva_rnn.compile.quick.declared_functions import Intrinsic
from pytmva_rnn.compile.quick.meanings import MEANINGS
from pytmva_rnn.compile.quick.operators import KNOWN, NumberOperators
from pytmva_rnn.compile.quick.python_sources import meant, python_function
from pytmva_rnn.compile.quick.registers import (
    INTEGER,
    LOGICAL,
    WORD,
    ArrayAt,
    RecordAt,
    Refused,
    Scalar,
    ScalarKind,
    Slot,
    common,
    converted,
    kind_of,
    number,
    truth,
)

__all__ = ["Expressions"]


class Expressions(NumberOperators):
    """What expressions in a function mean; statements are for a class that extends this one."""

    def __init__(self, builder: Any, function: Callable[..., Any]) -> None:
        super().__init__(builder, function)
        self.names: dict[str, Any] = {}

    def assign_name(self, name: str, value: Any) -> None:
        """Let a name mean a value."""
        if isinstance(value, (*KNOWN, np.generic, Scalar)):
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
        return bool(value) if isinstance(value, KNOWN) else truth(self.builder, value)

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
            return of.field(self.builder, node.attr)
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
        if isinstance(of, KNOWN):
            return -of
        found = number(of)
        if found.kind in (LOGICAL, WORD):
            raise self.refusal(node)
        negative = self.builder.fneg if found.kind.is_float else self.builder.neg
        return Scalar(found.kind, negative(found.value))

    def _of_compare(self, node: ast.Compare) -> Any:
        if len(node.ops) > 1:
            if any(
                isinstance(part, ast.Subscript | ast.Call) for each in node.comparators[1:] for part in ast.walk(each)
            ):
                # Python does not look at them where an earlier relation does not hold
                raise self.refusal(node)
            return self.chain(node, [self.value(each) for each in (node.left, *node.comparators)])
        left, right = self.value(node.left), self.value(node.comparators[0])
        if isinstance(node.ops[0], ast.In) and isinstance(right, tuple) and right:
            found: Any = LOGICAL.type(0)
            for each in right:
                same = number(self.compared(ast.Eq, left, each, node))
                found = self.builder.or_(found, same.value)
            return Scalar(LOGICAL, found)
        return self.compared(type(node.ops[0]), left, right, node)

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
        if isinstance(callee, Intrinsic) and not keywords:
            return callee.emit(self.builder, *arguments)
        function = python_function(callee)
        if function is None:
            raise self.refusal(node)
        return self.call(function, arguments, keywords)


def _is_truth(node: ast.expr) -> bool:
    """Whether an expression can only be True or False."""
    if isinstance(node, ast.BoolOp):
        return all(map(_is_truth, node.values))
    return isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))


def _is_hashable(callee: Any) -> bool:
    return getattr(type(callee), "__hash__", None) is not None
