"""The HTML document of a report."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from lxml import html

from pytmva_rnn._version import __version__
from pytmva_rnn.html_elements import element
from pytmva_rnn.report.page.key_numbers import key_numbers
from pytmva_rnn.report.page.section import Section
from pytmva_rnn.report.page.sections import sections_of
from pytmva_rnn.report.page.themed_svg import Letters, themed_svg
from pytmva_rnn.report.panels.catalogue import panels_of
from pytmva_rnn.report.panels.drawing import Panel
from pytmva_rnn.report.report_numbers import ReportNumbers

__all__ = ["html_page"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Nothing is fetched and nothing runs, whatever names the data have."""


def html_page(report: ReportNumbers) -> str:
    """One document without scripts that needs no other file and no network.

    Raises
    ------
    MissingExtraError
        If Matplotlib is not installed.
    """
    letters = Letters()
    pictures = {panel.name: (panel, themed_svg(panel, letters)) for panel in panels_of(report)}
    sections = sections_of(report)
    title = f"{report.title}: {_subject(report)}"
    links = [element("li", element("a", each.title, href=f"#{each.name}")) for each in sections]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content=f"pytmva_rnn {__version__}"),
        element("meta", name="color-scheme", content="light dark"),
        html.builder.META({"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        element("title", title),
        element("style", files(__package__).joinpath("page.css").read_text(encoding="utf-8")),
    )
    label = [element("p", report.options.label, class_="label")] if report.options.label else []
    made = f"{report.analysis} by pytmva_rnn {__version__}, report of {report.reproduction.created}"
    body = element(
        "body",
        letters.svg(),
        element(
            "header",
            element("h1", title),
            *label,
            element("p", made, class_="quiet"),
            key_numbers(report),
            element("nav", element("ul", *links), aria_label="Sections"),
        ),
        element("main", *(_section(each, pictures) for each in sections)),
        element("footer", element("p", "The same numbers are in the report's JSON.", class_="quiet")),
    )
    document = element("html", head, body, lang="en")
    text: str = html.tostring(document, encoding="unicode", doctype="<!DOCTYPE html>")
    return text + "\n"


def _subject(report: ReportNumbers) -> str:
    if report.targets:
        return f"regression of {', '.join(report.targets)}"
    return f"{report.classes[0]} against {report.classes[1]}" if len(report.classes) == 2 else ", ".join(report.classes)


def _section(section: Section, pictures: dict[str, tuple[Panel, Any]]) -> Any:
    shown = [picture for name, picture in pictures.items() if name.partition("-")[0] in section.pictures]
    heading = element("h2", section.title, id=f"{section.name}-title")
    content = [*(element("p", text) for text in section.texts), *section.content]
    figures = [_figure(panel, svg, section.title) for panel, svg in shown]
    if len(figures) == 1 and not section.wide:  # beside what is said of it, where there is room
        content = [element("div", figures[0], element("div", *content), class_="beside")]
    elif figures:
        texts = len(section.texts)
        content = [*content[:texts], element("div", *figures, class_="panels"), *content[texts:]]
    return element("section", heading, *content, id=section.name, aria_labelledby=f"{section.name}-title")


def _figure(panel: Panel, svg: Any, section: str) -> Any:
    heading = [] if panel.title == section else [element("h3", panel.title)]
    return element("figure", *heading, svg, element("figcaption", panel.alt))
