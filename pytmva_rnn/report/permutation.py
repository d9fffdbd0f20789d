"""What inputs and time steps are worth to a network: how much worse it does when their values are exchanged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.model import Model
from pytmva_rnn.network.events import mask_of
from pytmva_rnn.report.event_inputs import EventInputs

__all__ = ["Executor", "Importance", "ImportanceRow", "check_executor", "permutation_importance"]

_MOST_SCORES = 5_000_000
"""Scores that all permutations compute together; with more of them, fewer events are taken."""
_FEWEST = 500
"""Events that are taken all the same."""


class Executor(Protocol):
    """What computes elsewhere: of `concurrent.futures`, Dask's Client, mpi4py, Parsl, ..."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Any:
        """Begin a call; what is returned has `result()`."""


@dataclass(frozen=True)
class ImportanceRow:
    """Of one input or step.

    Attributes
    ----------
    name : str
    mean : float
        How much worse the network does without.
    spread : float
        Standard deviation over the repeats; NaN of a single one.
    """

    name: str
    mean: float
    spread: float


@dataclass(frozen=True)
class Importance:
    """What inputs and time steps are worth to a network.

    Attributes
    ----------
    measure : str
        What gets worse, in words.
    base : float
        Its value with everything.
    events, repeats : int
        With how many events it was computed, and how often each is permuted.
    inputs : tuple of ImportanceRow
    steps : tuple of ImportanceRow
        Empty for flat events.
    """

    measure: str
    base: float
    events: int
    repeats: int
    inputs: tuple[ImportanceRow, ...]
    steps: tuple[ImportanceRow, ...]


def permutation_importance(
    model: Model,
    X: NDArray[np.float32],
    layout: EventInputs,
    measure: Callable[[NDArray[Any], NDArray[np.int64]], float],
    words: str,
    random: np.random.Generator,
    *,
    sign: int = 1,
    repeats: int = 5,
    executor: Executor | None = None,
    backend: str = "cpu",
) -> Importance:
    """How much worse a network does when the values of an input, or of a step, are exchanged among events.

    They are exchanged among events that have the same steps, an input at all steps at once: what pads stays where it
    is, and an input keeps its course over the steps.

    Parameters
    ----------
    model : Model
    X : (n, T, D) float32
    layout : EventInputs
    measure : function of scores and of which of the n events they are
        Returns what gets worse.
    words : str
        What that is.
    random : Generator
    sign : int
        1 where a network does worse with a lower measure, -1 with a higher one.
    repeats : int
    executor : optional
        Anything with `submit`; its processes get the model and X with each of the (T + D) * repeats calls.
    backend : str
        As for `Model.predict`.
    """
    groups: list[tuple[str, int | None, int | None]] = [(name, None, d) for d, name in enumerate(layout.names)]
    if layout.steps > 1:
        groups += [(str(t), t, None) for t in range(layout.steps)]
    events = min(len(X), max(_FEWEST, _MOST_SCORES // max(1, len(groups) * repeats)))
    chosen = np.arange(events) if model.remembers else np.sort(random.permutation(len(X))[:events])
    X = np.ascontiguousarray(X[chosen])
    _, there = np.unique(layout.there(X), axis=0, return_inverse=True)
    base = measure(_permuted_scores(model, X, None, None, np.arange(events), backend), chosen)
    orders = [_exchanged(there.reshape(-1), random) for _ in range(len(groups) * repeats)]
    calls = [
        (model, X, step, number, order, backend)
        for (_, step, number), order in zip([g for g in groups for _ in range(repeats)], orders, strict=True)
    ]
    losses = [sign * (base - measure(scores, chosen)) for scores in _computed(calls, executor)]
    rows = [
        ImportanceRow(name, float(np.mean(own)), float(np.std(own, ddof=1)) if repeats > 1 else float("nan"))
        for (name, _, _), own in zip(groups, np.reshape(losses, (len(groups), repeats)), strict=True)
    ]
    split = len(layout.names)
    return Importance(words, base, events, repeats, tuple(rows[:split]), tuple(rows[split:]))


def check_executor(executor: Any) -> None:
    """Refuse what is no executor, before the work.

    Raises
    ------
    DataError
        If it cannot submit.
    """
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise DataError(f"an executor has a method submit, as those of concurrent.futures; {executor!r:.80} has none")


def _computed(calls: Sequence[tuple[Any, ...]], executor: Executor | None) -> Any:
    if executor is None:
        return (_permuted_scores(*call) for call in calls)
    futures = [executor.submit(_permuted_scores, *call) for call in calls]
    return (future.result() for future in futures)


def _permuted_scores(
    model: Model, X: NDArray[np.float32], step: int | None, number: int | None, order: NDArray[np.int64], backend: str
) -> NDArray[np.float32]:
    """Scores of events (n, T, D) that take the inputs of a step, or an input of all steps, from others."""
    if step is not None or number is not None:
        X = X.copy()
        where = (slice(None), slice(None) if step is None else step, slice(None) if number is None else number)
        X[where] = X[where][order]
    return model.predict(X.reshape(len(X), -1) if X.shape[1] == 1 else X, mask=mask_of(model, X), backend=backend)


def _exchanged(group: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """From which event, of the same group, each takes its values."""
    order = np.empty(len(group), np.int64)
    order[np.argsort(group, kind="stable")] = np.lexsort((random.random(len(group)), group))
    return order
