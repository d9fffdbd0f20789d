"""What an expression over branches may look like; nothing outside this list can run."""

from __future__ import annotations

import ast
import re

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.functions import FUNCTIONS
from pytmva_rnn.suggestions import near

__all__ = ["constant_index", "dotted", "parse"]

_IN_BRACES = " (a name in braces must be listed in for_each)"


def parse(text: str) -> tuple[ast.expr, tuple[str, ...]]:
    """The checked syntax tree and the names of the columns that it needs.

    Raises
    ------
    DataError
        If `text` cannot be parsed or uses anything that is not allowed.
    """
    try:
        tree = ast.parse(_from_root(text).strip(), mode="eval").body
        check = _Check(text)
        check.visit(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        hint = " (write `not x` for `!x`)" if re.search(r"!(?!=)", text) else _IN_BRACES if "{" in text else ""
        raise DataError(f"expression {text!r}: not understood{hint}") from error
    return tree, tuple(check.names)


def dotted(node: ast.AST) -> str | None:
    """`a.b.c` as text; None for anything but names joined by dots."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        start = dotted(node.value)
        return start and f"{start}.{node.attr}"
    return None


def constant_index(node: ast.expr) -> int | None:
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return sign * node.value
    return None


_ROOT_NAMES = {"TMath::Min": "minimum", "TMath::Max": "maximum", "TMath::Power": "pow", "TMath::ATan2": "arctan2"}


def _from_root(text: str) -> str:
    for root, python in (("&&", " and "), ("||", " or "), ("^", "**")):
        text = text.replace(root, python)
    text = re.sub(r"TMath::Pi\(\)", "pi", text)
    return re.sub(r"TMath::\w+", lambda m: _ROOT_NAMES.get(m[0], m[0][len("TMath::") :].lower()), text)


_OPERATORS = (
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitAnd, ast.BitOr),
    *(ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
)


class _Check(ast.NodeVisitor):
    """Refuses what is not on the list and collects the names of columns."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: dict[str, None] = {}

    def refuse(self, what: str) -> None:
        raise DataError(f"expression {self.text!r}: {what}")

    def generic_visit(self, node: ast.AST) -> None:
        hint = _IN_BRACES if isinstance(node, ast.Set) else ""
        self.refuse(f"{ast.unparse(node)!r} is not allowed here{hint}")

    def visit_Constant(self, node: ast.Constant) -> None:
        if type(node.value) not in (bool, int, float):
            self.refuse(f"{node.value!r} is not a number")

    def visit_Name(self, node: ast.Name) -> None:
        if node.id != "pi":
            self.names[node.id] = None

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name = dotted(node)
        if name is None:
            self.refuse(f"a member can be taken of a branch only, not of {ast.unparse(node.value)!r}")
        else:
            self.names[name] = None

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if not isinstance(node.op, _OPERATORS):
            self.generic_visit(node)
        self.visit(node.left)
        self.visit(node.right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        self.visit(node.operand)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for value in node.values:
            self.visit(value)

    def visit_Compare(self, node: ast.Compare) -> None:
        if not all(isinstance(op, _OPERATORS) for op in node.ops):
            self.generic_visit(node)
        for value in (node.left, *node.comparators):
            self.visit(value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)
        if constant_index(node.slice) is None:
            if isinstance(node.slice, ast.Slice | ast.Tuple):
                self.refuse("an element is taken by one number, e.g. x[0]")
            self.visit(node.slice)

    def visit_Call(self, node: ast.Call) -> None:
        name = dotted(node.func)
        if name is None or name not in FUNCTIONS:
            if isinstance(node.func, ast.Attribute):
                self.refuse(f"methods of objects ({ast.unparse(node.func)}) cannot be called; use the object's members")
            self.refuse(f"unknown function {ast.unparse(node.func)}; {near(str(name), FUNCTIONS)}")
        else:
            _, fewest, most = FUNCTIONS[name]
            if node.keywords or not fewest <= len(node.args) <= most:
                self.refuse(f"{name} takes {fewest}{'' if fewest == most else ' or more'} argument(s)")
        for argument in node.args:
            self.visit(argument)
