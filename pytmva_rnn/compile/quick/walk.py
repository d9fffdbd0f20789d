"""Goes through the statements of an operation, and of what it calls, and emits what they do."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pytmva_rnn.compile.quick.expressions import Expressions
from pytmva_rnn.compile.quick.python_sources import definition, named, plain
from pytmva_rnn.compile.quick.registers import (
    INTEGER,
    ArrayAt,
    RecordAt,
    Refused,
    Scalar,
    Slot,
    converted,
    number,
)

__all__ = ["Walk"]


class Walk(Expressions):
    """A call of a function, whose statements take its place; names of numbers are slots on the stack.

    LLVM makes registers of the slots. Other values keep their name as long as it means one thing: a name that a loop
    or a branch would make mean another is refused.
    """

    def __init__(self, builder: Any, function: Callable[..., Any], arguments: list[Any]) -> None:
        super().__init__(builder, function)
        self._definition = definition(function)
        self._exit: Any = None
        self._result: Any = None  # slots that are returned
        self._gives: set[bool] = set()  # whether there is something to return, where it returns
        self._next: list[Any] = []  # where loops that are entered go on
        for name, value in zip(named(function), arguments, strict=True):
            self.assign_name(name, value)

    def run(self) -> Any:
        """Emit the body; what is returned."""
        body = self._definition.body
        returns = [node for node in ast.walk(self._definition) if isinstance(node, ast.Return)]
        if returns in ([], [body[-1]]):
            self.statements(body[:-1] if returns else body)
            return self.value(returns[0].value) if returns and returns[0].value is not None else None
        self._exit = self.builder.append_basic_block("exit")
        self.statements(body)
        if not self.builder.block.is_terminated:
            self._gives.add(False)
            self.builder.branch(self._exit)
        if len(self._gives) > 1:
            raise Refused(f"{self.place} returns a value in some cases only")
        self.builder.position_at_end(self._exit)
        if isinstance(self._result, tuple):
            return tuple(slot.load(self.builder) for slot in self._result)
        return None if self._result is None else self._result.load(self.builder)

    def call(self, function: Callable[..., Any], arguments: list[Any], keywords: dict[str, Any]) -> Any:
        given = plain(function, arguments, keywords)
        return Walk(self.builder, function, given).run()

    def statements(self, nodes: list[ast.stmt]) -> None:
        """Emit statements, up to one that leaves them."""
        for node in nodes:
            if self.builder.block.is_terminated:
                return
            known = getattr(self, f"_{type(node).__name__.lower()}", None)
            if known is None:
                raise self.refusal(node)
            known(node)

    def _pass(self, node: ast.Pass) -> None:
        """Nothing."""

    def _expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.value(node.value)

    def _assign(self, node: ast.Assign) -> None:
        if len(node.targets) > 1:
            raise self.refusal(node)
        self._assigned(node.targets[0], self.value(node.value))

    def _annassign(self, node: ast.AnnAssign) -> None:
        if node.value is None:
            raise self.refusal(node)
        self._assigned(node.target, self.value(node.value))

    def _augassign(self, node: ast.AugAssign) -> None:
        # what the target is made of is evaluated twice: it has no effects
        left: Any = ast.copy_location(_read(node.target), node.target)
        self._assigned(node.target, self.binary(node, node.op, self.value(left), self.value(node.value)))

    def _assigned(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.assign_name(target.id, value)
        elif isinstance(target, ast.Tuple):
            if not isinstance(value, tuple) or len(value) != len(target.elts):
                raise self.refusal(target)
            for each, part in zip(target.elts, value, strict=True):
                self._assigned(each, part)
        elif isinstance(target, ast.Attribute):
            record = self.value(target.value)
            if not isinstance(record, RecordAt):
                raise self.refusal(target)
            place, kind = record.place(self.builder, target.attr)
            self.builder.store(converted(self.builder, value, kind), place)
        elif isinstance(target, ast.Subscript):
            self._store_element(target, value)
        else:
            raise self.refusal(target)

    def _store_element(self, target: ast.Subscript, value: Any) -> None:
        array = self.value(target.value)
        if not isinstance(array, ArrayAt):
            raise self.refusal(target)
        if isinstance(target.slice, ast.Slice):
            if target.slice.lower or target.slice.upper or target.slice.step:
                raise self.refusal(target)
            self._fill(array, value)
            return
        index = self.index(target.slice)
        if len(index) != len(array.shape):
            raise self.refusal(target)
        if isinstance(value, RecordAt):
            self._copy_record(RecordAt(array.element(self.builder, index), array.dtype), value)
            return
        kind = self.kind_of(array, target)
        place = self.builder.bitcast(array.element(self.builder, index), kind.type.as_pointer())
        self.builder.store(converted(self.builder, value, kind), place)

    def _fill(self, array: ArrayAt, value: Any) -> None:
        kind = self.kind_of(array, None)
        count: Any = INTEGER.type(1)
        for length in array.shape:
            count = self.builder.mul(count, converted(self.builder, length, INTEGER))
        filling = converted(self.builder, value, kind)
        first = self.builder.bitcast(array.pointer, kind.type.as_pointer())
        with self._loop(INTEGER.type(0), count, 1) as k:
            self.builder.store(filling, self.builder.gep(first, [k], inbounds=True))

    def _copy_record(self, target: RecordAt, source: RecordAt) -> None:
        if target.dtype != source.dtype or target.dtype.itemsize % 8:
            raise Refused("a record of another type")
        words = [ArrayAt(each.pointer, np.dtype(np.int64), (1,)) for each in (target, source)]
        places = [
            [
                self.builder.bitcast(array.element(self.builder, (k,)), INTEGER.type.as_pointer())
                for k in range(target.dtype.itemsize // 8)
            ]
            for array in words
        ]
        values = [self.builder.load(place) for place in places[1]]
        for value, place in zip(values, places[0], strict=True):
            self.builder.store(value, place)

    def _if(self, node: ast.If) -> None:
        condition = self.condition(node.test)
        if isinstance(condition, bool):
            self.statements(node.body if condition else node.orelse)
            return
        blocks = [self.builder.append_basic_block(name) for name in ("then", "else", "after")]
        self.builder.cbranch(condition, *blocks[:2])
        left = []
        for block, nodes in zip(blocks, (node.body, node.orelse), strict=False):
            self.builder.position_at_end(block)
            with self._apart():
                self.statements(nodes)
            left.append(self.builder.block.is_terminated)
            if not left[-1]:
                self.builder.branch(blocks[2])
        self.builder.position_at_end(blocks[2])
        if all(left):
            self.builder.unreachable()

    def _for(self, node: ast.For) -> None:
        if node.orelse or not isinstance(node.target, ast.Name):
            raise self.refusal(node)
        bounds = self.range_of(node.iter)
        if bounds is None:
            self._for_each(node)
            return
        start, stop, step = bounds
        with self._loop(start, stop, step) as k, self._apart():
            self.assign_name(node.target.id, Scalar(INTEGER, k))
            self.statements(node.body)

    def _for_each(self, node: ast.For) -> None:
        """Of a tuple: the body again and again."""
        values = self.value(node.iter)
        if not isinstance(values, tuple) or any(isinstance(each, ast.Continue | ast.Break) for each in ast.walk(node)):
            raise self.refusal(node)
        for value in values:
            if self.builder.block.is_terminated:
                return
            self.assign_name(node.target.id, value)  # type: ignore[attr-defined]
            self.statements(node.body)

    def _while(self, node: ast.While) -> None:
        if node.orelse:
            raise self.refusal(node)
        head, body, after = (self.builder.append_basic_block(name) for name in ("while", "body", "after"))
        self.builder.branch(head)
        self.builder.position_at_end(head)
        condition = self.condition(node.test)
        if isinstance(condition, bool):
            raise self.refusal(node)
        self.builder.cbranch(condition, body, after)
        self.builder.position_at_end(body)
        self._next.append(head)
        with self._apart():
            self.statements(node.body)
        self._next.pop()
        if not self.builder.block.is_terminated:
            self.builder.branch(head)
        self.builder.position_at_end(after)

    def _continue(self, node: ast.Continue) -> None:
        self.builder.branch(self._next[-1])

    def _return(self, node: ast.Return) -> None:
        value = None if node.value is None else self.value(node.value)
        self._gives.add(value is not None)
        if value is not None:
            self._result = self._stored(self._result, value, node)
        self.builder.branch(self._exit)

    def _stored(self, slots: Any, value: Any, node: ast.AST) -> Any:
        """Slots, new if there are none, that a number or a tuple of numbers is stored in."""
        if isinstance(value, tuple):
            before = slots if slots is not None else (None,) * len(value)
            if not isinstance(before, tuple) or len(before) != len(value):
                raise self.refusal(node)
            return tuple(self._stored(slot, part, node) for slot, part in zip(before, value, strict=True))
        of = number(value)
        slot = Slot(self.builder, of.kind) if slots is None else slots
        slot.store(self.builder, of)
        return slot

    @contextmanager
    def _loop(self, start: Any, stop: Any, step: int) -> Iterator[Any]:
        """Emit a loop; yields its index, in a register."""
        builder = self.builder
        slot = Slot(builder, INTEGER)
        builder.store(start, slot.place)
        blocks = [builder.append_basic_block(name) for name in ("loop", "body", "next", "after")]
        head, body, following, after = blocks
        builder.branch(head)
        builder.position_at_end(head)
        k = builder.load(slot.place)
        builder.cbranch(builder.icmp_signed("<" if step > 0 else ">", k, stop), body, after)
        builder.position_at_end(body)
        self._next.append(following)
        yield k
        self._next.pop()
        if not builder.block.is_terminated:
            builder.branch(following)
        builder.position_at_end(following)
        builder.store(builder.add(builder.load(slot.place), INTEGER.type(step), flags=("nsw",)), slot.place)
        builder.branch(head)
        builder.position_at_end(after)

    @contextmanager
    def _apart(self) -> Iterator[None]:
        """Statements that are run several times, or perhaps not: names mean after them what they meant before."""
        before = dict(self.names)
        yield
        for name, value in before.items():
            if self.names[name] is not value:
                raise Refused(f"{self.place}: {name} means different things")
        self.names = {name: each for name, each in self.names.items() if name in before or isinstance(each, Slot)}


def _read(target: ast.expr) -> ast.expr:
    """What is assigned to, as an expression."""
    copied: Any = type(target)(**{name: getattr(target, name) for name in target._fields})
    copied.ctx = ast.Load()
    return copied  # type: ignore[no-any-return]
