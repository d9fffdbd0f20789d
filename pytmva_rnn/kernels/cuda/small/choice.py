"""Which networks get one kernel, and how many events a block of it takes at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytmva_rnn.kernels.cuda.machine.device import (
    SIMULATED,
    multiprocessors,
    shared_bytes,
    shared_bytes_of_all,
    switched_on,
)
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights
from pytmva_rnn.kernels.cuda.small.kernels import SmallNetwork
from pytmva_rnn.kernels.cuda.small.part import Block, NotFitting

__all__ = ["BLOCKS", "FEWEST_SCORED", "FEWEST_TRAINED", "VARIABLE", "blocks_of", "choose", "one_kernel_wanted"]

VARIABLE = "PYTMVA_RNN_CUDA_ONE_KERNEL"

FEWEST_TRAINED, FEWEST_SCORED = (1, 1) if SIMULATED else (16, 1 << 10)
"""Events of a batch, and of a sample, that are worth a kernel's compilation, which takes some seconds for each network.

The general path has kernels for all networks, and fewer events go through it in a tenth of a millisecond.
"""

BLOCKS = 2
"""At most so many blocks of a multiprocessor: while one waits at a barrier another works."""

_EVENTS = (1, 2) if SIMULATED else (1, 2, 4, 8, 16)
"""Events of a block, of which the fewest are taken that keep all of a small batch at work at once."""

_FEWEST = 1 if SIMULATED else 8
"""Larger batches are for such kernels where each of `BLOCKS` blocks has room for so many events."""

_RESERVED = 0 if SIMULATED else 1 << 10
"""Bytes of shared memory that a block has for the system."""

_THREADS = 4 if SIMULATED else 256


def one_kernel_wanted() -> bool:
    """Whether networks may have one kernel: unless the environment says no."""
    return switched_on(VARIABLE, otherwise=True)


def choose(
    layers: Sequence[Any], weights: DeviceWeights, numbers: int, events: int, *, training: bool
) -> SmallNetwork | None:
    """The network in one kernel, for batches of some events; None if it is not one for that.

    Parameters
    ----------
    layers : sequence of layer descriptions
    weights : DeviceWeights
    numbers : int
        Of an event, T*D.
    events : int
    training : bool
    """
    if events < (FEWEST_TRAINED if training else FEWEST_SCORED):
        return None
    try:
        all_sizes = [SmallNetwork(layers, weights, numbers, Block(each, _THREADS, training)) for each in _EVENTS]
    except NotFitting:
        return None
    fitting = [each for each in all_sizes if each.needs <= shared_bytes()]
    at_once = [each for each in fitting if each.block.events * multiprocessors() >= events]
    many = [each for each in fitting if each.block.events >= _FEWEST and blocks_of(each) == BLOCKS]
    return next(iter(at_once or reversed(many)), None)


def blocks_of(network: SmallNetwork) -> int:
    """How many of its blocks a multiprocessor has at once."""
    return max(1, min(BLOCKS, shared_bytes_of_all() // (network.needs + _RESERVED)))
