"""What a training gives."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytmva_rnn.description import HistoryRow
from pytmva_rnn.first_imports import importing
from pytmva_rnn.model import Model

__all__ = ["Result"]


@dataclass
class Result:
    """What training gives.

    Attributes
    ----------
    model : Model
        With the weights of the lowest validation error.
    history : list of HistoryRow
    initial_validation_error : float
        Validation error before any training.
    training_time : float
        Seconds, without what the CPU's kernels took to compile.
    interrupted : int
        The signal that ended the training early, such as `signal.SIGINT` of Ctrl-C; 0 if none did.
    improved : bool
        Whether any epoch was better than the start; otherwise the model has its initial weights and is worth nothing.
    """

    model: Model
    history: list[HistoryRow] = field(default_factory=list)
    initial_validation_error: float = float("nan")
    training_time: float = 0.0
    interrupted: int = 0
    improved: bool = True

    def _repr_html_(self) -> str:
        """In a notebook: the errors, drawn, and the network."""
        with importing:
            from pytmva_rnn.training.result_view import result_html  # it brings what makes HTML

        return result_html(self)
