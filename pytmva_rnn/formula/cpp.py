"""Expressions over branches -> C++ over the columns of an RDataFrame, with the functions of runtime.hxx."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.syntax import constant_index, dotted, parse

__all__ = ["NAMESPACE", "quoted", "to_cpp"]

NAMESPACE = "pytmva_rnn_runtime"

_BINARY: Mapping[type[ast.operator], str] = {
    ast.Add: "double(x) + double(y)",
    ast.Sub: "double(x) - double(y)",
    ast.Mult: "double(x) * double(y)",
    ast.Div: "double(x) / double(y)",
    ast.FloorDiv: "floor_divide(x, y)",
    ast.Mod: "modulo(x, y)",
    ast.Pow: "std::pow(double(x), double(y))",
    ast.BitAnd: "bit_and(x, y)",
    ast.BitOr: "bit_or(x, y)",
}
_COMPARE: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_UNARY: Mapping[type[ast.unaryop], str] = {
    ast.USub: "-double(x)",
    ast.UAdd: "+double(x)",
    ast.Invert: "invert(x)",
    ast.Not: "!(x != 0)",
}
_ELEMENTWISE: Mapping[str, str] = {
    "abs": "std::abs(double(x))",
    "fabs": "std::abs(double(x))",
    "sign": "sign(x)",
    "isfinite": "std::isfinite(double(x))",
    "isnan": "std::isnan(double(x))",
    "pow": "std::pow(double(x), double(y))",
    "hypot": "std::hypot(double(x), double(y))",
    "arctan2": "std::atan2(double(x), double(y))",
    "atan2": "std::atan2(double(x), double(y))",
    "minimum": "minimum(x, y)",
    "maximum": "maximum(x, y)",
    "clip": "minimum(maximum(x, y), z)",
    "where": "select(x != 0, y, z)",
    "delta_phi": "delta_phi(x, y)",
}
_REDUCERS = {"num": "num", "count": "num", "sum": "sum", "mean": "mean", "any": "any", "all": "all"}
_EXTREMA = {"min": ("smallest", "minimum(x, y)"), "max": ("largest", "maximum(x, y)")}


def to_cpp(text: str, names: Mapping[str, str]) -> str:
    """An expression as C++ of type double, bool, or a List of these.

    Parameters
    ----------
    text : str
        As for `pytmva_rnn.data.Expression`.
    names : mapping
        The C++ that stands for each of the expression's names.

    Raises
    ------
    DataError
        If the expression is not understood.
    """
    tree, _ = parse(text)
    return _Translate(text, names).visit(tree)


def quoted(text: str) -> str:
    """A string of C++."""
    return json.dumps(text)


class _Translate:
    """The C++ of each node of a checked expression."""

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self.text = quoted(text)
        self.names = names

    def visit(self, node: ast.expr) -> str:
        name = dotted(node)
        if name is not None:
            return "3.14159265358979323846" if name == "pi" else self.names[name]
        if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
            return str(node.value).lower() if isinstance(node.value, bool) else self.number(float(node.value))
        if isinstance(node, ast.BinOp):
            return self.map(_BINARY[type(node.op)], node.left, node.right)
        if isinstance(node, ast.UnaryOp):
            return self.map(_UNARY[type(node.op)], node.operand)
        if isinstance(node, ast.BoolOp):
            operator = "&&" if isinstance(node.op, ast.And) else "||"
            return self.fold(f"(x != 0) {operator} (y != 0)", [self.visit(value) for value in node.values])
        if isinstance(node, ast.Compare):
            values = [node.left, *node.comparators]
            pairs = zip(node.ops, values[:-1], values[1:], strict=True)
            compared = [self.map(f"x {_COMPARE[type(op)]} y", left, right) for op, left, right in pairs]
            return self.fold("x && y", compared)
        if isinstance(node, ast.Subscript):
            index = constant_index(node.slice)
            if index is not None:
                return f"element({self.text}, {self.visit(node.value)}, {index})"
            return f"elements({self.text}, {self.visit(node.value)}, {self.visit(node.slice)})"
        if isinstance(node, ast.Call):
            return self.call(str(dotted(node.func)), node.args)
        raise DataError(f"expression {self.text}: {ast.unparse(node)!r} has no counterpart in C++")

    def number(self, value: float) -> str:
        return repr(value) if abs(value) < float("inf") else "std::numeric_limits<double>::infinity()"

    def call(self, name: str, arguments: list[ast.expr]) -> str:
        if name in _EXTREMA:
            reducer, function = _EXTREMA[name]
            values = [self.visit(argument) for argument in arguments]
            return f"{reducer}({values[0]})" if len(values) == 1 else self.fold(function, values)
        if name in _REDUCERS:
            return f"{_REDUCERS[name]}({self.visit(arguments[0])})"
        plain = name.replace("arc", "a")
        return self.map(_ELEMENTWISE.get(name, f"std::{plain}(double(x))"), *arguments)

    def map(self, function: str, *nodes: ast.expr) -> str:
        return self.apply(function, [self.visit(node) for node in nodes])

    def fold(self, function: str, values: list[str]) -> str:
        result = values[0]
        for value in values[1:]:
            result = self.apply(function, [result, value])
        return result

    def apply(self, function: str, values: list[str]) -> str:
        parameters = ", ".join(f"auto {letter}" for letter in "xyz"[: len(values)])
        return f"map({self.text}, []({parameters}) {{ return {function}; }}, {', '.join(values)})"
