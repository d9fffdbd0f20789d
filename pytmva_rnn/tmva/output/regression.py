"""How far a regression is off: TMVA's numbers and histograms.

Source of all binnings, names and algorithms: TMVA's MethodBase.cxx (TestRegression), ResultsRegression.cxx and
Tools.cxx (GetMutualInformation).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import Variable
from pytmva_rnn.tmva.output.histograms import Axis, filled, filled_2d

__all__ = ["Deviation", "deviation_histograms", "deviation_of"]

Values = NDArray[np.float64]


class Deviation(NamedTuple):
    """Of prediction - target; the `truncated` ones without events that are off by more than 2 rms from the average.

    Attributes
    ----------
    bias, bias_truncated : float
        Mean.
    absolute : float
        Mean of the absolute value, by which TMVA ranks methods.
    rms, rms_truncated : float
        Spread about the mean.
    information, information_truncated : float
        Mutual information of prediction and target.
    """

    bias: float
    bias_truncated: float
    absolute: float
    rms: float
    rms_truncated: float
    information: float
    information_truncated: float


def deviation_of(predictions: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any]) -> Deviation:
    """How far predictions (n,) are from targets (n,)."""
    r, t, w = (np.asarray(values, np.float64) for values in (predictions, targets, weights))
    d = r - t
    bias, rms = _moments(d, w)
    near = np.abs(d - bias) <= 2 * rms
    bias_truncated, rms_truncated = _moments(d[near], w[near])
    low, high = float(min(r.min(), t.min())), float(max(r.max(), t.max()))
    axes = Axis(150, low, high), Axis(100, low, high)
    return Deviation(
        bias,
        bias_truncated,
        _mean(np.abs(d), w),
        rms,
        rms_truncated,
        _mutual_information(*axes, r, t, w),
        _mutual_information(*axes, r[near], t[near], w[near]),
    )


def deviation_histograms(
    prefix: str,
    predictions: NDArray[Any],
    targets: NDArray[Any],
    weights: NDArray[Any],
    columns: NDArray[Any],
    variables: Sequence[Variable],
    target_table: Sequence[Variable],
) -> Iterator[tuple[str, Any]]:
    """Names and histograms: deviations against variables and targets, and squared deviations.

    Parameters
    ----------
    prefix : str
        `MVA_<title>test` or `MVA_<title>train`.
    predictions, targets : (n, O)
    weights : (n,)
    columns : (n, NVar)
    variables, target_table : sequences of NVar and of O Variable
    """
    groups = (("var", columns, variables), ("tgt", targets, target_table))
    for letters, values, table in groups:
        for i, variable in enumerate(table):
            for j, target in enumerate(target_table):
                name = f"{prefix}_reg_{letters}{i}_rtgt{j}"
                x, y = values[:, i], predictions[:, j] - targets[:, j]
                y_title = f"{target.title}_{{regression}} - {target.title}_{{true}}"
                yield name, filled_2d(name, _around(x, variable.title), _around(y, y_title), x, y)
    for j in range(len(target_table)):
        square = (predictions[:, j].astype(np.float64) - targets[:, j]) ** 2
        axis = _from_zero(square.max())
        yield _squares(f"{prefix}_Quadr_Deviation_target_{j}_", axis, square, weights)
        inner = np.bincount(axis.numbers(square), weights, axis.bins + 2)[1:-1]
        below = np.append(0.0, inner.cumsum()) / (inner.sum() or 1.0)
        limit = float(np.interp(0.9, below, np.linspace(axis.low, axis.high, axis.bins + 1)))
        best = square <= limit
        yield _squares(f"{prefix}_Quadr_Dev_best90perc_target_{j}_", _from_zero(limit), square[best], weights[best])


def _mean(values: Values, weights: Values) -> float:
    total = float(weights.sum())
    return float(values @ weights) / total if total else float("nan")


def _moments(d: Values, w: Values) -> tuple[float, float]:
    bias = _mean(d, w)
    return bias, float(np.sqrt(max(_mean((d - bias) ** 2, w), 0.0)))


def _mutual_information(x_axis: Axis, y_axis: Axis, x: Values, y: Values, weights: Values) -> float:
    """In bins twice as wide as those of the axes; -1 if there is nothing."""
    if not x_axis.high > x_axis.low:
        return -1.0
    width = x_axis.bins + 2
    flat = y_axis.numbers(y) * width + x_axis.numbers(x)
    cells = np.bincount(flat, weights, width * (y_axis.bins + 2)).reshape(-1, width)[1:-1, 1:-1]
    cells = cells.reshape(y_axis.bins // 2, 2, x_axis.bins // 2, 2).sum(axis=(1, 3))
    if cells.sum() == 0:
        return -1.0
    joint = cells / cells.sum()
    apart = joint.sum(axis=1)[:, None] * joint.sum(axis=0)
    used = (joint > 0) & (joint.sum(axis=1)[:, None] > 0) & (joint.sum(axis=0) > 0)
    return float(np.sum(joint[used] * np.log(joint[used] / apart[used])))


def _around(values: NDArray[Any], title: str) -> Axis:
    """50 bins that hold all values with one more on each side."""
    low, high = float(values.min()), float(values.max())
    margin = 1.01 * (high - low) / 49 or 0.5
    return Axis(50, low - margin, high + margin, title)


def _from_zero(high: float) -> Axis:
    return Axis(500, 0.0, 1.1 * float(high) or 1.0, "Quadratic Deviation")


def _squares(name: str, axis: Axis, square: Values, weights: NDArray[Any]) -> tuple[str, Any]:
    return name, filled(name, axis, square, weights, y_title="Weighted Entries", single=True)
