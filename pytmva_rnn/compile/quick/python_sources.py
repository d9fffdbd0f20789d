"""Where functions' sources stand, and what their names mean."""

from __future__ import annotations
import __future__

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
    linecache.lazycache(code.co_filename, function.__globals__)  # for what lies in an archive
    found = _definition(code)
    if found is None:
        raise Refused(f"no source of {code.co_name} in {code.co_filename}")
    return found


@cache
def _definition(code: CodeType) -> ast.FunctionDef | None:
    """The definition that Python makes a code of; most of the time in its lines alone, which takes a tenth."""
    lines = linecache.getlines(code.co_filename)
    return _defined(code, _own_lines(code, lines)) or _defined(code, "".join(lines))


def _own_lines(code: CodeType, lines: list[str]) -> str:
    """From a function's first line to the next one that begins something else, if it is of no class or function."""
    first = code.co_firstlineno - 1
    begun = False
    for number in range(first, len(lines)):
        begins = lines[number][:1].isalpha() or lines[number].startswith(("@", "_"))
        if begun and begins:
            return "\n" * first + "".join(lines[first:number])
        begun = begun or lines[number].startswith("def ")
    return "\n" * first + "".join(lines[first:])


def _defined(code: CodeType, source: str) -> ast.FunctionDef | None:
    """The definition of a code in a text, or None: the file may have been changed since it was imported."""
    try:
        flags = code.co_flags & __future__.annotations.compiler_flag
        whole = compile(source, code.co_filename, "exec", flags, dont_inherit=True)
        if code not in _codes(whole):
            return None
        tree = ast.parse(source, code.co_filename)
    except SyntaxError:
        return None
    place = code.co_name, code.co_firstlineno
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    # the line may be that of a decorator
    first = {node: min([node.lineno, *(each.lineno for each in node.decorator_list)]) for node in functions}
    return next((node for node, line in first.items() if (node.name, line) == place), None)


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
    if not keywords and len(arguments) == len(named(function)):
        return arguments
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
