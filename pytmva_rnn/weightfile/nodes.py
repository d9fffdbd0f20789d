"""Nodes of a weight file that is being read: every question that fails names the file, the line and the node."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from math import isfinite
from pathlib import Path
from typing import cast
from xml.parsers import expat

from lxml import etree

from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.weightfile.numbers import parse_float, parse_integer

__all__ = ["Node", "ordered", "parse", "parse_bytes"]

# The scan for a DOCTYPE begins with a small piece, so that it hardly ever sees the declarations inside it; the pieces
# double, because the scanner starts over with a comment or tag that a piece does not end.
_FIRST_PIECE = 64


class _RootReached(Exception):
    """The prolog is over; there was no document type declaration."""


class Node:
    """One element of the file."""

    __slots__ = ("_element", "_path")

    def __init__(self, element: etree._Element, path: str) -> None:
        self._element = element
        self._path = path

    @property
    def tag(self) -> str:
        return str(self._element.tag)

    @property
    def element(self) -> etree._Element:
        return self._element

    @property
    def line(self) -> int | None:
        """Number of the line, from 1."""
        return cast("int | None", self._element.sourceline)

    @property
    def text(self) -> str:
        """The text before the first child, without white space at its ends."""
        return (self._element.text or "").strip(" \t\r\n")

    @property
    def parent_tag(self) -> str:
        parent = self._element.getparent()
        return "" if parent is None else str(parent.tag)

    def tags(self) -> str:
        """The tags of its children, for messages."""
        tags = list(dict.fromkeys(child.tag for child in self.children()))
        return ", ".join(tags[:12]) + (", ..." if len(tags) > 12 else "")

    def stray_text(self) -> str:
        """The beginning of what text there is before, between and behind the children."""
        pieces = [self._element.text, *(child.tail for child in self._element)]
        return " ".join(piece.strip() for piece in pieces if piece and piece.strip())[:40]

    def beside(self, element: etree._Element) -> Node:
        """The node of another element of the same file."""
        return Node(element, self._path)

    def at(self, path: str) -> Node:
        """The node at an absolute XPath, as libxml2's messages give it."""
        # Prefixes of namespaces, which no weight file has, are not known to XPath.
        plain = re.sub(r"/[^/:\[]+:([^/\[]+)", r"/*[local-name()='\1']", path)
        return Node(cast("list[etree._Element]", self._element.xpath(plain))[0], self._path)

    def following(self) -> list[Node]:
        """Its later siblings with the same tag."""
        return [Node(sibling, self._path) for sibling in self._element.itersiblings(self.tag)]

    def remove(self) -> None:
        """Take the node, which is not the root, out of its document; the text behind it stays."""
        parent = cast("etree._Element", self._element.getparent())
        before, tail = self._element.getprevious(), self._element.tail or ""
        if before is None:
            parent.text = (parent.text or "") + tail
        else:
            before.tail = (before.tail or "") + tail
        parent.remove(self._element)

    def error(self, problem: str) -> WeightFileError:
        """An error that names the file, the line and the node."""
        return WeightFileError(problem, self._path, self.line, self.tag)

    def has(self, attribute: str) -> bool:
        return attribute in self._element.attrib

    def attribute(self, name: str) -> str:
        """The attribute's text."""
        value = self._element.get(name)
        if value is None:
            found = ", ".join(map(str, self._element.attrib)) or "none"
            raise self.error(f"expected an attribute {name}, found {found}")
        return value

    def integer(self, name: str, minimum: int = 0) -> int:
        """The attribute as a whole number of at least `minimum`."""
        text = self.attribute(name)
        try:
            value = parse_integer(text)
        except ValueError as error:
            raise self.error(f"{name}: expected a whole number, found: {error}") from None
        if value < minimum:
            raise self.error(f"{name}: expected at least {minimum}, found {value}")
        return value

    def flag(self, name: str) -> bool:
        """The attribute as C++ reads a truth value: any number but 0 is true."""
        return self.integer(name) != 0

    def number(self, name: str, finite: bool = True) -> float:
        """The attribute as a number in any form that C's `strtof` reads."""
        try:
            value = parse_float(self.attribute(name))
        except ValueError as error:
            raise self.error(f"{name}: expected a number, found: {error}") from None
        if finite and not isfinite(value):
            raise self.error(f"{name}: expected a finite number, found {value}")
        return value

    def choice(self, name: str, allowed: Collection[str]) -> str:
        """The attribute, which has to be one of `allowed`."""
        value = self.attribute(name)
        if value not in allowed:
            raise self.error(f"{name}: expected one of {', '.join(allowed)}; found {value!r}")
        return value

    def children(self, tag: str | None = None) -> list[Node]:
        """The children called `tag`, or all of them."""
        return [Node(child, self._path) for child in self._element.iterchildren(tag or "*")]

    def find(self, tag: str) -> Node | None:
        """The child called `tag`, if there is one."""
        found = self.children(tag)
        if len(found) > 1:
            raise found[1].error(f"expected once in <{self.tag}>, found {len(found)} times")
        return found[0] if found else None

    def child(self, tag: str) -> Node:
        """The child called `tag`."""
        node = self.find(tag)
        if node is None:
            raise self.error(f"expected a node <{tag}> in it, found {self.tags() or 'no nodes'}")
        return node

    def counted(self, tag: str, count: str) -> list[Node]:
        """The children called `tag`; the attribute `count` has to say how many there are."""
        expected, nodes = self.integer(count), self.children(tag)
        if len(nodes) != expected:
            raise self.error(f"{count}: expected {expected} <{tag}> nodes, found {len(nodes)}")
        return nodes


