"""Curves of cost beside a floor: what they come to, and where they break.

A floor is what the machine needs at least for what must be done, at its measured rates. A network whose cost is a fixed
part for the call and otherwise so many times the floor grows as it should; a cliff is where it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

__all__ = ["CLIFF", "Curve", "Fit", "Point", "cliffs", "fit"]

CLIFF = 1.5
"""Times what the neighbours let expect."""


@dataclass(frozen=True)
class Point:
    """What one value of an axis costs.

    Attributes
    ----------
    value : int
    cost : float
        Seconds of the quickest round, or bytes.
    floor : float
        What it must cost.
    """

    value: int
    cost: float
    floor: float


@dataclass(frozen=True)
class Fit:
    """`cost = fixed + times * floor`."""

    fixed: float
    times: float


@dataclass(frozen=True)
class Curve:
    """Costs along an axis.

    Attributes
    ----------
    axis : str
    layer : str
    what : str
        "train", "infer" or "one", or how events are streamed.
    quantity : "seconds" or "bytes"
    points : tuple of Point
        By increasing value.
    least : float
        Differences below this are none.
    """

    axis: str
    layer: str
    what: str
    quantity: str
    points: tuple[Point, ...]
    least: float = 0.0

    @property
    def title(self) -> str:
        return f"{self.axis}, {self.layer} {self.what}, {'time' if self.quantity == 'seconds' else 'memory'}"


def fit(points: Sequence[Point]) -> Fit:
    """The fixed part, not below zero, and the multiple of the floor that lie nearest, by relative deviations."""
    costs, floors = (np.array([getattr(point, name) for point in points], float) for name in ("cost", "floor"))
    columns = np.stack([1 / costs, floors / costs], axis=1)
    (fixed, times), *_ = np.linalg.lstsq(columns, np.ones(len(costs)), rcond=None)
    if fixed < 0 or len(points) < 2:
        share = floors / costs
        fixed, times = 0.0, float(share.sum() / (share @ share))
    elif times < 0:
        fixed, times = float((1 / costs).sum() / (1 / costs @ (1 / costs))), 0.0
    return Fit(float(fixed), float(times))


def cliffs(curve: Curve, factor: float = CLIFF) -> list[str]:
    """Where a curve breaks, in words.

    Two things are no growth: a value that costs more times its floor than the one before it, by more than `factor`;
    and one that costs by more than `factor` more than the next one, which is larger, beyond what the floor falls.
    """
    found = []
    for low, high in pairwise(curve.points):
        if abs(high.cost - low.cost) <= curve.least:
            continue
        grown, needed = high.cost / low.cost, max(1.0, high.floor / low.floor)
        if grown > factor * needed:
            found.append(
                f"{curve.title}: {high.value:,} costs {grown:.2f} times as much as {low.value:,}, and the floor grows "
                f"by {needed:.2f}"
            )
        if low.cost > factor * max(1.0, low.floor / high.floor) * high.cost:
            found.append(f"{curve.title}: {low.value:,} costs {1 / grown:.2f} times as much as {high.value:,}")
    return found
