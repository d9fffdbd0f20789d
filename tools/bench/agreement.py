"""Do the contestants compute the same? Times of programs that do not are no comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.contestants import Contestant
from pytmva_rnn.errors import BenchmarkError

__all__ = ["TOLERANCE", "check_agreement"]

TOLERANCE = 1e-4
"""Largest difference of scores and losses, and of gradients relative to the largest gradient of their array."""

_STEPS = 4
"""Training steps whose losses are compared: from the second on they show what the optimizer did."""


def check_agreement(contestants: Sequence[Contestant], tolerance: float = TOLERANCE) -> None:
    """Compare scores, gradients and losses of training steps with those of the first contestant.

    Parameters
    ----------
    contestants : sequence of Contestant
        Of one problem, still with the initial weights; training steps are made with them.
    tolerance : float

    Raises
    ------
    BenchmarkError
        If they differ, or are not finite; names the contestant, its threads and the quantity.
    """
    ours, *others = contestants
    wanted = dict(_results(ours))
    for other in others:
        for quantity, value in _results(other):
            difference = float(np.max(np.abs(value - wanted[quantity])))
            if quantity.startswith("gradient"):
                difference /= float(np.max(np.abs(wanted[quantity]))) or 1.0
            if not difference <= tolerance:
                raise BenchmarkError(
                    f"{other.name} with {other.threads} thread(s) disagrees with {ours.name} on case "
                    f"{other.problem.case.name} {other.problem.layer}: {quantity} differs by {difference:.3g}, more "
                    f"than {tolerance:g}; times of different computations are not compared"
                )


def _results(contestant: Contestant) -> Iterator[tuple[str, NDArray[Any]]]:
    """What a contestant tells, by name; the training steps last, because they change its weights."""
    yield "score of the batch", contestant.scores()
    yield "score of one event", np.asarray(contestant.call("one")(), np.float64).reshape(-1)
    for number, arrays in enumerate(contestant.gradients() or []):
        for name, array in arrays.items():
            yield f"gradient of {name} of layer {number}", np.asarray(array, np.float64)
    losses = contestant.losses(_STEPS)
    if losses is not None:
        yield f"loss of {_STEPS} training steps", np.array(losses)