def ordered(nodes: list[Node], index: str) -> list[Node]:
    """`nodes` in the order of their attribute `index`, which has to number them from 0."""
    places: dict[int, Node] = {}
    for node in nodes:
        place = node.integer(index)
        if place in places or place >= len(nodes):
            raise node.error(f"{index}: expected each of 0 to {len(nodes) - 1} once, found {place}")
        places[place] = node
    return [places[place] for place in range(len(nodes))]


def parse(path: str | os.PathLike[str]) -> Node:
    """The root node of an XML file.

    Raises
    ------
    WeightFileError
        If the file is empty, not well-formed XML, or has a document type declaration. TMVA never writes one, and
        entities declared there can make a small file exhaust the memory or read other files.
    OSError
        If the file cannot be opened.
    """
    return parse_bytes(Path(path).read_bytes(), os.fspath(path))


def parse_bytes(data: bytes, name: str) -> Node:
    """The root node of an XML document in memory, of which errors speak as `name`; see `parse`."""
    if not data.strip():
        raise WeightFileError("expected a TMVA weight file, found an empty file", name)
    _refuse_doctype(name, data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,  # a matrix is one text node, which may well exceed the parser's 10 MB
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return Node(etree.fromstring(data, parser), name)
    except etree.XMLSyntaxError as error:
        reason = re.sub(r", line \d+, column \d+$", "", str(error.msg))
        problem = f"expected well-formed XML, found: {reason}. Is the file complete?"
        raise WeightFileError(problem, name, error.lineno) from None


def _refuse_doctype(name: str, data: bytes) -> None:
    scanner = expat.ParserCreate()

    def doctype(*_: object) -> None:
        raise WeightFileError(
            "expected <MethodSetup>, found a document type declaration (<!DOCTYPE ...>), which is refused because its "
            "entities can be harmful; TMVA writes none: remove it",
            name,
            scanner.CurrentLineNumber,
        )

    def root(*_: object) -> None:
        raise _RootReached

    scanner.StartDoctypeDeclHandler = doctype
    scanner.StartElementHandler = root
    start, size = 0, _FIRST_PIECE
    try:
        while start < len(data):
            scanner.Parse(data[start : start + size], start + size >= len(data))
            start, size = start + size, 2 * size
    except _RootReached:
        pass
    except (LookupError, ValueError) as error:  # from looking for the codec of the declared encoding
        raise WeightFileError(f"expected a file in UTF-8, found: {error}", name, 1) from None
    except expat.ExpatError as error:
        problem = f"expected a TMVA weight file (XML), found: {expat.ErrorString(error.code)}"
        raise WeightFileError(problem, name, error.lineno) from None
