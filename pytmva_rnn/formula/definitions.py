"""Formulas that have a name and are used by others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.parsing import MAX_DEPTH
from pytmva_rnn.formula.tree import Defined, Index, MapEntry, Member, Method, Name, Term, path_of, rebuilt, written

__all__ = ["substituted"]


def substituted(
    node: Term, define: Mapping[str, str], parsed: Callable[[str], Term], above: tuple[str, ...] = ()
) -> Term:
    """A formula with the names of definitions replaced by what they stand for.

    Parameters
    ----------
    node : Term
    define : mapping of str -> str
    parsed : callable
        Text -> node.
    above : tuple of str
        The definitions that this is part of.

    Raises
    ------
    DataError
        For a definition that needs itself, one that is too deep, and a member or method of one that is no branch.
    """
    if isinstance(node, Name) and node.name in define:
        if node.name in above:
            raise DataError(f"the definition {node.name!r} needs itself: {' -> '.join((*above, node.name))}")
        body = substituted(parsed(define[node.name]), define, parsed, (*above, node.name))
        return body if path_of(body) is not None else Defined(node.name, body, span=node.span, depth=body.depth + 1)
    new = rebuilt(node, lambda child: substituted(child, define, parsed, above))
    if new.depth > MAX_DEPTH:
        raise DataError(f"{written(node)[:60]} is nested more than {MAX_DEPTH} levels deep with its definitions")
    if isinstance(new, Member | MapEntry | Method) and path_of(new.base) is None:
        return _of_defined(new)
    return new


def _of_defined(node: Member | MapEntry | Method) -> Term:
    """A member or method of a definition: `p4.Pt()` where p4 stands for `jets.p4[0]` is `jets.p4.Pt()[0]`."""
    base = node.base.body if isinstance(node.base, Defined) else node.base
    if isinstance(node, Method) and node.name in ("size", "@size"):
        return node
    if isinstance(base, Index) and path_of(base.base) is not None and not isinstance(node, MapEntry):
        inner = type(node)(base.base, node.name)
        return Index(inner, base.indices, depth=node.depth + 1)
    raise DataError(f"{written(node)} is no member of a branch: {written(node.base)} stands for {written(base)}")
