"""A picture as SVG inside the page: in the page's colours, light or dark, and with its letters drawn once for all."""

from __future__ import annotations

import io
import re
from typing import Any

from lxml import etree

from pytmva_rnn import extras
from pytmva_rnn.report.panels.drawing import COLORS, GRID, INK, MUTED, SURFACE, Panel, figure_of, styled

__all__ = ["Letters", "themed_svg"]

_SVG = "{http://www.w3.org/2000/svg}"
_NAMESPACES: Any = {None: _SVG[1:-1]}
"""Of elements that shall have no prefix, with which a browser would not know them."""
_HREF = "{http://www.w3.org/1999/xlink}href"
_VARIABLES = {
    **{shade: f"var(--series-{place})" for place, shade in enumerate(COLORS)},
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    SURFACE: "var(--surface)",
}
_COLOR = re.compile("|".join(map(re.escape, _VARIABLES)))
_LONG = re.compile(r"(-?\d+\.\d\d)\d+")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_MEASURES = ("d", "x", "y", "width", "height")


class Letters:
    """The shapes of all letters on the page, by which the pictures refer to them."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def take(self, shape: Any) -> None:
        """Take a letter out of its picture."""
        shape.getparent().remove(shape)
        self._known.setdefault(shape.get("id"), shape)

    def svg(self) -> Any:
        """All of them, where nobody sees them."""
        size = {"width": "0", "height": "0", "class": "letters", "aria-hidden": "true"}
        root: Any = etree.Element(f"{_SVG}svg", size, nsmap=_NAMESPACES)
        etree.SubElement(root, f"{_SVG}defs").extend(self._known.values())
        _tidy(root)
        return root


def themed_svg(panel: Panel, letters: Letters) -> Any:
    """The element `svg` of a picture, with its text for who cannot see it.

    Parameters
    ----------
    panel : Panel
    letters : Letters
        Takes the shapes of the letters, which the page has to hold.
    """
    with styled():
        file = io.BytesIO()
        figure = figure_of(panel)
        _lay_out(figure)
        figure.savefig(file, format="svg", facecolor="none", metadata={"Date": None})
    root: Any = etree.fromstring(file.getvalue(), etree.XMLParser(resolve_entities=False, remove_comments=True))
    for useless in (*root.iter(f"{_SVG}metadata"), *root.iter(f"{_SVG}style")):
        useless.getparent().remove(useless)
    for shape in [each for each in root.iter(f"{_SVG}path") if "-" in each.get("id", "")]:
        letters.take(shape)
    for empty in [each for each in root.iter(f"{_SVG}defs") if not len(each)]:
        empty.getparent().remove(empty)
    referred = _rename(root, panel.name)
    for each in root.iter():
        if each.get("id") not in referred:
            each.attrib.pop("id", None)
        if (style := each.get("style")) is not None:
            each.set("style", _COLOR.sub(lambda found: _VARIABLES[found[0]], style))
        for name in _MEASURES:
            if name in each.attrib:
                each.set(name, _LONG.sub(r"\1", each.get(name)))
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", f"{panel.title}. {panel.alt}")
    etree.cleanup_namespaces(root)
    _tidy(root)
    return root


def _lay_out(figure: Any) -> None:
    """Do what Matplotlib would go through all of a picture for, before it goes through it to draw it."""
    extras.matplotlib().backend_bases.get_registered_canvas_class("svg")(figure)
    dots = figure.get_dpi()
    figure.set_dpi(72)  # as it is for SVG
    figure.get_layout_engine().execute(figure)
    figure.set_dpi(dots)
    figure.set_layout_engine(None)


def _tidy(root: Any) -> None:
    """Leave out blanks that say nothing: they are a third of what Matplotlib writes."""
    for each in root.iter():
        each.text = each.tail = None
        if "d" in each.attrib:
            each.set("d", " ".join(each.get("d").split()))


def _rename(root: Any, prefix: str) -> set[str]:
    """Give what is referred to a name that no other picture has; returns these names."""
    referred = set()
    for each in root.iter():
        if (target := each.attrib.pop(_HREF, None)) is not None:
            if target.startswith("#") and "-" not in target:  # none of the letters
                referred.add(f"{prefix}-{target[1:]}")
                target = f"#{prefix}-{target[1:]}"
            each.set("href", target)
        for name in ("clip-path", "style"):
            if (text := each.get(name)) is not None and (found := _REFERENCE.search(text)) is not None:
                referred.add(f"{prefix}-{found[1]}")
                each.set(name, _REFERENCE.sub(rf"url(#{prefix}-\1)", text))
    for each in root.iter():
        if f"{prefix}-{each.get('id')}" in referred:
            each.set("id", f"{prefix}-{each.get('id')}")
    return referred
