"""The losses of some batches, summed on the device until the host asks."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytmva_rnn.kernels.cuda.losses import SUMS
from pytmva_rnn.kernels.cuda.machine.copies import read
from pytmva_rnn.kernels.cuda.machine.device import zeros


class LossSums:
    """Sums of losses.

    Attributes
    ----------
    sums : (SUMS,) float64 on the device
    """

    def __init__(self) -> None:
        self.sums: Any = zeros(SUMS, np.float64)
        self._zeros: Any = zeros(SUMS, np.float64)

    def clear(self, stream: Any) -> None:
        """Begin again at zero."""
        self.sums.copy_to_device(self._zeros, stream=stream)

    def total(self) -> float:
        """The sum since then, after all that was launched."""
        return float(read(self.sums).sum())
