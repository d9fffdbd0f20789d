"""Networks that no machine has room for: told before anything is allocated."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from math import prod
from pathlib import Path

from pytmva_rnn.description.abstract_layer import Layer, Shape
from pytmva_rnn.errors import DataError

__all__ = ["check_memory", "machine_memory"]

_BYTES_PER_PARAMETER = 16
"""Weights, gradients and an optimizer's two moments in float32; a model that scores has as much in double precision."""
_BYTES_PER_VALUE = 4 * 64
"""Activations of the 64 events, at the least, that go through a network at once."""


def check_memory(layers: Sequence[Layer], input_shape: Shape) -> None:
    """Make sure that the machine has room for a network.

    Parameters
    ----------
    layers : sequence of Layer
        Whose inputs fit; they need not have weights.
    input_shape : (depth, height, width) of one event

    Raises
    ------
    DataError
        Naming the first layer that does not fit beside those before it, and the memory that it would take.
    """
    room = machine_memory()
    taken = 0
    shape = input_shape
    for number, layer in enumerate(layers):
        shape = layer.output_shape(shape)
        parameters = sum(prod(array.shape) for array in layer.arrays().values())
        needed = _BYTES_PER_PARAMETER * parameters + _BYTES_PER_VALUE * prod(shape)
        taken += needed
        if taken > room:
            raise DataError(
                f"layer {number} ({layer.kind}) would take {_gigabytes(needed)} of memory for its "
                f"{_number(parameters)} parameters, but this machine has {_gigabytes(room)}"
                + ("" if needed > room else f", of which the layers before it take {_gigabytes(taken - needed)}")
                + "; make it smaller"
            )


def _number(count: int) -> str:
    return f"{count:,}" if count < 10**18 else "more than 10^18"


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count < 10**18 else "more than 10^9 GB"


@cache
def machine_memory() -> int:
    """Bytes of memory that this machine has, or that its container may use."""
    limits = [1 << 40]  # where nothing can be found out
    with suppress(AttributeError, OSError, ValueError):  # Windows
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # none, or "max"
            limits.append(int(Path(path).read_text(encoding="utf-8")))
    return min(limit for limit in limits if limit > 0)
