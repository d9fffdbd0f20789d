"""What differs from batch to batch of a training, in the device's memory: no kernel is told by the host.

So the launches of one batch are those of the next, which a CUDA graph can repeat.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels.cuda.machine.device import upload


class Schedule:
    """The batches of an epoch.

    Parameters
    ----------
    keys : (batches,)
        Of dropout.
    rates : (batches,)
        The optimizer's learning rates.
    done : int
        Training batches since the last inference, before these.

    Attributes
    ----------
    now : (3,) int64 on the device
        The batch to gather next, the batch at hand, and `done`. A batch's first kernel writes the second, which the
        others read; its last writes the first, which only the first kernel reads: no kernel reads what it writes.
    keys, rates : on the device
    """

    def __init__(self, keys: NDArray[np.int64], rates: NDArray[np.float32], done: int) -> None:
        self.now: Any = upload(np.array([0, 0, done]), np.int64)
        self.keys: Any = upload(keys, np.int64)
        self.rates: Any = upload(rates)
