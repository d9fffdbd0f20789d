"""The response to more than two classes: TMVA's histograms.

Source of all binnings and names: TMVA's ResultsMulticlass.cxx.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.report.metrics import roc_curve
from pytmva_rnn.tmva.output.histograms import Axis, filled, listed

__all__ = ["class_histograms"]

_PROBABILITY = Axis(40, -0.0002, 1.0002)
_EFFICIENCY = Axis(100, 0, 1, "Signal eff")


def class_histograms(prefix: str, scores: NDArray[np.float32], data: Dataset) -> Iterator[tuple[str, Any]]:
    """Names and histograms of the scores, and of background rejection against signal efficiency.

    Parameters
    ----------
    prefix : str
        `MVA_<title>_Test` or `MVA_<title>_Train`.
    scores : (n, classes)
    data : Dataset
        n events.
    """
    for number, name in enumerate(data.classes):
        member = data.class_index == number
        for output, score_of in enumerate(data.classes):
            title = f"{prefix}_{score_of}_prob_for_{name}"
            values, weights = scores[member, output], data.weights[member]
            yield title, filled(title, _PROBABILITY, values, weights, single=True, density=True)
    for number, name in enumerate(data.classes):
        everything = np.ones(len(data), dtype=bool)
        yield (
            f"{prefix}_rejBvsS_{name}",
            _rejection(f"{prefix}_{name}", scores[:, number], data, number, everything),
        )
        for other, rival in enumerate(data.classes):
            if other != number:
                pair = (data.class_index == number) | (data.class_index == other)
                versus = f"{name}_vs_{rival}"
                yield (
                    f"{prefix}_1v1rejBvsS_{versus}",
                    _rejection(f"{prefix}_{versus}", scores[:, number], data, number, pair),
                )


def _rejection(title: str, scores: NDArray[np.float32], data: Dataset, number: int, used: NDArray[np.bool_]) -> Any:
    _, efficiency, rejection = roc_curve(data.class_index[used] == number, scores[used], data.weights[used])
    contents = np.interp(_EFFICIENCY.centres, efficiency, rejection)
    return listed(title, _EFFICIENCY, contents, y_title="Backgr rejection (1-eff)")
