"""Where functions' sources stand, and what their names mean."""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

from pytmva_rnn.compile.quick.registers import Refused

__all__ = ["definition", "meant", "named", "plain", "python_function"]


def python_function(callee: Any) -> Callable[..., Any] | None:
    """The function that is behind what compiled code may call, or None."""
    function = getattr(callee, "py_func", callee)
    return function if isinstance(function, FunctionType) else None


def definition(function: Callable[..., Any]) -> ast.FunctionDef:
    """A function in its file's syntax tree.

    Raises
    ------
    Refused
        If it is not there: typed in, say.
    """
    code = function.__code__
    found = _definitions(code.co_filename).get((code.co_name, code.co_firstlineno))
    if found is None:
        raise Refused(f"no source of {code.co_name} in {code.co_filename}")
    return found


@cache
def _definitions(file: str) -> dict[tuple[str, int], ast.FunctionDef]:
    """By name and first line, which may be that of a decorator."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)), file)
    except SyntaxError:
        return {}
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    lines = {node: [node.lineno, *(each.lineno for each in node.decorator_list)] for node in found}
    return {(node.name, min(lines[node])): node for node in lines}


def named(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of a function's parameters."""
    code = function.__code__
    if code.co_kwonlyargcount or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        raise Refused(f"{code.co_name} takes arguments of other kinds")
    return code.co_varnames[: code.co_argcount]


def plain(function: Callable[..., Any], arguments: list[Any], keywords: dict[str, Any]) -> list[Any]:
    """The arguments of a call in their order, defaults included."""
    bound = inspect.signature(function).bind(*arguments, **keywords)
    bound.apply_defaults()
    return list(bound.arguments.values())


def meant(function: Callable[..., Any], name: str) -> Any:
    """What a name that a function does not assign means in it.

    Raises
    ------
    Refused
        If it means nothing.
    """
    code = function.__code__
    if name in code.co_freevars:
        return (function.__closure__ or ())[code.co_freevars.index(name)].cell_contents
    for names in (function.__globals__, vars(builtins)):
        if name in names:
            return names[name]
    raise Refused(f"{code.co_name}: {name} means nothing")
