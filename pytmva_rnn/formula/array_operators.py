"""Operators, conditions and comparisons with texts, on arrays."""

from __future__ import annotations

import numpy as np

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import arithmetic
from pytmva_rnn.formula.array_values import ArrayComputation
from pytmva_rnn.formula.parsing import COMPARISONS
from pytmva_rnn.formula.tree import Binary, Term, Text, path_of, written
from pytmva_rnn.formula.values import Value, aligned, from_awkward

__all__ = ["Operators"]


class Operators(ArrayComputation):
    """Computes what operators make of their sides."""

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
        content, without = np.broadcast_arrays(result.content, undefined.content)
        if not content.ndim:
            raise DataError(f"{written(whole_node)} has no value")
        problem = np.where(without, number, 0).astype(np.int32)
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
        if path not in self._columns.arrays:  # a constant, not a branch
            self._refuse(column, "is no branch of texts")
        array = self._columns.arrays[path]
        if array.layout.purelist_parameter("__array__") not in ("string", "bytestring"):
            self._refuse(column, "gives numbers, not text")
        same = from_awkward(array == text.value)
        return Value(same.content if operator == "==" else ~same.content, same.offsets)
