"""Elements of HTML; whatever they hold is text, never markup, so that no name can be more than a name."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from lxml.html.builder import E

__all__ = ["chunk", "details", "element", "number", "table"]

_LONG = 26
"""Letters of a cell that may be broken anywhere."""
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def element(tag: str, *children: Any, **attributes: str) -> Any:
    """An element of HTML with texts and other elements in it; an attribute `class_` is `class`, `aria_label` is
    `aria-label`.
    """
    named = {name.rstrip("_").replace("_", "-"): _text(value) for name, value in attributes.items()}
    return E(tag, *(_text(child) if isinstance(child, str) else child for child in children), **named)


def table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    texts: int = 1,
    most: int = 200,
    rest: str = "in the numbers (JSON)",
) -> Any:
    """A table that can be scrolled where the screen is narrow.

    Parameters
    ----------
    caption : str
    columns : sequence of str
        Headings.
    rows : iterable of cells
    texts : int
        How many columns, the first ones, are texts; the others hold numbers.
    most : int
        Rows that are shown.
    rest : str
        Where the others are.
    """
    every = list(rows)
    kinds = ["" if place < texts else "number" for place in range(len(columns))]
    head = element("tr", *(element("th", c, scope="col", class_=k) for c, k in zip(columns, kinds, strict=True)))
    body = []
    for row in every[:most]:
        cells = [str(cell) for cell in row]
        classes = [kind or ("long" if len(cell) > _LONG else "") for cell, kind in zip(cells, kinds, strict=True)]
        first = element("th", cells[0], scope="row", class_=classes[0])
        others = [element("td", cell, class_=kind) for cell, kind in zip(cells[1:], classes[1:], strict=True)]
        body.append(element("tr", first, *others))
    if len(every) > most:
        left_out = f"… {len(every) - most:,} more {rest}"
        body.append(element("tr", element("td", left_out, colspan=str(len(columns)))))
    named = element("caption", element("span", caption))
    inner = element("table", named, element("thead", head), element("tbody", *body))
    # who has no pointer can scroll what has the focus
    return element("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)


def details(summary: str, *children: Any) -> Any:
    """What is shown when one asks for it, and printed always."""
    return element("details", element("summary", summary), *children)


def chunk(text: str, label: str) -> Any:
    """A text in which lines and blanks count."""
    return element("pre", element("code", text), tabindex="0", aria_label=label)


def number(value: float | None, digits: int = 4) -> str:
    """A number for people; a dash for what is not known."""
    if value is None or math.isnan(value):
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return "∞" if value == float("inf") else f"{value:.{digits}g}"


def _text(value: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", value)
