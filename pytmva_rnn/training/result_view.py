"""What the result of a training shows of itself in a notebook."""

from __future__ import annotations

import math
import signal
from typing import TYPE_CHECKING

from pytmva_rnn.description import running_epochs
from pytmva_rnn.html_elements import details, number
from pytmva_rnn.network.network_view import network_elements
from pytmva_rnn.notebook import curves, facts, shown

if TYPE_CHECKING:
    from pytmva_rnn.training.result import Result

__all__ = ["result_html"]


def result_html(result: Result) -> str:
    """As HTML: the errors, drawn, and the network where one asks for it."""
    history = result.history
    about: dict[str, object] = {}
    if not result.improved:
        about["weights"] = "those that the training began with: no epoch was better"
    if result.interrupted:
        about["interrupted by"] = signal.Signals(result.interrupted).name
    if history:
        best = min(history, key=lambda row: (math.isnan(row.validation_error), row.validation_error))
        about["lowest validation error"] = f"{best.validation_error:.6g} in epoch {best.epoch} of phase {best.phase}"
        about["training error there"] = f"{best.training_error:.6g}"
    about["validation error before"] = number(result.initial_validation_error, 6)
    about["time"] = f"{result.training_time:.1f} s"
    parts = [facts(about)]
    if history:
        errors = {
            "training error": [row.training_error for row in history],
            "validation error": [row.validation_error for row in history],
        }
        parts.append(curves("epoch", running_epochs(history), errors))
    return shown(
        f"Result of training {result.model.title}", *parts, details("Network", *network_elements(result.model))
    )
