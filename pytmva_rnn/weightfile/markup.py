"""XML in the very form in which TMVA's XML engine writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Element", "UnwritableError", "render"]

_INDENT = "  "
_BLANKS = re.compile("[\t\r\n]")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class UnwritableError(ValueError):
    """Content that a weight file cannot hold."""


@dataclass(frozen=True)
class Element:
    """A node to be written; it has children, or `text` behind its tag, or `line`, a text line of its own.

    `line` is a matrix's text in pieces, written as it is.
    """

    tag: str
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    children: Sequence[Element] = ()
    text: str = ""
    line: Iterable[str] | None = None


def render(root: Element) -> Iterator[str]:
    """Pieces of the whole document.

    Raises
    ------
    UnwritableError
        If a text has a character that XML cannot hold.
    """
    yield '<?xml version="1.0"?>\n'
    yield from _render(root, "")


def _render(element: Element, indent: str) -> Iterator[str]:
    attributes = "".join(
        f' {name}="{_escaped(str(value), element.tag, name).replace(chr(34), "&quot;")}"'
        for name, value in element.attributes.items()
    )
    start, end = f"{indent}<{element.tag}{attributes}", f"</{element.tag}>\n"
    if element.children:
        yield start + ">\n"
        for child in element.children:
            yield from _render(child, indent + _INDENT)
        yield indent + end
    elif element.line is not None:
        yield f"{start}>\n{indent}{_INDENT}"
        yield from element.line
        yield f"\n{indent}{end}"
    elif element.text:
        yield f"{start}>{_escaped(element.text, element.tag, 'text')}{end}"
    else:
        yield start + "/>\n"


def _escaped(text: str, tag: str, what: str) -> str:
    if bad := _NOT_XML.search(text):
        raise UnwritableError(f"<{tag}> {what}: the character {bad[0]!a} cannot stand in XML, found in {text!a}")
    # Apostrophes stay: TMVA's engine knows &apos; but does not write it. White space other than blanks becomes blanks,
    # as in any XML attribute that is read.
    return _BLANKS.sub(" ", text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
