"""The variable transformations' nodes: one entry of `FORMATS` per transformation, for reading and writing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import copysign, isnan
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import (
    PCA,
    CumulativeDistribution,
    Decorrelation,
    Gauss,
    Normalize,
    Transformation,
    TransformInput,
)
from pytmva_rnn.errors import DataError
from pytmva_rnn.weightfile.markup import Element
from pytmva_rnn.weightfile.nodes import Node, ordered
from pytmva_rnn.weightfile.numbers import parse_floats, scientific, widened

__all__ = ["FORMATS", "Inputs", "TransformationFormat"]

Inputs: TypeAlias = tuple[TransformInput, ...]
T = TypeVar("T", bound=Transformation)

_PDF = {"MinNSmooth": 0, "MaxNSmooth": 0, "InterpolMethod": 1}
"""What TMVA gives the distributions of Gauss and Uniform: linear interpolation, no smoothing after reading."""
_KERNEL: dict[str, str | int] = {"KDE_type": 0, "KDE_iter": 1, "KDE_border": 1, "KDE_finefactor": scientific(0, 16)}
"""TMVA's settings of an estimator that these distributions do not use."""


@dataclass(frozen=True)
class TransformationFormat(Generic[T]):
    """How one kind of transformation stands in the file, beside the selection that all have.

    Attributes
    ----------
    transformation : type
    read : callable
        Makes the transformation from its node, its inputs, its outputs and the number of classes.
    children : callable
        The nodes behind the selection.
    attributes : callable
        Attributes of the node behind its name.
    aliases : tuple of str
        Names under which TMVA reads the transformation beside the one under which it writes it.
    """

    transformation: type[T]
    read: Callable[[Node, Inputs, Inputs, int], T]
    children: Callable[[T], list[Element]]
    attributes: Callable[[T], Mapping[str, str]] = lambda _: {}
    aliases: tuple[str, ...] = ()


def _check_entries(node: Node, found: int, tag: str, classes: int) -> None:
    # With a single class (regression) TMVA writes no second entry for "all classes together".
    expected = (1, 2) if classes == 1 else (classes + 1,)
    if found not in expected:
        wanted = " or ".join(map(str, expected))
        raise node.error(f"expected {wanted} <{tag}> nodes for {classes} classes, found {found}")


def _numbers(node: Node, count: int, *, finite: bool = True) -> NDArray[np.float64]:
    """The numbers in a node's text, `count` of them."""
    try:
        values = parse_floats(node.text)
    except ValueError as error:
        raise node.error(f"expected numbers, found: {error}") from None
    if len(values) != count:
        raise node.error(f"expected {count} numbers, found {len(values)}")
    if finite and not np.isfinite(values).all():
        place = int(np.argmin(np.isfinite(values)))
        raise node.error(f"expected finite numbers, found {values[place]} as number {place}")
    return values


def _sized(node: Node, sizes: Mapping[str, int]) -> NDArray[np.float64]:
    """The numbers of a node whose attributes tell their shape."""
    for name, size in sizes.items():
        found = node.integer(name)
        if found != size:
            raise node.error(f"{name}: expected the number of inputs, {size}; found {found}")
    shape = tuple(sizes.values())
    return _numbers(node, int(np.prod(shape))).reshape(shape)


def _line(values: NDArray[np.float64], digits: int) -> tuple[str, ...]:
    """A text line of numbers, each followed by a blank."""
    return ("".join(f"{_number(value, digits)} " for value in values.ravel().tolist()),)


def _number(value: float, digits: int) -> str:
    """As C's `%5.<digits>e`, which matters for NaN."""
    if isnan(value):
        return f"{'-nan' if copysign(1, value) < 0 else 'nan':>5}"
    return scientific(value, digits)


# --- Normalize


def _read_normalize(node: Node, inputs: Inputs, outputs: Inputs, classes: int) -> Normalize:
    found = ordered(node.children("Class"), "ClassIndex")
    _check_entries(node, len(found), "Class", classes)
    return Normalize(inputs, outputs, np.array([_read_ranges(child.child("Ranges"), len(inputs)) for child in found]))


def _read_ranges(node: Node, count: int) -> NDArray[np.float64]:
    found = node.children("Range")
    if len(found) != count:
        raise node.error(f"expected {count} <Range> nodes, one per input, found {len(found)}")
    ranges = np.empty((count, 2))
    for place, child in enumerate(ordered(found, "Index")):
        for column, name in enumerate(("Min", "Max")):
            ranges[place, column] = child.number(name)
    return ranges


def _normalize_children(transformation: Normalize) -> list[Element]:
    ranges = transformation.ranges
    return [
        Element("Class", {"ClassIndex": number}, [Element("Ranges", children=_range_elements(ranges[number]))])
        for number in range(len(ranges))
    ]


def _range_elements(ranges: NDArray[np.float64]) -> list[Element]:
    return [
        Element("Range", {"Index": n, "Min": scientific(low, 16), "Max": scientific(high, 16)})
        for n, (low, high) in enumerate(ranges.tolist())
    ]


# --- Decorrelation


def _read_decorrelation(node: Node, inputs: Inputs, outputs: Inputs, classes: int) -> Decorrelation:
    found = node.children("Matrix")
    _check_entries(node, len(found), "Matrix", classes)
    sizes = {"Rows": len(inputs), "Columns": len(inputs)}
    return Decorrelation(inputs, outputs, np.array([_sized(child, sizes) for child in found]))


