"""Width formulas of dense layers: arithmetic in N, the number of variables."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable

from pytmva_rnn.errors import OptionError

_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FORMULA = (ast.BinOp, ast.UnaryOp, ast.Constant, ast.Name, ast.Load, *_OPERATORS)
# numbers, N, operators and parentheses; what they make is left to Python's grammar
_CHARACTERS = re.compile(r"[0-9.Nn+*/^() -]+")
_LONGEST = 200
"""Characters of a formula: so few cannot nest too deep for Python's parser, nor hold a number too long for it."""


def check_width(formula: str) -> None:
    """Refuse what is not a formula in N, whatever the value of N."""
    if len(formula) > _LONGEST:
        raise OptionError(
            f"{formula[:20]!r}... is not a width: it has {len(formula)} characters, and at most {_LONGEST} are read"
        )
    try:
        body = ast.parse(formula.replace("^", "**"), mode="eval").body if _CHARACTERS.fullmatch(formula) else None
    except SyntaxError:
        body = None
    nodes = [] if body is None else list(ast.walk(body))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    if not nodes or not names <= {"N", "n"} or not all(isinstance(node, _FORMULA) for node in nodes):
        raise OptionError(f"{formula!r} is not a width: a number or a formula in N such as (N+100)*2")


def width_of(formula: str, variables: int) -> int:
    """Value of a width formula in N, the number of variables: `(N+100)*2`, cut to an integer as C++ does.

    Raises
    ------
    OptionError
        If it is no such formula, or has no value or a negative one for this N.
    """

    def value(node: ast.AST) -> float:
        # floats: an integer power could take forever
        match node:
            case ast.BinOp(left, op, right):
                return _OPERATORS[type(op)](value(left), value(right))
            case ast.UnaryOp(op, operand):
                return _OPERATORS[type(op)](value(operand))
            case ast.Constant(value=number):
                return float(number)  # type: ignore[arg-type]
        return float(variables)

    check_width(formula)
    try:
        width = int(value(ast.parse(formula.replace("^", "**"), mode="eval").body))
    except (ArithmeticError, TypeError, ValueError):  # no value, complex, not a number
        raise OptionError(f"the width {formula!r} has no value for N = {variables}") from None
    if width < 0:
        raise OptionError(f"the width {formula!r} is {width} for N = {variables}; it must not be negative")
    return width
