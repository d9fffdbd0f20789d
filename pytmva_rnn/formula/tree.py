"""What a formula is once it is parsed: plain nodes, each with its place in the text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

__all__ = [
    "Binary",
    "Conditional",
    "Defined",
    "FunctionCall",
    "Index",
    "MapEntry",
    "Member",
    "Method",
    "Name",
    "Number",
    "Term",
    "Text",
    "Unary",
    "children",
    "path_of",
    "rebuilt",
    "walk",
    "written",
]


@dataclass(frozen=True)
class Term:
    """Part of a formula.

    Attributes
    ----------
    span : (int, int)
        Where it begins and ends in the text.
    depth : int
        Levels of nodes, itself included.
    """

    span: tuple[int, int] = field(compare=False, kw_only=True, default=(0, 0))
    depth: int = field(compare=False, kw_only=True, default=1)


@dataclass(frozen=True)
class Number(Term):
    """A constant; an integer keeps its digits."""

    value: int | float


@dataclass(frozen=True)
class Text(Term):
    """A text in double quotes."""

    value: str


@dataclass(frozen=True)
class Name(Term):
    """A branch, leaf, alias, definition or constant."""

    name: str


@dataclass(frozen=True)
class Member(Term):
    """`base.name`."""

    base: Term
    name: str


@dataclass(frozen=True)
class MapEntry(Term):
    """`base{key}`: the value that a map has for a key."""

    base: Term
    key: int | str


@dataclass(frozen=True)
class Index(Term):
    """`base[i][j]`; None stands for `[]`, all elements."""

    base: Term
    indices: tuple[Term | None, ...]


@dataclass(frozen=True)
class FunctionCall(Term):
    """`function(arguments)`; `Entry$` and its like are calls without arguments."""

    function: str
    arguments: tuple[Term, ...]


@dataclass(frozen=True)
class Method(Term):
    """`base.name()`."""

    base: Term
    name: str


@dataclass(frozen=True)
class Unary(Term):
    """`-x`, `!x`, and `int` for a cast to an integer type."""

    operator: str
    operand: Term


@dataclass(frozen=True)
class Binary(Term):
    """`left operator right`; `grouped`: it stands in parentheses."""

    operator: str
    left: Term
    right: Term
    grouped: bool = field(compare=False, default=False)


@dataclass(frozen=True)
class Conditional(Term):
    """`condition ? yes : no`."""

    condition: Term
    yes: Term
    no: Term


@dataclass(frozen=True)
class Defined(Term):
    """A formula that has a name and is used by others."""

    name: str
    body: Term


def children(node: Term) -> Iterator[Term]:
    """The nodes directly below."""
    for part in fields(node):
        value = getattr(node, part.name)
        if isinstance(value, Term):
            yield value
        elif isinstance(value, tuple):
            yield from (each for each in value if isinstance(each, Term))


def walk(node: Term) -> Iterator[Term]:
    """The node and all below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def rebuilt(node: Term, change: Callable[[Term], Term]) -> Term:
    """The node with `change` applied to each node directly below."""
    new: dict[str, Any] = {}
    for part in fields(node):
        value = getattr(node, part.name)
        if isinstance(value, Term):
            new[part.name] = change(value)
        elif isinstance(value, tuple) and any(isinstance(each, Term) for each in value):
            new[part.name] = tuple(change(each) if isinstance(each, Term) else each for each in value)
    if not new:
        return node
    made = replace(node, **new)
    return replace(made, depth=1 + max(child.depth for child in children(made)))


def path_of(node: Term) -> str | None:
    """`a.b.c` of names joined by dots; None for anything else."""
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Member):
        start = path_of(node.base)
        return None if start is None else f"{start}.{node.name}"
    return None


def written(node: Term) -> str:
    """The node as text, for messages."""

    def inner(part: Term) -> str:
        return f"({written(part)})" if isinstance(part, Binary | Conditional) else written(part)

    match node:
        case Number(value=value):
            return str(value)
        case Text(value=value):
            return f'"{value}"'
        case Name(name=name) | Defined(name=name):
            return name
        case Member(base=base, name=name):
            return f"{inner(base)}.{name}"
        case MapEntry(base=base, key=key):
            return f"{inner(base)}{{{key}}}"
        case Index(base=base, indices=indices):
            return inner(base) + "".join(f"[{'' if index is None else written(index)}]" for index in indices)
        case FunctionCall(function=function, arguments=arguments):
            if function.endswith("$") and not arguments:
                return function
            return f"{function}({', '.join(map(written, arguments))})"
        case Method(base=base, name=name):
            return f"@{inner(base)}.size()" if name == "@size" else f"{inner(base)}.{name}()"
        case Unary(operator=operator, operand=operand):
            return f"int({written(operand)})" if operator == "int" else f"{operator}{inner(operand)}"
        case Binary(operator=operator, left=left, right=right):
            return f"{inner(left)} {operator} {inner(right)}"
        case Conditional(condition=condition, yes=yes, no=no):
            return f"{inner(condition)} ? {inner(yes)} : {inner(no)}"
    raise TypeError(type(node).__name__)
