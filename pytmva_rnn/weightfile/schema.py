"""The XML schema of the weight file: where it is, and what it finds wrong, in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
from lxml import etree

from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.weightfile.nodes import Node
from pytmva_rnn.weightfile.numbers import parse_floats

__all__ = ["Fault", "schema_faults", "schema_source"]

_NAME = "tmva-methoddl.xsd"
# After a node that does not belong, libxml2 leaves its later siblings unchecked, so that it is taken out and the rest
# checked again; a file with more such nodes in one place has been told enough.
_ROUNDS = 20
# As much as anybody reads; each is looked for among its siblings, which takes the square of their number.
_MOST = 300
_ALIKE = 2000
# libxml2 cuts the paths of nodes with longer names short; TMVA's longest has 15.
_LONGEST = 64

_ATTRIBUTE = re.compile(r"Element '[^']*', attribute '([^']*)': ")
_QUOTED = re.compile(r"'([^']*)'")
_MIXED: dict[str, Callable[[Node], str]] = {
    "SCHEMAV_CVC_COMPLEX_TYPE_2_1": lambda node: "expected an empty node, found text or nodes in it",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_2": lambda node: f"expected text only, found {node.tags()}",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": lambda node: f"expected nodes only, found the text {node.stray_text()!r} in it",
}
_FACET = re.compile(r"^\[facet '[^']*'\] ")


@dataclass(frozen=True)
class Fault:
    """What the schema finds wrong.

    Attributes
    ----------
    error : WeightFileError
    same : str
        Pattern of how the reader begins when it says the same of the same node, as it can do in better words.
    """

    error: WeightFileError
    same: str

    def is_told_by(self, other: WeightFileError) -> bool:
        """Whether the reader's error is about the same."""
        same_node = (other.line, other.node) == (self.error.line, self.error.node)
        return same_node and re.match(self.same, other.problem) is not None


def schema_source() -> bytes:
    """The schema of MethodDL's weight files (XSD 1.0).

    It comes with the installed package; in a source checkout it lies beside the package.
    """
    for schema in (files("pytmva_rnn") / "schemas" / _NAME, Path(__file__).parents[2] / "schemas" / _NAME):
        if schema.is_file():
            return schema.read_bytes()
    raise FileNotFoundError(f"pytmva_rnn is not completely installed: {_NAME} is missing; install it again")


def schema_faults(root: Node) -> list[Fault]:
    """What the schema finds wrong in a document.

    Parameters
    ----------
    root : Node
        Nodes that do not belong where they stand are removed from its tree.
    """
    schema = etree.XMLSchema(etree.fromstring(schema_source()))
    _shorten(root)
    misplaced = _long_names(root)
    others: list[Fault] = []
    for _ in range(_ROUNDS):
        if schema.validate(root.element.getroottree()):
            return misplaced
        log = islice(cast("Iterable[etree._LogEntry]", schema.error_log), _MOST)
        found = [(entry, root.at(entry.path or "/*")) for entry in log]
        others = [_fault(node, entry) for entry, node in found if not _is_misplaced(entry)]
        strangers = [(node, _fault(node, entry)) for entry, node in found if _is_misplaced(entry)]
        if not strangers:
            break
        for node, fault in strangers:
            misplaced.append(fault)
            for each in node.following():
                each.remove()
            node.remove()
    return misplaced + _without_repeats(others)


def _long_names(root: Node) -> list[Fault]:
    """Take out nodes whose names are longer than any that belongs in a weight file."""
    found = []
    for parent in list(root.element.iter(etree.Element)):
        for child in list(parent.iterchildren(etree.Element)):
            name = f"{child.prefix or ''}:{etree.QName(child).localname}".strip(":")
            if len(name.encode()) > _LONGEST:
                words = f"<{name[:20]}...>, a name of {len(name):,} characters, does not belong here"
                found.append(Fault(root.beside(parent).error(words), "$"))
                root.beside(child).remove()
    return _without_repeats(found)


