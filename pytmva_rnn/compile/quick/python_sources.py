"""Where functions' sources stand, and what their names mean."""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType, FunctionType
from typing import Any

from pytmva_rnn.compile.quick.declared_functions import Intrinsic
from pytmva_rnn.compile.quick.registers import Refused

__all__ = ["definition", "meant", "named", "plain", "python_function"]


def python_function(callee: Any) -> Callable[..., Any] | None:
    """The function that is behind what compiled code may call, or None."""
    if isinstance(callee, Intrinsic):
        return None
    function = getattr(callee, "py_func", callee)
    return function if isinstance(function, FunctionType) else None


def definition(function: Callable[..., Any]) -> ast.FunctionDef:
    """A function in its file's syntax tree.

    Raises
    ------
    Refused
        If it is not there: typed in, say, or another by now.
    """
    code = function.__code__
    found, compiled = _definitions(code.co_filename).get((code.co_name, code.co_firstlineno), (None, None))
    # the file may have been changed since it was imported
    if found is None or compiled != code:
        raise Refused(f"no source of {code.co_name} in {code.co_filename}")
    return found


@cache
def _definitions(file: str) -> dict[tuple[str, int], tuple[ast.FunctionDef, CodeType | None]]:
    """By name and first line, which may be that of a decorator; with what Python makes of them."""
    source = "".join(linecache.getlines(file))
    try:
        tree, whole = ast.parse(source, file), compile(source, file, "exec", dont_inherit=True)
    except SyntaxError:
        return {}
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    lines = {node: [node.lineno, *(each.lineno for each in node.decorator_list)] for node in found}
    codes = {(code.co_name, code.co_firstlineno): code for code in _codes(whole)}
    places = {(node.name, min(lines[node])): node for node in lines}
    return {place: (node, codes.get(place)) for place, node in places.items()}


def _codes(code: CodeType) -> Iterator[CodeType]:
    """All within one, and itself."""
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)


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
