"""The distributions of a classifier's scores that TMVA's option CreateMVAPdfs keeps, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description.arrays import KeepsArrays, is_numbers
from pytmva_rnn.errors import DataError

__all__ = ["MVAPdf"]


@dataclass(frozen=True, eq=False)
class MVAPdf(KeepsArrays):
    """The scores of one class: a histogram, and how TMVA makes a smooth distribution of it.

    Attributes
    ----------
    name, histogram : str
        TMVA's names: `DL_PDFSig` and `DL_tr_S_original`.
    low, high : float
        Range of the scores.
    contents : array, shape (bins,)
        Of equal bins, so that the sum times their width is 1.
    smoothings : (least, most)
        How often the histogram is smoothed.
    interpolation : int
        TMVA's number of the method: 0 the histogram itself, 1 linear, 2 quadratic, 3 and 5 splines, 6 a kernel
        estimator.
    kernel : (type, iterations, border, fine factor)
        TMVA's settings of the kernel estimator.
    """

    array_names: ClassVar[tuple[str, ...]] = ("contents",)

    name: str
    histogram: str
    low: float
    high: float
    contents: NDArray[Any]
    smoothings: tuple[int, int] = (0, 0)
    interpolation: int = 2
    kernel: tuple[int, int, int, float] = (1, 1, 1, 1.0)

    def check(self) -> None:
        """Make sure that the contents are a histogram's.

        Raises
        ------
        DataError
        """
        contents = self.contents
        if not is_numbers(contents) or contents.ndim != 1 or not len(contents) or not np.isfinite(contents).all():
            raise DataError(f"{self.name}: expected finite contents of one bin or more")
