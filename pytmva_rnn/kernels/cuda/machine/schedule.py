"""What differs from batch to batch of a training, in the device's memory: no kernel is told by the host.

So the launches of one batch are those of the next, and those of another epoch, which a CUDA graph can repeat.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels.cuda.machine.copies import fill
from pytmva_rnn.kernels.cuda.machine.device import empty


class Schedule:
    """The batches of an epoch, in memory for up to `most` of them.

    Attributes
    ----------
    now : (3,) int64 on the device
        The batch to gather next, the batch at hand, and how many came since the last inference before these. A batch's
        first kernel writes the second, which the others read; its last writes the first, which only the first kernel
        reads: no kernel reads what it writes.
    order : (most, events) int64 on the device
        Each batch's events.
    keys : (most,) int64 on the device
        Of dropout.
    rates : (most,) float32 on the device
        The optimizer's learning rates.
    """

    def __init__(self, most: int, events: int) -> None:
        self.now: Any = empty(3, np.int64)
        self.order: Any = empty((most, events), np.int64)
        self.keys: Any = empty(most, np.int64)
        self.rates: Any = empty(most)

    def begin(
        self,
        order: NDArray[np.int64],
        keys: NDArray[np.int64],
        rates: NDArray[np.float32],
        done: int,
        stream: Any = 0,
    ) -> None:
        """Note the batches of another epoch; `done` is how many came since the last inference before them."""
        sources = (np.array([0, 0, done]), order, keys, rates)
        for target, source in zip((self.now, self.order, self.keys, self.rates), sources, strict=True):
            fill(target, source, stream)
