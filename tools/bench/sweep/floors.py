"""What a call must cost on a machine: the longest of the times for operations and bytes, and what must be in memory."""

from __future__ import annotations

from bench.cases import CaseData
from bench.roofline import Peaks, work_of

__all__ = ["held_bytes", "least_seconds"]


def least_seconds(problem: CaseData, what: str, peaks: Peaks) -> float:
    """Seconds that the matrix products take at the measured rate, or, if longer, what memory has to bring.

    That is events and weights where no cache holds them: then they fill what the memory's rate was measured on.
    """
    floors = work_of(problem, what).floors(peaks)
    if held_bytes(problem, what, peaks.threads) < peaks.working_set:
        return floors["operations"]
    return max(floors["operations"], floors["bytes"])


def held_bytes(problem: CaseData, what: str, threads: int) -> int:
    """Bytes of events and targets, of the weights, which model and backend have, and of what the call gives or needs.

    In a training these are a weight for each event, a gradient of each thread and two moments; else the scores.
    """
    parameters = sum(array.size for layer in problem.model.layers for array in layer.weights.values())
    events = len(problem.X)
    numbers = problem.X.size + problem.y.size + 2 * parameters + events
    return 4 * (numbers + ((2 + threads) * parameters if what == "train" else 0))
