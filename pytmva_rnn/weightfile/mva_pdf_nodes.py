"""The nodes of `<MVAPdfs>`: distributions of a classifier's scores, which the option CreateMVAPdfs makes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import MVAPdf
from pytmva_rnn.weightfile.markup import Element, UnwritableError
from pytmva_rnn.weightfile.nodes import Node
from pytmva_rnn.weightfile.numbers import parse_floats, scientific, widened

__all__ = ["mva_pdfs_element", "read_mva_pdfs"]


def read_mva_pdfs(node: Node | None) -> tuple[MVAPdf, ...]:
    """The distributions; none if there is no node.

    Raises
    ------
    WeightFileError
        If something in one does not fit, or its bins are not equal: TMVA makes no others.
    """
    return tuple(_read_pdf(child) for child in (node.children("PDF") if node else ()))


def _read_pdf(node: Node) -> MVAPdf:
    histogram = node.child("Histogram")
    bins = histogram.integer("NBins", minimum=1)
    low, high = histogram.number("XMin"), histogram.number("XMax")
    if not low < high:
        raise histogram.error(f"XMax: expected more than the XMin {low:g}, found {high:g}")
    if not histogram.flag("HasEquidistantBins"):
        raise histogram.error("HasEquidistantBins: expected 1, as TMVA has it for distributions of scores; found 0")
    return MVAPdf(
        node.attribute("Name"),
        histogram.attribute("Name"),
        low,
        high,
        _contents(histogram, bins),
        (node.integer("MinNSmooth"), node.integer("MaxNSmooth")),
        node.integer("InterpolMethod"),
        (
            node.integer("KDE_type"),
            node.integer("KDE_iter"),
            node.integer("KDE_border"),
            node.number("KDE_finefactor"),
        ),
    )


def _contents(histogram: Node, bins: int) -> NDArray[np.float64]:
    try:
        values = parse_floats(histogram.text)
    except ValueError as error:
        raise histogram.error(f"expected numbers, found: {error}") from None
    if values.shape != (bins,) or not np.isfinite(values).all():
        raise histogram.error(f"expected {bins} finite numbers, found {np.isfinite(values).sum()}")
    return values


def mva_pdfs_element(pdfs: tuple[MVAPdf, ...]) -> Element:
    """The node of all distributions.

    Raises
    ------
    UnwritableError
        For contents that are not finite.
    """
    return Element("MVAPdfs", children=[_pdf_element(pdf) for pdf in pdfs])


def _pdf_element(pdf: MVAPdf) -> Element:
    contents = np.asarray(pdf.contents, np.float64)
    if contents.ndim != 1 or not np.isfinite(contents).all():
        raise UnwritableError(f"{pdf.name}: expected finite contents of bins, found the shape {contents.shape}")
    kind, iterations, border, factor = pdf.kernel
    attributes: dict[str, str | int] = {
        "Name": pdf.name,
        "MinNSmooth": pdf.smoothings[0],
        "MaxNSmooth": pdf.smoothings[1],
        "InterpolMethod": pdf.interpolation,
        "KDE_type": kind,
        "KDE_iter": iterations,
        "KDE_border": border,
        "KDE_finefactor": scientific(widened(factor), 16),
    }
    histogram: dict[str, str | int] = {
        "Name": pdf.histogram,
        "NBins": len(contents),
        "XMin": scientific(pdf.low, 16),
        "XMax": scientific(pdf.high, 16),
        "HasEquidistantBins": 1,
    }
    line = "".join(f"{value:.8e} " for value in contents)
    return Element("PDF", attributes, [Element("Histogram", histogram, line=line)])
