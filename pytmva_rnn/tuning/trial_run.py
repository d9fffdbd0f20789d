"""A trial as a worker runs it: whatever happens in it becomes an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pytmva_rnn import extras
from pytmva_rnn.errors import TMVAError, first_line
from pytmva_rnn.interruption import signal_number
from pytmva_rnn.tuning.objective import Job, Report, TrialValue, evaluate_job

__all__ = ["TrialOutcome", "run_job"]

optuna: Any = extras.optuna()


@dataclass(frozen=True)
class TrialOutcome:
    """How a trial has ended.

    Attributes
    ----------
    state : "complete", "pruned", "failed" or "interrupted"
    evaluation : TrialValue, optional
        Of a complete one.
    error : str
        Of a failed one.
    signal : int
        That has interrupted it.
    """

    state: Literal["complete", "pruned", "failed", "interrupted"]
    evaluation: TrialValue | None = None
    error: str = ""
    signal: int = 0


def run_job(job: Job, report: Report) -> TrialOutcome:
    """Train and evaluate a trial; no error of it ends the search."""
    try:
        return TrialOutcome("complete", evaluate_job(job, report))
    except optuna.TrialPruned:
        return TrialOutcome("pruned")
    except TMVAError as error:
        return TrialOutcome("failed", error=str(error))
    except Exception as error:
        return TrialOutcome("failed", error=f"{type(error).__name__}: {first_line(error)}")
    except KeyboardInterrupt as error:
        return TrialOutcome("interrupted", signal=signal_number(error))
