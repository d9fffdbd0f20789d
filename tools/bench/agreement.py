"""Do the contestants compute the same? Times of programs that do not are no comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.contestants import Contestant
from bench.failures import BenchmarkError, blamed

__all__ = ["TOLERANCE", "check_agreement", "check_same", "results_of"]

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
    ContestantError
        If one of them fails.
    """
    ours, *others = contestants
    wanted = results_of(ours)
    for other in others:
        check_same(other, wanted, ours.name, tolerance)


def results_of(contestant: Contestant) -> dict[str, NDArray[Any]]:
    """What a contestant tells, by name, with training steps.

    Raises
    ------
    ContestantError
        If it fails.
    """
    with blamed(contestant.name):
        return dict(_results(contestant))


def check_same(other: Contestant, wanted: Mapping[str, NDArray[Any]], ours: str, tolerance: float = TOLERANCE) -> None:
    """The same with one contestant, and what the first, `ours`, told."""
    found = results_of(other)
    for quantity in (name for name in found if name in wanted):
        difference = float(np.max(np.abs(found[quantity] - wanted[quantity])))
        if quantity.startswith("gradient"):
            difference /= float(np.max(np.abs(wanted[quantity]))) or 1.0
        if not difference <= tolerance:
            threads = f" with {other.threads} thread(s)" if other.threads else ""
            raise BenchmarkError(
                f"{other.name}{threads} disagrees with {ours} on case {other.problem.case.name} "
                f"{other.problem.layer}: {quantity} differs by {difference:.3g}, more than {tolerance:g}; times of "
                "different computations are not compared"
            )


def _results(contestant: Contestant) -> Iterator[tuple[str, NDArray[Any]]]:
    """What a contestant tells, by name; the training steps last, because they change its weights."""
    yield "score of the batch", contestant.scores()
    if "one" in contestant.does:
        yield "score of one event", np.asarray(contestant.call("one")(), np.float64).reshape(-1)
    for number, arrays in enumerate(contestant.gradients() or []):
        for name, array in arrays.items():
            yield f"gradient of {name} of layer {number}", np.asarray(array, np.float64)
    losses = contestant.losses(_STEPS)
    if losses is not None:
        yield f"loss of {_STEPS} training steps", np.array(losses)
