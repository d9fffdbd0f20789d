"""Formulas -> C++ over the columns of an RDataFrame, with the functions of runtime.hxx."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.formula import Formula
from pytmva_rnn.formula.functions import CONSTANTS, FUNCTIONS
from pytmva_rnn.formula.names import NUMBERS, uses_scope
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

__all__ = ["NAMESPACE", "Writer", "columns_by_use", "quoted"]

NAMESPACE = "pytmva_rnn_runtime"

_ARITHMETIC = {
    "+": "double(x) + double(y)",
    "-": "double(x) - double(y)",
    "*": "double(x) * double(y)",
    "/": "divide(double(x), double(y))",
    "^": "std::pow(double(x), double(y))",
    "<": "(ordering(x, y) == -1)",
    "<=": "(ordering(x, y) == -1 || ordering(x, y) == 0)",
    ">": "(ordering(x, y) == 1)",
    ">=": "(ordering(x, y) == 1 || ordering(x, y) == 0)",
    "==": "(ordering(x, y) == 0)",
    "!=": "(ordering(x, y) != 0)",
    "&": "static_cast<unsigned long long>(whole(x) & whole(y))",
    "|": "static_cast<unsigned long long>(whole(x) | whole(y))",
    "%": "remainder(whole(x), whole(y))",
    "<<": "shift_left(whole(x), whole(y))",
    ">>": "shift_right(whole(x), whole(y))",
}
_UNARY = {"-": "-double(x)", "+": "double(x)", "!": "(x == 0)", "int": "integer(x)"}
_DEFAULTS = {"TMath::Gaus": ("0.", "1.", "0.")}


def quoted(text: str) -> str:
    """A string of C++."""
    return json.dumps(text, ensure_ascii=False)


def columns_by_use(node: Term) -> Iterator[tuple[str, bool]]:
    """The columns, and whether their numbers are taken, or else the column itself: its methods, texts or entries."""
    path = path_of(node)
    if path is not None:
        if path not in NUMBERS:
            yield path, True
        return
    text = isinstance(node, Binary) and (isinstance(node.left, Text) or isinstance(node.right, Text))
    for child in children(node):
        inner = path_of(child)
        if inner is not None and (text or isinstance(node, Method | MapEntry)):
            yield inner, False
        else:
            yield from columns_by_use(child)


class Writer:
    """Writes formulas; what they share is computed in `lines` before.

    Parameters
    ----------
    numbers, objects : mapping
        The C++ that stands for each column's numbers, and for the column itself.
    entry : str, optional
        The C++ of the number of the event.
    """

    def __init__(self, numbers: Mapping[str, str], objects: Mapping[str, str], entry: str | None = None) -> None:
        self.lines: list[str] = []
        self._numbers = numbers
        self._objects = objects
        self._entry = entry
        self._defined: dict[Term, str] = {}
        self._text = ""
        self._scope: str | None = None

    def write(self, formula: Formula) -> str:
        """A formula as C++: a number, a Maybe, or lists of these."""
        self._text = quoted(formula.text)
        return self._scoped(formula.tree)[0]

    def _scoped(self, *nodes: Term) -> list[str]:
        if not any(map(uses_scope, nodes)):
            return [self._visit(node) for node in nodes]
        outer, self._scope = self._scope, None
        lists = [text for node in nodes for text in self._lists(node)]
        self._scope = f"deepest({', '.join(lists)})" if lists else None
        try:
            return [self._visit(node) for node in nodes]
        finally:
            self._scope = outer

    def _lists(self, node: Term) -> Iterator[str]:
        """What a loop may go over."""
        if isinstance(node, FunctionCall):
            function = FUNCTIONS.get(node.function)
            if function is None or node.function.endswith("$") or function.kind == "list":
                return
        if isinstance(node, Binary) and (isinstance(node.left, Text) or isinstance(node.right, Text)):
            yield self._visit(node)
            return
        if isinstance(node, Name | Member | Index | Method) or (
            isinstance(node, FunctionCall) and node.function == "select"
        ):
            if path_of(node) not in NUMBERS:
                yield self._visit(node)
            return
        for child in children(node):
            yield from self._lists(child)

    def _visit(self, node: Term) -> str:
        match node:
            case Number(value=number):
                return _number(number)
            case Name() | Member():
                path = str(path_of(node))
                return _number(NUMBERS[path]) if path in NUMBERS else self._numbers[path]
            case Unary(operator=operator, operand=operand):
                return self._map(_UNARY[operator], self._visit(operand))
            case Binary():
                return self._binary(node)
            case Conditional(condition=condition, yes=yes, no=no):
                return self._zip("choose(x, y, z)", *map(self._visit, (condition, yes, no)))
            case Index():
                return self._index(node)
            case FunctionCall():
                return self._call(node)
            case Method():
                return self._method(node)
            case MapEntry():
                return f"entry({self._objects[str(path_of(node.base))]}, {_key(node.key)})"
            case Defined(body=body):
                if uses_scope(body):
                    return self._visit(body)
                if node not in self._defined:
                    value = self._visit(body)
                    self._defined[node] = f"d{len(self._defined)}"
                    self.lines.append(f"  const auto {self._defined[node]} = {value};")
                return self._defined[node]
        raise DataError(f"{written(node)} has no counterpart in C++")

    def _binary(self, node: Binary) -> str:
        if isinstance(node.left, Text) or isinstance(node.right, Text):
            column, text = (node.right, node.left) if isinstance(node.left, Text) else (node.left, node.right)
            path = path_of(column)
            if path is None or not isinstance(text, Text) or node.operator not in ("==", "!="):
                raise DataError(f'{written(node)} is no comparison of a column with a text, e.g. type == "GT"')
            return f"same_text({self._objects[path]}, {quoted(text.value)}, {str(node.operator == '==').lower()})"
        sides = self._visit(node.left), self._visit(node.right)
        if node.operator in ("&&", "||"):
            return self._zip("both(x, y)" if node.operator == "&&" else "either(x, y)", *sides)
        return self._map(_ARITHMETIC[node.operator], *sides)

    def _index(self, node: Index) -> str:
        value = self._visit(node.base)
        level = 0
        for index in node.indices:
            if index is None:
                level += 1
            else:
                value = f"element<{level}>({self._text}, {value}, {self._visit(index)})"
        # A[] of what has no such level is found out here.
        return f"levels<{level}>({value})" if level else value

    def _call(self, node: FunctionCall) -> str:
        name, arguments = node.function, node.arguments
        function = FUNCTIONS.get(name)
        if function is None:
            return _number(CONSTANTS[name.removeprefix("TMath::")])
        if name == "Length$" and not arguments:
            return f"total(Num{{}}, {self._scope})" if self._scope else "1."
        if function.kind == "elements":
            values = [self._visit(argument) for argument in arguments]
            values += _DEFAULTS.get(name, ())[len(values) - 1 :]
            return self._apply("map", "double", function.cpp, values)
        if function.kind in ("list", "instances"):
            reducer = "".join(part.capitalize() for part in function.cpp.split("_"))
            over = "total" if function.kind == "instances" else "over_lists"
            return f"{over}({reducer}{{}}, {self._scoped(arguments[0])[0]})"
        match name:
            case "min" | "max":
                if len(arguments) == 1:
                    return f"over_lists({'Least' if name == 'min' else 'Most'}{{}}, {self._scoped(arguments[0])[0]})"
                result, *others = map(self._visit, arguments)
                for other in others:
                    result = self._apply("map", "double", function.cpp, [result, other])
                return result
            case "where":
                return self._zip("choose(x, y, z)", *map(self._visit, arguments))
            case "first":
                return f"element<0>({self._text}, {self._visit(arguments[0])}, 0ll)"
            case "select":
                return f"selected({self._text}, {', '.join(map(self._visit, arguments))})"
            case "MinIf$" | "MaxIf$":
                pair = self._zip("Kept{maybe(x), maybe(y)}", *self._scoped(*arguments))
                return f"total({'Smallest' if name == 'MinIf$' else 'Largest'}{{}}, kept({pair}))"
            case "Alt$":
                first, second = map(self._visit, arguments)
                scope = f", {self._scope}" if self._scope else ""
                return self._zip("alternative(x, y)", f"stretched({first}{scope})", second)
            case "Iteration$":
                return f"iteration({self._scope})" if self._scope else "0ll"
            case "Entry$" if self._entry is not None:
                return f"(long long)({self._entry})"
        raise DataError(f"{written(node)} has no counterpart in an RDataFrame")

    def _method(self, node: Method) -> str:
        path = path_of(node.base)
        if node.name in ("size", "@size"):
            if path is None:
                return f"over_lists(Num{{}}, {self._visit(node.base)})"
            return f"size_of<{str(node.name == '@size').lower()}>({self._objects[path]})"
        if path is None or path not in self._objects:
            raise DataError(f"{written(node)} has no counterpart in C++")
        return f"each_object({self._objects[path]}, [](const auto &o) {{ return double(o.{node.name}()); }})"

    def _map(self, expression: str, *values: str) -> str:
        return self._apply("map", "auto", expression, list(values))

    def _zip(self, expression: str, *values: str) -> str:
        return self._apply("zip", "auto", expression, list(values))

    def _apply(self, how: str, kind: str, expression: str, values: list[str]) -> str:
        parameters = ", ".join(f"{kind} {letter}" for letter in "xyzw"[: len(values)])
        return f"{how}({self._text}, []({parameters}) {{ return {expression}; }}, {', '.join(values)})"


def _number(value: float) -> str:
    if isinstance(value, int):
        return f"{value}ll" if value > -(2**63) else "(-9223372036854775807ll - 1)"
    if math.isfinite(value):
        return repr(value)
    limits = "std::numeric_limits<double>"
    return f"{limits}::quiet_NaN()" if math.isnan(value) else f"{'-' if value < 0 else ''}{limits}::infinity()"


def _key(key: int | str) -> str:
    return quoted(key) if isinstance(key, str) else str(key)
