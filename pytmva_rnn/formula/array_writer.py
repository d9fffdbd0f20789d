"""Formulas on arrays: all events of some columns at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, NoReturn

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import arithmetic
from pytmva_rnn.formula.event_columns import Columns, Lack, map_fields
from pytmva_rnn.formula.functions import CONSTANTS, FUNCTIONS
from pytmva_rnn.formula.names import NUMBERS, uses_scope
from pytmva_rnn.formula.parsing import COMPARISONS
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
from pytmva_rnn.formula.values import DifferentLengths, Offsets, Value, aligned, combined, from_awkward, taken
from pytmva_rnn.formula.vectors import method

__all__ = ["Evaluation", "problem_words"]


def problem_words(columns: Columns, value: Value) -> tuple[Lack, str] | None:
    """The first problem of a value, and words that say what the matter is in which event."""
    if value.problem is None or not value.problem.any():
        return None
    place = int(np.argmax(value.problem != 0))
    problem = columns._memory.problems[int(value.problem[place]) - 1]
    event = place
    for offsets in reversed(value.offsets):
        event = int(np.searchsorted(offsets, event, side="right")) - 1
    return problem, f"{columns.event(event)} {problem.words(event)}"


class Evaluation:
    """Computes the nodes of one formula."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._memory = columns._memory
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

    def _refuse(self, node: Term, message: str) -> NoReturn:
        raise DataError(f"{written(node)} {message}, in {self._columns.place}")

    def _apply(self, function: Callable[..., Any], *nodes: Term) -> Value:
        return self._combine(function, nodes, [self.visit(node) for node in nodes])

    def _combine(self, function: Callable[..., Any], nodes: tuple[Term, ...], values: list[Value]) -> Value:
        try:
            return combined(function, *values)
        except DifferentLengths as error:
            self._differ(error, nodes)

    def _differ(self, error: DifferentLengths, nodes: tuple[Term, ...]) -> NoReturn:
        pairs = sorted(zip(error.which, error.lengths, strict=True))
        listed = ", ".join(f"{written(nodes[which])} {length}" for which, length in pairs)
        raise DataError(f"different numbers of elements in {self._columns.event(error.event)}: {listed}")

    def _problem(self, node: Term, absent: bool, alone: bool, words: Callable[[int], str]) -> int:
        self._memory.problems.append(Lack(node, absent, alone, words))
        return len(self._memory.problems)

    def _flags(self, which: str) -> NDArray[np.bool_]:
        return np.array([False, *(getattr(problem, which) for problem in self._memory.problems)])

    def _unary(self, operator: str, operand: Term) -> Value:
        if operator == "!":
            return self._apply(lambda x: x == 0, operand)
        if operator == "int":
            return self._apply(lambda x: np.trunc(x) if x.dtype.kind == "f" else x, operand)
        sign = -1.0 if operator == "-" else 1.0
        return self._apply(lambda x: sign * arithmetic.doubles(x), operand)

    def _binary(self, operator: str, left: Term, right: Term) -> Value:
        nodes = (left, right)
        if operator in COMPARISONS:
            if isinstance(left, Text) or isinstance(right, Text):
                return self._text_compared(operator, left, right)
            return self._apply(lambda x, y: arithmetic.compared(operator, x, y), *nodes)
        if operator in ("&&", "||"):
            return self._logical(operator, nodes)
        if operator in arithmetic.ARITHMETIC:
            function = arithmetic.ARITHMETIC[operator]
            return self._apply(lambda x, y: function(arithmetic.doubles(x), arithmetic.doubles(y)), *nodes)
        values = [self.visit(node) for node in nodes]
        whole = [Value(arithmetic.whole(v.content), v.offsets, v.problem) for v in values]
        result = self._combine(arithmetic.BITS[operator], nodes, whole)
        if operator in ("&", "|"):
            return result
        undefined = self._combine(arithmetic.no_remainder if operator == "%" else arithmetic.no_shift, nodes, whole)
        if not undefined.content.any():
            return result
        whole_node = Binary(operator, left, right)
        what = f"has no value of {written(whole_node)}: the right side is 0" if operator == "%" else (
            f"has no value of {written(whole_node)}: a shift is by 0 to 63 bits"
        )  # fmt: skip
        number = self._problem(whole_node, False, False, lambda _: what)
        content = np.broadcast_to(result.content, undefined.content.shape)
        if not undefined.content.ndim:
            raise DataError(f"{written(whole_node)} has no value")
        problem = np.where(undefined.content, number, 0).astype(np.int32)
        old = result.problem
        return Value(content, result.offsets, problem if old is None else np.where(old, old, problem))

    def _logical(self, operator: str, nodes: tuple[Term, Term]) -> Value:
        values = [self.visit(node) for node in nodes]
        function = np.logical_and if operator == "&&" else np.logical_or
        result = self._combine(lambda x, y: function(x != 0, y != 0), nodes, values)
        if result.problem is None:
            return result
        (left, _), _, problems = aligned(values)
        needed = (left != 0) if operator == "&&" else (left == 0)
        own = problems[0] if problems[0] is not None else np.zeros(1, np.int32)
        other = problems[1] if problems[1] is not None else np.zeros(1, np.int32)
        problem = np.where(own, own, np.where(needed, other, 0)).astype(np.int32)
        return Value(result.content, result.offsets, np.broadcast_to(problem, result.content.shape))

    def _chosen(self, *nodes: Term) -> Value:
        values = [self.visit(node) for node in nodes]
        whole = all(value.content.dtype.kind in "iu" for value in values[1:])
        cast = (lambda x: x) if whole else arithmetic.doubles
        result = self._combine(lambda c, x, y: np.where(c != 0, cast(x), cast(y)), nodes, values)
        if result.problem is None:
            return result
        (condition, *_), _, problems = aligned(values)
        own, yes, no = (np.zeros(1, np.int32) if p is None else p for p in problems)
        problem = np.where(own, own, np.where(condition != 0, yes, no)).astype(np.int32)
        return Value(result.content, result.offsets, np.broadcast_to(problem, result.content.shape))

    def _text_compared(self, operator: str, left: Term, right: Term) -> Value:
        column, text = (right, left) if isinstance(left, Text) else (left, right)
        path = path_of(column)
        if operator not in ("==", "!=") or not isinstance(text, Text) or path is None:
            self._refuse(Binary(operator, left, right), 'is no comparison of a branch with a text, e.g. type == "GT"')
        array = self._columns.arrays[path]
        if array.layout.purelist_parameter("__array__") not in ("string", "bytestring"):
            self._refuse(column, "gives numbers, not text")
        same = from_awkward(array == text.value)
        return Value(same.content if operator == "==" else ~same.content, same.offsets)

    def _index(self, node: Index) -> Value:
        value = self.visit(node.base)
        if value.levels < len(node.indices):
            what = ("one value per event", "one list per event")[value.levels] if value.levels < 2 else "fewer levels"
            given = node.indices[value.levels]
            self._refuse(node.base, f"has {what}, so it has no element [{'' if given is None else written(given)}]")
        level = 0
        for index in node.indices:
            if index is None:
                level += 1
                continue
            number = self.visit(index)
            if number.levels and (level or number.levels > 1 or len(node.indices) > 1):
                self._refuse(node, "takes lists of elements, which is supported for the first of one index only")
            value, level = self._element(node, value, level, index, number)
        return value

    def _element(self, node: Index, value: Value, level: int, index: Term, number: Value) -> tuple[Value, int]:
        state: dict[str, Any] = {}

        def words(event: int) -> str:
            if number.levels or level:
                what = f"has no element [{written(index)}] of {written(node.base)}"
            else:
                at = int(np.broadcast_to(number.content, state["lengths"].shape)[event])
                count = state["lengths"][event]
                what = (
                    f"has {count} element{'' if count == 1 else 's'} of {written(node.base)}, so [{at}] does not exist"
                )
            return f"{what}; write Alt$({written(node)}, 0), or another value, for such events"

        problem = self._problem(node, True, number.levels == 0, words)
        try:
            found, state["lengths"], _ = element(value, level, number, problem)
        except ValueError:
            self._refuse(node, "takes an element for each event")
        return found, level + (1 if number.levels else 0)

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

    def _listed(self, name: str, node: Term, value: Value) -> Value:
        if not value.levels:
            self._refuse(
                node, f"has one value per event: there is one value per event, so there are no elements for {name} to "
                "go over"
            )  # fmt: skip
        return value

    def _form(self, name: str, arguments: tuple[Term, ...]) -> Value:
        match name:
            case "min" | "max":
                if len(arguments) > 1:
                    array = FUNCTIONS[name].array
                    return self._apply(lambda *x: array(*map(arithmetic.doubles, x)), *arguments)
                value = self._listed(name, arguments[0], *self.scoped(arguments[0]))
                return over_lists("smallest" if name == "min" else "largest", value, self._flags("alone"))
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

    def _method(self, node: Method) -> Value:
        path = path_of(node.base)
        if node.name in ("size", "@size"):
            return self._size(node, path)
        if path is None:
            self._refuse(node.base, f"is no branch of objects, so there is no method {node.name}()")
        try:
            return method(self._columns.arrays[path], node.name)
        except ValueError as error:
            raise DataError(f"{written(node)}: {path} holds {error}, in {self._columns.place}") from error

    def _size(self, node: Method, path: str | None) -> Value:
        if path is not None:
            array = self._columns.arrays[path]
            text = array.layout.purelist_parameter("__array__") in ("string", "bytestring")
            if array.ndim - text < 2:
                self._refuse(node.base, "has one value per event, so it has no size")
            if array.ndim - text > 2 and node.name == "size":
                self._refuse(node, f"could be one size or many; write @{path}.size() or Length$({path})")
            return Value(np.asarray(ak.num(array, axis=1)))
        value = self._listed("size", node.base, self.visit(node.base))
        return over_lists("num", value, np.zeros(len(self._memory.problems) + 1, bool))

    def _entry(self, node: MapEntry) -> Value:
        array = self._columns.arrays[str(path_of(node.base))]
        pair = map_fields(array)
        if pair is None:
            self._refuse(node.base, "is no map, so it has no entry of a key")
        same = from_awkward(array[pair[0]] == node.key)
        number = self._problem(node, True, True, lambda _: f"has no key {node.key} in {written(node.base)}; write "
                               f"Alt$({written(node)}, 0), or another value, for such events")  # fmt: skip
        counted = np.concatenate([[0], np.cumsum(same.content)])
        starts = counted[same.offsets[0]]
        found = np.diff(starts) > 0
        where = np.append(np.flatnonzero(same.content), 0)[np.minimum(starts[:-1], counted[-1])]
        values = from_awkward(array[pair[1]])
        flat = Value(values.content, values.offsets[1:], values.problem)
        return taken(flat, where, np.where(found, 0, number).astype(np.int32))


def _same(first: Offsets, second: Offsets) -> bool:
    return len(first) == len(second) and all(map(np.array_equal, first, second))


def _loops_itself(node: FunctionCall) -> bool:
    function = FUNCTIONS.get(node.function)
    return function is None or node.function.endswith("$") or function.kind == "list"
