"""Formulas in the syntax of ROOT's TTree::Draw -> expressions over branches.

The package formulate parses them, with C++'s precedence and ROOT's names; names of branches need no parsing.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Expression
from pytmva_rnn.formula.syntax import parse

__all__ = ["translate"]

_PLAIN = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\[\d+\])*|[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%", "pow": "**", "pos": "+", "neg": "-"}
_COMPARISONS = {"lt": "<", "gt": ">", "lte": "<=", "gte": ">=", "eq": "==", "neq": "!="}
_OPERATORS = {**_ARITHMETIC, **_COMPARISONS, "and": "and", "or": "or", "inv": "not "}
# Elsewhere a function has the same name here as in formulate, or there is none here.
_FUNCTIONS = {"tmath_min": "minimum", "tmath_max": "maximum", "length": "num"}
# The only constants that ROOT knows by a bare name; formulate takes more, such as tau, which are names of branches.
_CONSTANTS = ("pi", "true", "false")
_SHIELD = ".__branch"


def translate(formula: str) -> str:
    """An expression of `pytmva_rnn.data.Expression` that means what the formula means in ROOT.

    Parameters
    ----------
    formula : str
        `sqrt(px*px+py*py)`, `abs(eta) < 2.5 && pt > 20`, `jet_pt[0]`, `TMath::Power(x, 2)`, `!flag`, `Sum$(x)`.

    Returns
    -------
    str
        The formula itself where Python would read it in the same way.

    Raises
    ------
    DataError
        For a formula that is not understood or uses what pytmva_rnn does not have.
    MissingExtraError
        If it is more than a branch, an element of one, or a number, and formulate is not installed.
    """
    text = formula.strip()
    if text in ("true", "false"):
        return text.capitalize()
    if _PLAIN.fullmatch(text):
        return text
    package = extras.formulate()
    try:
        renamed = re.sub(r"\bfabs\s*\(", "abs(", text)
        translated = _render(package.from_root(_shielded(renamed, package)), package)
        Expression.parse(translated)  # names an unknown function
    except (package.ParseError, SyntaxError, ValueError, DataError) as error:
        raise DataError(f"formula {formula!r}: not understood: {_first_line(error)}") from error
    try:
        same = ast.dump(parse(renamed)[0]) == ast.dump(parse(translated)[0])
    except DataError:
        same = False
    return text if same else translated


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:3]) or type(error).__name__


def _shielded(text: str, package: Any) -> str:
    """Bare names that formulate takes for constants, marked as those of branches."""
    constants = {*package.identifiers.CONSTANTS, *package.identifiers.CONSTANTS_ALIASES} - {*_CONSTANTS}
    names = "|".join(sorted(map(re.escape, constants), key=len, reverse=True))
    return re.sub(rf"(?<![\w.:])({names})(?![\w.(:]|\s*\()", rf"\1{_SHIELD}", text)


def _render(node: Any, package: Any) -> str:
    tree = package.AST
    match node:
        case tree.Literal(value=value):
            return repr(value)
        case tree.Symbol(name=name):
            return _name(name, package)
        case tree.UnaryOperator(operator=operator, operand=operand):
            return f"({_OPERATORS[operator]}{_render(operand, package)})"
        case tree.BinaryOperator(operator=operator, left=left, right=right):
            if operator not in _OPERATORS:
                raise ValueError("several formulas, separated by colons, where one is needed")
            return f"({_render(left, package)} {_OPERATORS[operator]} {_render(right, package)})"
        case tree.Call(function=function, arguments=arguments):
            given = ", ".join(_render(argument, package) for argument in arguments)
            return f"{_FUNCTIONS.get(function, function)}({given})"
        case tree.Matrix():
            return _element(node, package)
    raise ValueError(f"{node} is not supported")


def _name(name: str, package: Any) -> str:
    if name in package.identifiers.CONSTANTS:
        value = package.identifiers.NUMEXPR_CONSTANTS.get(name)
        if value is None:
            raise ValueError(f"the constant {name} is not supported")
        return name if name == "pi" else f"({value})"
    return name.removesuffix(_SHIELD)


def _element(node: Any, package: Any) -> str:
    indices = [getattr(index, "value", None) for index in node.indices]
    if not all(isinstance(index, int) for index in indices):
        raise ValueError("an element is taken by one number, e.g. x[0]")
    return _render(node.var, package) + "".join(f"[{index}]" for index in indices)
