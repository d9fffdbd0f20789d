"""Histograms of input variables and targets, and their correlations.

Source of all binnings, names and algorithms: TMVA's TransformationHandler.cxx (CalcStats, PlotVariables),
DataSetInfo.cxx (CreateCorrelationMatrixHist), DataSetFactory.cxx and Factory.cxx (WriteDataInformation).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.description import PCA, Decorrelation, Gauss, Identity, Normalize, Transformation, Variable
from pytmva_rnn.tmva.output.histograms import Axis, filled, labelled_matrix
from pytmva_rnn.transformations import apply_transformations

__all__ = ["chain_name", "correlation_histograms", "flat", "input_histograms"]

_BINS = 40
_TIMES_RMS = 8.0
_MOST_INTEGER_BINS = 10_000


def flat(data: Dataset) -> NDArray[np.float32]:
    """Events as TMVA has them, (n, NVar)."""
    return data.X.reshape(len(data), -1)


def chain_name(transformations: Sequence[Transformation]) -> str:
    """TMVA's name of a chain of transformations, `Gauss_Deco`; `Id` of none."""
    return "_".join(_short_name(transformation) for transformation in transformations) or "Id"


def _short_name(transformation: Transformation) -> str:
    if isinstance(transformation, Gauss):
        return "Uniform" if transformation.flat else "Gauss"
    return {Normalize: "Norm", Decorrelation: "Deco", PCA: "PCA", Identity: "Id"}[type(transformation)]


def input_histograms(
    data: Dataset,
    variables: Sequence[Variable],
    target_table: Sequence[Variable],
    transformations: Sequence[Transformation] = (),
    *,
    suffix: bool = True,
) -> Iterator[tuple[str, Any]]:
    """Names and histograms of every variable and target in every class: `<internal name>__<class>_<chain>`.

    Parameters
    ----------
    data : Dataset
        n events.
    variables, target_table : sequences of NVar and of O Variable
    transformations : sequence of Transformation
        Applied before.
    suffix : bool
        Whether names end with the name of the chain.
    """
    chain = chain_name(transformations)
    ending = f"_{chain}" if suffix else ""
    members = [data.class_index == number for number in range(len(data.classes))]
    weights = [data.weights[member] for member in members]
    groups = (("Variable", flat(data), variables), ("Target", data.target_values, target_table))
    for kind, original, table in groups:
        transformed = apply_transformations(transformations, original, table, kind) if transformations else original
        is_only_target = "_target" if kind == "Target" and len(table) == 1 else ""
        # Whole columns are read again and again: they are faster when each lies in one piece.
        for values, variable in zip(np.ascontiguousarray(transformed.T, dtype=np.float32), table, strict=True):
            title = f"{variable.title} ({chain})" if transformations else variable.title
            unit = f"  [{variable.unit}]" if variable.unit else ""
            axis = _axis(values, data.weights, variable.type == "I", title + unit)
            y_title = f"dN_{{ }}/^{{ }}{axis.width:.3g} {variable.unit}"
            for name, member, weight in zip(data.classes, members, weights, strict=True):
                yield (
                    f"{variable.internal}__{name}{is_only_target}{ending}",
                    filled(variable.title, axis, values[member], weight, y_title=y_title, single=True),
                )


def _axis(values: NDArray[Any], weights: NDArray[np.float64], integer: bool, title: str) -> Axis:
    x = np.asarray(values, np.float64)
    low, high = float(x.min()), float(x.max())
    if integer and high - low < _MOST_INTEGER_BINS:
        first, last = round(low), round(high + 1)
        return Axis(max(last - first, 1), first, max(last, first + 1), title)
    total = weights.sum()
    if total > 0:
        mean = float(x @ weights / total)
        rms = max(float((x - mean) ** 2 @ weights / total), 0.0) ** 0.5
        low, high = max(low, mean - _TIMES_RMS * rms), min(high, mean + _TIMES_RMS * rms)
    if low >= high:
        high = low * 1.1
    if low >= high:
        high = low + 1
    # The largest value belongs into the last bin.
    return Axis(_BINS, low, high + (high - low) / _BINS, title)


def correlation_histograms(data: Dataset, variables: Sequence[Variable]) -> Iterator[tuple[str, Any]]:
    """Names and histograms of the linear correlations, in per cent without digits after the point.

    `CorrelationMatrixS` and `B`; for multiclass `CorrelationMatrix<class>`, for regression `CorrelationMatrix`.
    """
    names = {
        "classification": [("S", " (signal)"), ("B", " (background)")],
        "multiclass": [(name, f" ({name})") for name in data.classes],
        "regression": [("", "")],
    }
    labels = [variable.title for variable in variables]
    for number, (letter, of_class) in enumerate(names[data.analysis]):
        member = data.class_index == number
        matrix = _correlations(flat(data)[member], data.weights[member])
        percent = np.trunc((matrix.astype(np.float32) * 100.0).astype(np.float32))
        yield (
            f"CorrelationMatrix{letter}",
            labelled_matrix(f"Correlation Matrix{of_class}", percent, labels, -100.0, 100.0),
        )


def _correlations(values: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(NVar, NVar); 0 where a variable does not vary."""
    size = values.shape[1]
    total = weights.sum()
    covariance = np.zeros((size, size))
    if total:
        x = values.astype(np.float64)
        centred = x - weights @ x / total
        covariance = (centred * weights[:, None]).T @ centred / total
    product = np.multiply.outer(covariance.diagonal(), covariance.diagonal())
    root = np.sqrt(np.maximum(product, 0.0))
    result: NDArray[np.float64] = np.divide(covariance, root, where=root > 0, out=np.zeros_like(covariance))
    np.fill_diagonal(result, 1.0)
    return result
