"""Arithmetic over branches, written in Python's syntax (or ROOT's, where they differ little).

An expression is parsed once, checked against a short list of what is allowed, and then computed for many events at a
time by NumPy and awkward. Nothing outside that list can run.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.functions import FUNCTIONS
from pytmva_rnn.formula.syntax import constant_index, dotted, parse

__all__ = ["Columns", "Expression"]


@dataclass(frozen=True)
class Columns:
    """What an expression is computed from: some events of one tree.

    Attributes
    ----------
    arrays : mapping of name -> awkward array of n events
        Under the names used in expressions (`jet1TrksP4.fP.fX`).
    entries : (n,) int64
        The events' entry numbers in the tree.
    place : str
        `file.root:tree`, for messages.
    """

    arrays: Mapping[str, Any]
    entries: NDArray[np.int64]
    place: str = "the data"

    def __len__(self) -> int:
        return len(self.entries)

    def event(self, index: int) -> str:
        """Words that name the event at `index` in a message."""
        return f"event {self.entries[index]} of {self.place}"

    def select(self, mask: NDArray[np.bool_]) -> Columns:
        """Only the events where `mask` is true."""
        if mask.all():
            return self
        return Columns({name: array[mask] for name, array in self.arrays.items()}, self.entries[mask], self.place)


@dataclass(frozen=True)
class Expression:
    """A checked expression over branches; make it with `Expression.parse`.

    Attributes
    ----------
    text : str
        As written.
    names : tuple of str
        The branches, or members of branches, that it needs.
    """

    text: str
    names: tuple[str, ...]
    _tree: ast.expr = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Parse and check an expression.

        Parameters
        ----------
        text : str
            Names of branches and of members of objects (`p4.fP.fX`), numbers, `+ - * / // % **`, comparisons (also
            chained), `and or not & | ~`, an element of each event (`pt[0]`), a selection of elements
            (`pt[abs(eta) < 2]`), the constant `pi`, and the functions of
            `pytmva_rnn.formula.functions`. ROOT's `&&`, `||`, `^` (power) and
            `TMath::Name` are understood too.

        Raises
        ------
        DataError
            If it cannot be parsed or uses anything else.
        """
        tree, names = parse(text)
        return cls(text, names, tree)

    def evaluate(self, columns: Columns) -> Any:
        """Compute the expression for every event.

        Parameters
        ----------
        columns : Columns
            n events; must hold all of `names`.

        Returns
        -------
        awkward array of n events
            One number, or a list of numbers, per event. Computed in double precision, as ROOT's TTreeFormula does;
            a bare branch keeps its type.

        Raises
        ------
        DataError
            If it cannot be computed, naming the expression, the columns and the first event concerned.
        """
        try:
            with np.errstate(all="ignore"):
                result = _Evaluate(self.text, columns, promote=dotted(self._tree) is None).visit(self._tree)
        except DataError:
            raise
        except Exception as error:  # whatever NumPy or awkward object to is the expression's or the data's fault
            raise DataError(self._explain(error, columns)) from error
        if not isinstance(result, ak.Array):
            result = ak.Array(np.broadcast_to(np.asarray(result), (len(columns),)))
        members = ak.fields(result)
        if members:
            raise DataError(
                f"expression {self.text!r}: gives objects, not numbers, in {columns.place}; name one of the members, "
                f"e.g. {self.text}.{members[0]} (members: {', '.join(members)})"
            )
        if result.layout.purelist_parameter("__array__") in ("string", "bytestring", "char", "byte"):
            raise DataError(f"expression {self.text!r}: gives text, not numbers, in {columns.place}")
        return result

    def per_event(self, columns: Columns) -> NDArray[Any]:
        """Like `evaluate`, for an expression that must give one number per event: an array of shape (n,)."""
        result = self.evaluate(columns)
        if result.ndim != 1:
            raise DataError(
                f"expression {self.text!r}: gives several values per event in {columns.place}, but one is needed; take "
                "an element, e.g. x[0], or use sum, max, any, all or num"
            )
        return np.asarray(ak.to_numpy(result))

    def _explain(self, error: Exception, columns: Columns) -> str:
        jagged = {name: columns.arrays[name] for name in self.names if columns.arrays[name].ndim > 1}
        lengths = {name: np.asarray(ak.num(array, axis=1)) for name, array in jagged.items()}
        if lengths:
            differ = np.any([n != next(iter(lengths.values())) for n in lengths.values()], axis=0)
            if differ.any():
                first = int(np.argmax(differ))
                listed = ", ".join(f"{name} {n[first]}" for name, n in lengths.items())
                return f"expression {self.text!r}: different numbers of elements in {columns.event(first)}: {listed}"
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        return f"expression {self.text!r}: cannot be computed from {', '.join(self.names)} in {columns.place}: {reason}"


