"""ROOT histograms, made without ROOT: as TH1::Fill and TH2::Fill would have filled them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from uproot.writing import identify

__all__ = ["Axis", "filled", "filled_2d", "labelled_matrix", "listed"]

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """Equal bins from `low` to `high`.

    Attributes
    ----------
    bins : int
    low, high : float
    title : str
    labels : sequence of str
        One for each bin, or none.
    """

    bins: int
    low: float
    high: float
    title: str = ""
    labels: Sequence[str] = ()

    @property
    def width(self) -> float:
        """Width of a bin."""
        return (self.high - self.low) / self.bins

    @property
    def centres(self) -> Values:
        """Centres of the bins, (bins,)."""
        return np.asarray(self.low + (np.arange(self.bins) + 0.5) * self.width)

    def numbers(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Bin of each value, from 1; 0 is the underflow and bins + 1 the overflow, where NaN goes too.

        Source: TAxis::FindFixBin.
        """
        value = np.asarray(values, np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            position = self.bins * (value - self.low) / (self.high - self.low)
        inside = (value >= self.low) & (value < self.high)
        number = np.where(value < self.low, 0, self.bins + 1)
        number[inside] = 1 + position[inside].astype(np.int64)
        return number

    def to_root(self, name: str) -> Any:
        """TAxis."""
        labels = None
        if self.labels:
            texts = [identify.to_TObjString(label) for label in self.labels]
            for number, text in enumerate(texts, start=1):
                # TAxis finds the bin of a label by the identifier of its text.
                text._bases[0]._members["@fUniqueID"] = number
            labels = identify.to_THashList(texts)
        return identify.to_TAxis(name, self.title, self.bins, self.low, self.high, fLabels=labels)


def filled(
    title: str,
    axis: Axis,
    values: NDArray[Any],
    weights: NDArray[Any],
    *,
    y_title: str = "",
    single: bool = False,
    density: bool = False,
) -> Any:
    """A histogram filled event by event.

    Parameters
    ----------
    title : str
    axis : Axis
    values, weights : (n,)
    y_title : str
    single : bool
        TH1F instead of TH1D.
    density : bool
        Scale the area to 1, as TMVA::Tools::NormHist does, unless the sum of weights is not positive.

    Returns
    -------
    TH1F or TH1D, for uproot to write
    """
    number = axis.numbers(values)
    weight = np.asarray(weights, np.float64)
    inside = (number > 0) & (number <= axis.bins)
    x, w = np.asarray(values, np.float64)[inside], weight[inside]
    contents = np.bincount(number, weight, axis.bins + 2)
    variances = np.bincount(number, weight**2, axis.bins + 2)
    total = contents[1:-1].sum() * axis.width
    scale = 1 / total if density and total > 0 else 1.0
    moments = (scale * w.sum(), scale**2 * (w**2).sum(), scale * (w * x).sum(), scale * (w * x**2).sum())
    return identify.to_TH1x(
        None,
        title,
        (scale * contents).astype(np.float32 if single else np.float64),
        float(len(weight)),
        *(float(moment) for moment in moments),
        scale**2 * variances,
        axis.to_root("xaxis"),
        Axis(1, 0, 1, y_title).to_root("yaxis"),
    )


def listed(title: str, axis: Axis, contents: ArrayLike, *, y_title: str = "") -> Any:
    """TH1D whose bins, without those outside, have the given contents: as TH1::SetBinContent leaves it."""
    inner = np.asarray(contents, np.float64)
    whole = np.concatenate([[0.0], inner, [0.0]])
    # With sums of zero ROOT computes mean and width from the contents when it is asked for them.
    return identify.to_TH1x(
        None,
        title,
        whole,
        float(len(inner)),
        0.0,
        0.0,
        0.0,
        0.0,
        None,
        axis.to_root("xaxis"),
        Axis(1, 0, 1, y_title).to_root("yaxis"),
    )


def filled_2d(title: str, x_axis: Axis, y_axis: Axis, x: NDArray[Any], y: NDArray[Any]) -> Any:
    """TH2F of n events of weight 1.

    Parameters
    ----------
    title : str
    x_axis, y_axis : Axis
    x, y : (n,)
    """
    column, row = x_axis.numbers(x), y_axis.numbers(y)
    width = x_axis.bins + 2
    contents = np.bincount(row * width + column, minlength=width * (y_axis.bins + 2))
    inside = (column > 0) & (column <= x_axis.bins) & (row > 0) & (row <= y_axis.bins)
    a, b = np.asarray(x, np.float64)[inside], np.asarray(y, np.float64)[inside]
    moments = (len(a), len(a), a.sum(), (a * a).sum(), b.sum(), (b * b).sum(), (a * b).sum())
    return identify.to_TH2x(
        None,
        title,
        contents.astype(np.float32),
        float(len(column)),
        *(float(moment) for moment in moments),
        None,
        x_axis.to_root("xaxis"),
        y_axis.to_root("yaxis"),
    )


def labelled_matrix(title: str, matrix: NDArray[Any], labels: Sequence[str], low: float, high: float) -> Any:
    """TH2F with a labelled bin for each element.

    Parameters
    ----------
    title : str
    matrix : (k, k)
    labels : sequence of k str
    low, high : float
        Range of the colours.
    """
    size = len(matrix)
    contents = np.zeros((size + 2, size + 2), np.float32)
    contents[1:-1, 1:-1] = matrix
    axis = Axis(size, 0, size, labels=labels)
    return identify.to_TH2x(
        None,
        title,
        contents.ravel(),
        float(size * size),
        *(0.0,) * 7,
        None,
        axis.to_root("xaxis"),
        axis.to_root("yaxis"),
        fMinimum=low,
        fMaximum=high,
    )
