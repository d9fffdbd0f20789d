"""What is varied: one size at a time, the others as in a base case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.cases import Case
from pytmva_rnn.errors import DataError
from pytmva_rnn.kernels.cpu.machine.concurrency import available_threads

__all__ = ["AXES", "BASE", "EVENTS", "Setting", "settings_of"]

BASE = Case("base", 256, 20, 8, 64, False, 32)
"""Case 2 of the comparison with other programs."""

_BATCH_FOR_THREADS = 4096
"""Enough for every thread of a large machine to have something to do."""

AXES: dict[str, tuple[int, ...]] = {
    "state": (4, 7, 10, 16, 17, 24, 32, 33, 48, 64, 65, 96, 128, 129, 192, 256, 257, 384, 512),
    "steps": (1, 2, 3, 5, 10, 20, 50, 100, 200, 500),
    "inputs": (1, 2, 4, 8, 9, 16, 30, 64, 128, 256),
    "batch": (1, 2, 4, 8, 15, 16, 17, 32, 64, 100, 128, 256, 257, 1024, 4096, 16384, 65536),
    "threads": (),
    "events": (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000),
}
"""By the axis, its values: H, T, D, and what the machine and the data bring. Beside round numbers stand those by one
larger, with which a register, a vector or a cache may be full. Threads are as many as the machine has."""

EVENTS = "events"
"""The axis of samples that are read from files piece by piece."""


@dataclass(frozen=True)
class Setting:
    """A point of an axis.

    Attributes
    ----------
    value : int
        Of what is varied.
    case : Case
    threads : int
    """

    value: int
    case: Case
    threads: int


def settings_of(axis: str, values: Sequence[int] | None = None) -> list[Setting]:
    """The points of an axis.

    Parameters
    ----------
    axis : str
        One of `AXES`, but for the events.
    values : sequence of int, optional
        Others than those of `AXES`.

    Raises
    ------
    DataError
        For more threads than there are cores.
    """
    cores = available_threads()
    if axis == "threads":
        chosen = list(values or range(1, cores + 1))
        if max(chosen) > cores:
            raise DataError(f"{max(chosen)} threads are more than the {cores} cores that this process may use")
        return [Setting(n, replace(BASE, name=f"{axis} {n}", batch=_BATCH_FOR_THREADS), n) for n in chosen]
    found = []
    for value in values or AXES[axis]:
        varied: dict[str, Any] = {axis: value}  # the axis has the name that the case's size has
        found.append(Setting(value, replace(BASE, name=f"{axis} {value}", **varied), 1))
    return found
