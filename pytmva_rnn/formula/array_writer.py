"""Formulas on arrays: all events of some columns at a time."""

from __future__ import annotations

from functools import reduce

import numpy as np

from pytmva_rnn.formula import arithmetic
from pytmva_rnn.formula.array_elements import Elements
from pytmva_rnn.formula.array_operators import Operators
from pytmva_rnn.formula.event_columns import Columns
from pytmva_rnn.formula.functions import CONSTANTS, FUNCTIONS
from pytmva_rnn.formula.names import NUMBERS, uses_scope
from pytmva_rnn.formula.reductions import element, local_index, over_instances, over_lists, selected
from pytmva_rnn.formula.tree import (
    Binary,
    Conditional,
    Defined,
    FunctionCall,
    Index,
    MapEntry,
    Member,
    Method,
    Name,
    Number,
    Term,
    Text,
    Unary,
    children,
    path_of,
    written,
)
from pytmva_rnn.formula.values import DifferentLengths, Offsets, Value, aligned

__all__ = ["Evaluation"]


class Evaluation(Operators, Elements):
    """Computes the nodes of one formula."""

    def __init__(self, columns: Columns) -> None:
        super().__init__(columns)
        self._scope: Offsets | None = None

    def scoped(self, *nodes: Term) -> list[Value]:
        """The values of what has its own loop over elements, which `Iteration$`, `Length$` and `Alt$` refer to."""
        if not any(map(uses_scope, nodes)):
            return [self.visit(node) for node in nodes]
        outer, self._scope = self._scope, None
        found = [offsets for node in nodes if (offsets := self._deepest(node)) is not None]
        self._scope = max(found, key=len, default=None)
        try:
            return [self.visit(node) for node in nodes]
        finally:
            self._scope = outer

    def visit(self, node: Term) -> Value:
        """The value of a node."""
        match node:
            case Number(value=number):
                return Value(np.asarray(number))
            case Name() | Member():
                path = str(path_of(node))
                return Value(np.asarray(NUMBERS[path])) if path in NUMBERS else self._columns.value(path)
            case Unary(operator=operator, operand=operand):
                return self._unary(operator, operand)
            case Binary(operator=operator, left=left, right=right):
                return self._binary(operator, left, right)
            case Conditional(condition=condition, yes=yes, no=no):
                return self._chosen(condition, yes, no)
            case Index():
                return self._index(node)
            case FunctionCall(function=function, arguments=arguments):
                return self._call(function, arguments)
            case Method():
                return self._method(node)
            case MapEntry():
                return self._entry(node)
            case Defined(body=body):
                if uses_scope(body):
                    return self.visit(body)
                if node not in self._memory.results:
                    self._memory.results[node] = self.visit(body)
                return self._memory.results[node]
        self._refuse(node, "is a text, which can be compared with == and != only")

    def _call(self, name: str, arguments: tuple[Term, ...]) -> Value:
        function = FUNCTIONS.get(name)
        if function is None:
            return Value(np.asarray(CONSTANTS[name.removeprefix("TMath::")]))
        if function.kind == "form":
            return self._form(name, arguments)
        if function.kind == "elements":
            return self._apply(lambda *x: function.array(*map(arithmetic.doubles, x)), *arguments)
        if not arguments:  # Length$
            return self._loop_length()
        (value,) = self.scoped(arguments[0])
        if function.kind == "instances":
            return over_instances(function.cpp, value, len(self._columns), self._flags("alone"))
        return over_lists(function.cpp, self._listed(name, arguments[0], value), self._flags("alone"))

    def _form(self, name: str, arguments: tuple[Term, ...]) -> Value:
        match name:
            case "min" | "max":
                if len(arguments) > 1:
                    array = FUNCTIONS[name].array
                    return self._apply(lambda *x: array(*map(arithmetic.doubles, x)), *arguments)
                value = self._listed(name, arguments[0], *self.scoped(arguments[0]))
                return over_lists("least" if name == "min" else "most", value, self._flags("alone"))
            case "where":
                return self._chosen(*arguments)
            case "first":
                return self._index(Index(arguments[0], (Number(0),)))
            case "select":
                self._listed(name, arguments[0], self.visit(arguments[0]))
                return self._selected(*arguments)
            case "MinIf$" | "MaxIf$":
                kind = FUNCTIONS[name].cpp
                n = len(self._columns)
                values = self.scoped(*arguments)
                values = [Value(np.broadcast_to(v.content, (n,)) if v.constant else v.content, v.offsets, v.problem)
                          for v in values]  # fmt: skip
                if not any(value.levels for value in values):
                    values = [Value(v.content, (np.arange(n + 1),), v.problem) for v in values]
                return over_instances(kind, selected(*self._same_levels(values)), n, self._flags("alone"))
            case "Alt$":
                return self._alternative(*arguments)
            case "Iteration$":
                return Value(np.zeros(len(self._columns), np.int64)) if self._scope is None else Value(
                    local_index(self._scope), self._scope
                )  # fmt: skip
            case "Entry$":
                return Value(self._columns.entries + self._columns.before)
        return Value(self._columns.entries)

    def _same_levels(self, values: list[Value]) -> list[Value]:
        contents, offsets, problems = aligned(values)
        return [Value(c, offsets, p) for c, p in zip(contents, problems, strict=True)]

    def _selected(self, *nodes: Term) -> Value:
        try:
            return selected(*(self.visit(node) for node in nodes))
        except DifferentLengths as error:
            self._differ(error, nodes)

    def _loop_length(self) -> Value:
        n = len(self._columns)
        if self._scope is None:
            return Value(np.ones(n, np.int64))
        return over_instances("num", Value(local_index(self._scope), self._scope), n, self._flags("alone"))

    def _alternative(self, first: Term, second: Term) -> Value:
        value, other = self.visit(first), self.visit(second)
        if value.levels and not (self._scope and _same(value.offsets, self._scope)):
            value = self._stretched(first, value)
        if value.problem is None:
            return value
        absent = Value(self._flags("absent")[value.problem], value.offsets)
        nodes = (first, first, second)
        plain = Value(value.content, value.offsets)
        cast = arithmetic.doubles
        result = self._combine(lambda a, x, y: np.where(a, cast(y), cast(x)), nodes, [absent, plain, other])
        (missing, _, _), _, problems = aligned([absent, value, other])
        own = np.asarray(problems[1])
        new = 0 if problems[2] is None else problems[2]
        problem = np.where(missing, new, own).astype(np.int32)
        return Value(result.content, result.offsets, problem if problem.any() else None)

    def _stretched(self, node: Term, value: Value) -> Value:
        """A list with as many elements as the formula's other lists, or its first; with problems where it has none."""
        if value.levels > 1 or (self._scope is not None and len(self._scope) > 1):
            self._refuse(node, "is a list in Alt$ that does not go with the formula's other lists")
        number = self._problem(node, True, True, lambda _: f"has too few elements of {written(node)}")
        if self._scope is None:
            return element(value, 0, Value(np.zeros(len(self._columns), np.int64)), number)[0]
        index = Value(local_index(self._scope), self._scope)
        return element(value, 0, index, number)[0]

    def _deepest(self, node: Term) -> Offsets | None:
        """Of the lists that a loop goes over, the one with the most levels."""
        if isinstance(node, Binary) and any(isinstance(side, Text) for side in (node.left, node.right)):
            return self.visit(node).offsets or None
        if isinstance(node, Number | Text) or (isinstance(node, FunctionCall) and _loops_itself(node)):
            return None
        if isinstance(node, Name | Member | Index | Method | MapEntry) or (
            isinstance(node, FunctionCall) and node.function == "select"
        ):
            return self.visit(node).offsets or None
        found = [offsets for child in children(node) if (offsets := self._deepest(child)) is not None]
        return reduce(lambda a, b: b if len(b) > len(a) else a, found) if found else None


def _same(first: Offsets, second: Offsets) -> bool:
    return len(first) == len(second) and all(map(np.array_equal, first, second))


def _loops_itself(node: FunctionCall) -> bool:
    function = FUNCTIONS.get(node.function)
    return function is None or node.function.endswith("$") or function.kind == "list"
