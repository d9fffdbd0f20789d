"""The branches of the trees that `train` writes, beside the scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.config.output_table import SCORE_BRANCHES
from pytmva_rnn.data import Dataset

__all__ = ["sample_columns"]


def sample_columns(data: Dataset, rows: slice = slice(None)) -> dict[str, NDArray[Any]]:
    """The branches `SCORE_BRANCHES` of events of a training or test sample; the first two TMVA's own trees have too."""
    classes, files = (numbers[rows].astype(np.int32) for numbers in (data.class_index, data.file_index))
    values = (classes, data.weights[rows].astype(np.float32), data.entries[rows], files)
    return dict(zip(SCORE_BRANCHES, values, strict=True))