_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: np.float_power,  # so that 10**-3 is no integer power
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: np.invert,
    ast.Not: np.logical_not,
}
_LOGICAL: Mapping[type[ast.boolop], Callable[[Any, Any], Any]] = {ast.And: np.logical_and, ast.Or: np.logical_or}


class _Evaluate(ast.NodeVisitor):
    """Computes a checked expression."""

    def __init__(self, text: str, columns: Columns, *, promote: bool) -> None:
        self.text = text
        self.columns = columns
        self.promote = promote

    def visit_Constant(self, node: ast.Constant) -> Any:
        # NumPy's numbers: Python's own integers would grow without bound in 9**9**9**9.
        return np.asarray(node.value)[()]

    def visit_Name(self, node: ast.Name) -> Any:
        return math.pi if node.id == "pi" else self.column(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        return self.column(str(dotted(node)))

    def column(self, name: str) -> Any:
        array = self.columns.arrays[name]
        if not self.promote or ak.fields(array):
            return array
        # Small and unsigned integers would wrap around, and float32 loses digits that TTreeFormula keeps.
        kind = {"?": None, "i1": np.int64, "i2": np.int64, "i4": np.int64, "i8": None, "f8": None}
        code = _element_code(array)
        wanted = kind.get(code, np.int64 if code in ("u1", "u2", "u4") else np.float64)
        return array if wanted is None else ak.values_astype(array, wanted)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        return _BINARY[type(node.op)](self.visit(node.left), self.visit(node.right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        return _UNARY[type(node.op)](self.visit(node.operand))

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        return reduce(_LOGICAL[type(node.op)], (self.visit(value) for value in node.values))

    def visit_Compare(self, node: ast.Compare) -> Any:
        values = [self.visit(value) for value in (node.left, *node.comparators)]
        pairs = zip(node.ops, values[:-1], values[1:], strict=True)
        return reduce(np.logical_and, [_COMPARE[type(op)](left, right) for op, left, right in pairs])

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        value = self.visit(node.value)
        index = constant_index(node.slice)
        if index is None:
            return value[self.visit(node.slice)]
        if not isinstance(value, ak.Array) or value.ndim < 2:
            raise DataError(
                f"expression {self.text!r}: {ast.unparse(node.value)} has one value per event in {self.columns.place}, "
                f"so it has no element [{index}]"
            )
        lengths = np.asarray(ak.num(value, axis=1))
        short = lengths < (index + 1 if index >= 0 else -index)
        if short.any():
            first = int(np.argmax(short))
            raise DataError(
                f"expression {self.text!r}: {self.columns.event(first)} has {lengths[first]} element(s) of "
                f"{ast.unparse(node.value)}, so [{index}] does not exist; add a selection, e.g. "
                f"num({ast.unparse(node.value)}) > {max(index, -index - 1)}"
            )
        return value[:, index]

    def visit_Call(self, node: ast.Call) -> Any:
        function, _, _ = FUNCTIONS[str(dotted(node.func))]
        return function(*(self.visit(argument) for argument in node.args))


def _element_code(array: Any) -> str:
    """NumPy's kind and size of the numbers, e.g. `f4`; `?` for booleans and what is no number."""
    form = array.layout.form
    while hasattr(form, "content"):
        form = form.content
    primitive = getattr(form, "primitive", "bool")
    return "?" if primitive == "bool" else np.dtype(primitive).str[1:]
