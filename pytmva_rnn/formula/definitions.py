"""Formulas that have a name and are used by others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.parsing import MAX_DEPTH
from pytmva_rnn.formula.tree import Defined, Index, MapEntry, Member, Method, Name, Term, path_of, rebuilt, written

__all__ = ["substituted"]


_MOST_CHARACTERS = 100_000
"""Of all that the definitions in one formula stand for: ten that each use the next twice stand for a thousand."""

_MOST_LEVELS = 60
"""Of definitions that use others: Python's own stack has room for some more."""


def substituted(node: Term, define: Mapping[str, str], parsed: Callable[[str], Term]) -> Term:
    """A formula with the names of definitions replaced by what they stand for.

    Parameters
    ----------
    node : Term
    define : mapping of str -> str
    parsed : callable
        Text -> node.

    Raises
    ------
    DataError
        For a definition that needs itself, one that is too deep or too long with those that it uses, and a member or
        method of one that is no branch.
    """
    return _Substitution(define, parsed).of(node, ())


class _Substitution:
    def __init__(self, define: Mapping[str, str], parsed: Callable[[str], Term]) -> None:
        self._define, self._parsed = define, parsed
        self._characters = 0

    def of(self, node: Term, above: tuple[str, ...]) -> Term:
        """`above` are the definitions that the node is part of."""
        if isinstance(node, Name) and node.name in self._define:
            return self._definition(node, above)
        new = rebuilt(node, lambda child: self.of(child, above))
        if new.depth > MAX_DEPTH:
            raise DataError(f"{written(node)[:60]} is nested more than {MAX_DEPTH} levels deep with its definitions")
        if isinstance(new, Member | MapEntry | Method) and path_of(new.base) is None:
            return _of_defined(new)
        return new

    def _definition(self, node: Name, above: tuple[str, ...]) -> Term:
        if node.name in above:
            raise DataError(f"the definition {node.name!r} needs itself: {' -> '.join((*above, node.name))}")
        text = self._define[node.name]
        self._characters += len(text)
        first = (*above, node.name)[0]
        if self._characters > _MOST_CHARACTERS:
            told = f"for more than {_MOST_CHARACTERS:,} characters"
            raise DataError(f"the definition {first!r} stands, with those that it uses, {told}")
        if len(above) > _MOST_LEVELS:
            raise DataError(f"the definition {first!r} is more than {_MOST_LEVELS} levels deep in others")
        body = self.of(self._parsed(text), (*above, node.name))
        return body if path_of(body) is not None else Defined(node.name, body, span=node.span, depth=body.depth + 1)


def _of_defined(node: Member | MapEntry | Method) -> Term:
    """A member or method of a definition: `p4.Pt()` where p4 stands for `jets.p4[0]` is `jets.p4.Pt()[0]`."""
    base = node.base.body if isinstance(node.base, Defined) else node.base
    if isinstance(node, Method) and node.name in ("size", "@size"):
        return node
    if isinstance(base, Index) and path_of(base.base) is not None and not isinstance(node, MapEntry):
        inner = type(node)(base.base, node.name)
        return Index(inner, base.indices, depth=node.depth + 1)
    raise DataError(f"{written(node)} is no member of a branch: {written(node.base)} stands for {written(base)}")
