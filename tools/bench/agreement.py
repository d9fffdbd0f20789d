"""Do the contestants compute the same? Times of programs that do not are no comparison."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.contestants import Contestant
from bench.failures import BenchmarkError, blamed
from bench.patience import Overdue, Patience

__all__ = ["TOLERANCE", "check_agreement", "check_same", "results_of"]

TOLERANCE = 1e-4
"""Largest difference of scores and losses, and of gradients relative to the largest gradient of their array."""

_STEPS = 4
"""Training steps whose losses are compared: from the second on they show what the optimizer did."""


def check_agreement(
    contestants: Iterable[Contestant], patience: Patience | None = None, share: float = 0.0
) -> list[Contestant]:
    """Compare scores, gradients and losses of training steps with those of the first contestant.

    Parameters
    ----------
    contestants : iterable of Contestant
        Of one problem, still with the initial weights; training steps are made with them.
    patience : Patience, optional
        How long to wait; is told of those that take too long, which are not among what is returned.
    share : float
        Seconds that it should take, or what the first takes where that is more.

    Raises
    ------
    BenchmarkError
        If they differ, or are not finite; names the contestant, its threads and the quantity.
    ContestantError
        If one of them fails.
    """
    patience = patience or Patience()
    agreeing: list[Contestant] = []
    wanted: dict[str, NDArray[Any]] = {}
    for contestant in contestants:
        started = time.perf_counter()
        if not agreeing:
            wanted = results_of(contestant)
        else:
            check_same(contestant, wanted, agreeing[0].name)
        spent = time.perf_counter() - started
        if not agreeing:
            share = max(share, spent)
        most = patience.most(share)
        if most is not None and spent > most:
            patience.overdue.append(Overdue(contestant.name, contestant.threads, spent, share))
        else:
            agreeing.append(contestant)
    return agreeing


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
        expected = wanted[quantity][: len(found[quantity])] if quantity.startswith("score") else wanted[quantity]
        difference = float(np.max(np.abs(found[quantity] - expected)))
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