def _decorrelation_children(transformation: Decorrelation) -> list[Element]:
    size = len(transformation.inputs)
    return [
        Element("Matrix", {"Rows": size, "Columns": size}, line=_line(matrix, 15)) for matrix in transformation.matrices
    ]


# --- PCA


def _read_pca(node: Node, inputs: Inputs, outputs: Inputs, classes: int) -> PCA:
    means, vectors = (ordered(node.children(tag), "ClassIndex") for tag in ("Statistics", "Eigenvectors"))
    _check_entries(node, len(means), "Statistics", classes)
    if len(vectors) != len(means):
        raise node.error(f"expected as many <Eigenvectors> as <Statistics>, {len(means)}; found {len(vectors)}")
    size = len(inputs)
    return PCA(
        inputs,
        outputs,
        np.array([_sized(child, {"NRows": size}) for child in means]),
        np.array([_sized(child, {"NRows": size, "NCols": size}) for child in vectors]),
    )


def _pca_children(transformation: PCA) -> list[Element]:
    size = len(transformation.inputs)
    means, vectors = transformation.means, transformation.eigenvectors
    # TMVA calls every entry behind the second "Combined", whatever the classes are
    names = [*("Signal", "Background")[: len(means)], *["Combined"] * (len(means) - 2)]
    return [
        Element("Statistics", {"Class": name, "ClassIndex": n, "NRows": size}, line=_line(means[n], 8))
        for n, name in enumerate(names)
    ] + [
        Element(
            "Eigenvectors", {"Class": name, "ClassIndex": n, "NRows": size, "NCols": size}, line=_line(vectors[n], 8)
        )
        for n, name in enumerate(names)
    ]


# --- Gauss and Uniform


def _read_gauss(node: Node, inputs: Inputs, outputs: Inputs, classes: int) -> Gauss:
    flat = node.choice("FlatOrGauss", ("Gauss", "Flat")) == "Flat"
    found = node.children("Variable")
    if len(found) != len(inputs):
        raise node.error(f"expected {len(inputs)} <Variable> nodes, one per input, found {len(found)}")
    distributions = tuple(_read_distributions(child, classes) for child in ordered(found, "VarIndex"))
    return Gauss(inputs, outputs, distributions, flat)


def _read_distributions(node: Node, classes: int) -> tuple[CumulativeDistribution, ...]:
    count = len(node.children())
    _check_entries(node, count, "CumulativePDF_cls...", classes)
    pdfs = [node.child(f"CumulativePDF_cls{number}").child("PDF") for number in range(count)]
    return tuple(_read_pdf(pdf, used=pdf is pdfs[-1]) for pdf in pdfs)


def _read_pdf(node: Node, used: bool) -> CumulativeDistribution:
    """A distribution; of a class without events, whose distribution is not used, TMVA writes one bin that is NaN."""
    for name, value in _PDF.items():
        if node.integer(name) != value:
            raise node.error(f"{name}: expected {value}, as TMVA writes it; found {node.attribute(name)}")
    histogram = node.child("Histogram")
    bins = histogram.integer("NBins", minimum=1 + used)
    contents = _numbers(histogram, bins, finite=used)
    if histogram.flag("HasEquidistantBins"):
        low, high = histogram.number("XMin"), histogram.number("XMax")
        edges: NDArray[np.float64] = np.linspace(low, high, bins + 1, dtype=np.float64)
        where = histogram
    else:
        where = node.child("HistogramBinning")
        if where.integer("NBins") != bins:
            raise where.error(f"NBins: expected the {bins} of <Histogram>, found {where.attribute('NBins')}")
        edges = _numbers(where, bins + 1)
    distribution = CumulativeDistribution(edges, contents)
    try:
        distribution.check(used=used)
    except DataError as error:
        raise where.error(str(error)) from None
    return distribution


def _gauss_attributes(transformation: Gauss) -> dict[str, str]:
    return {"FlatOrGauss": "Flat" if transformation.flat else "Gauss"}


def _gauss_children(transformation: Gauss) -> list[Element]:
    return [
        Element(
            "Variable",
            {"VarIndex": n},
            [
                Element(f"CumulativePDF_cls{k}", children=[_pdf_element(each, n, k)])
                for k, each in enumerate(of_variable)
            ],
        )
        for n, of_variable in enumerate(transformation.distributions)
    ]


def _pdf_element(distribution: CumulativeDistribution, variable: int, entry: int) -> Element:
    edges, contents = distribution.edges, distribution.contents
    histogram: dict[str, str | int] = {
        "Name": f"Cumulative_Var{variable}_cls{entry}_original",
        "NBins": len(contents),
        "XMin": scientific(widened(edges[0]), 16),
        "XMax": scientific(widened(edges[-1]), 16),
        "HasEquidistantBins": 0,
    }
    children = [
        Element("Histogram", histogram, line=_line(contents, 8)),
        Element("HistogramBinning", {"NBins": len(contents)}, line=_line(edges, 8)),
    ]
    return Element("PDF", {"Name": f"GaussTransform var{variable} cls{entry}", **_PDF, **_KERNEL}, children)


FORMATS: tuple[TransformationFormat[Any], ...] = (
    TransformationFormat(Normalize, _read_normalize, _normalize_children),
    TransformationFormat(Decorrelation, _read_decorrelation, _decorrelation_children),
    TransformationFormat(PCA, _read_pca, _pca_children),
    TransformationFormat(Gauss, _read_gauss, _gauss_children, _gauss_attributes, ("Uniform",)),
)