def _shorten(root: Node) -> None:
    """Leave only the first of very many siblings of one tag: libxml2 counts through all before one that is wrong."""
    for parent in list(root.element.iter(etree.Element)):
        if len(parent) > _ALIKE:
            counted: Counter[str] = Counter()
            for child in list(parent):
                tag = str(child.tag)
                counted[tag] += 1
                if counted[tag] > _ALIKE:
                    parent.remove(child)


def _is_misplaced(entry: etree._LogEntry) -> bool:
    return entry.type_name == "SCHEMAV_ELEMENT_CONTENT" and "This element is not expected" in entry.message


def _without_repeats(faults: list[Fault]) -> list[Fault]:
    """For one wrong value libxml2 often has several messages, which come out in the same words here."""
    return list({(f.error.line, f.error.node, f.same, f.error.problem): f for f in faults}.values())


def _fault(node: Node, entry: etree._LogEntry) -> Fault:
    attribute = _ATTRIBUTE.match(entry.message)
    if attribute:
        error = _about_value(node, attribute[1], entry.message[attribute.end() :])
        return Fault(error, _of_attribute(attribute[1]))
    message = entry.message.partition(": ")[2]
    if entry.type_name == "SCHEMAV_CVC_COMPLEX_TYPE_4":
        name = _QUOTED.findall(message)[0]
        return Fault(_raised(node, lambda: node.attribute(name), message), _of_attribute(name))
    if _is_misplaced(entry):
        return Fault(_about_children(node, message), r"expected once|\(layer")
    if entry.type_name == "SCHEMAV_ELEMENT_CONTENT":
        return Fault(_about_children(node, message), "expected (a node|[0-9])")
    if entry.type_name in _MIXED:
        return Fault(node.error(_MIXED[entry.type_name](node)), "$")
    return Fault(node.error(_about_numbers(node, message)), "expected (numbers|finite)")


def _of_attribute(name: str) -> str:
    return f"{re.escape(name)}:|expected an attribute {re.escape(name)},"


def _about_value(node: Node, name: str, message: str) -> WeightFileError:
    """What is wrong with an attribute, in the words of the reader where it has them."""
    if "is not allowed" in message:
        return node.error(f"{name}: expected no such attribute")
    quoted = _QUOTED.findall(message)
    if "[facet 'enumeration']" in message:
        allowed = _QUOTED.findall(message.rpartition("of the set {")[2])
        return _raised(node, lambda: node.choice(name, allowed), message)
    questions: dict[str, Callable[[], object]] = {
        "Count": lambda: node.integer(name),
        "Size": lambda: node.integer(name, minimum=1),
        "Flag": lambda: node.flag(name),
        "Integer": lambda: node.integer(name, minimum=-(10**18)),
        "Number": lambda: node.number(name, finite=False),
    }
    return _raised(node, questions.get(quoted[-1], lambda: node.number(name)), f"{name}: {_FACET.sub('', message)}")


def _raised(node: Node, question: Callable[[], object], otherwise: str) -> WeightFileError:
    try:
        question()
    except WeightFileError as error:
        return error
    return node.error(otherwise)


def _about_children(node: Node, message: str) -> WeightFileError:
    _, _, listed = message.partition("( ")
    tags = [f"<{tag}>" for tag in listed.rstrip(" ).").split(", ") if tag and not tag.startswith("##")]
    expected = " or ".join(tags) if tags else "a node"
    if message.startswith("Missing"):
        return node.error(f"expected {expected} in it, found {node.tags() or 'no nodes'}")
    return node.error(f"does not belong here in <{node.parent_tag}>; expected {expected if tags else 'no more nodes'}")


def _about_numbers(node: Node, message: str) -> str:
    try:
        values = parse_floats(node.text)
    except ValueError as error:
        return f"expected numbers, found: {error}"
    bad = np.flatnonzero(~np.isfinite(values))
    return f"expected finite numbers, found {values[bad[0]]} as value {bad[0]}" if len(bad) else message
