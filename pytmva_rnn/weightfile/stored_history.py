"""The history of the training, as a weight file keeps it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from pytmva_rnn.description import Description, HistoryRow
from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.weightfile.stored_entries import stored_value

__all__ = ["ADDITIONS", "HISTORY", "additions_info", "history_info", "stored_history"]

HISTORY = "pytmva_rnn History"
"""Name of the entry of GeneralInfo: rows of phase, epoch, training error and validation error, as JSON."""

ADDITIONS = "pytmva_rnn Additions"
"""Name of the entry of GeneralInfo: what the training did that TMVA has not, as JSON."""


_LARGEST = 10**9
"""Phase or epoch."""


def history_info(history: Iterable[HistoryRow]) -> tuple[str, str]:
    """The entry for a history; errors keep seven digits."""
    rows = [
        [row.phase, row.epoch, *(float(f"{error:.7g}") for error in (row.training_error, row.validation_error))]
        for row in history
    ]
    return (HISTORY, json.dumps(rows))


def additions_info(additions: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The entry for what a training did beyond TMVA's, if it did: for people, since no score depends on it."""
    return [(ADDITIONS, json.dumps(additions))] if additions else []


def stored_history(model: Description) -> list[HistoryRow]:
    """The rows of a weight file; none where it does not tell, as those of C++ TMVA.

    Raises
    ------
    WeightFileError
        If what is stored are no such rows.
    """
    rows = stored_value(model, HISTORY)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise WeightFileError(f'<Info name="{HISTORY}"> is not a list of rows but {str(rows)[:60]}')
    return [_row(number, values) for number, values in enumerate(rows)]


def _row(number: int, values: Any) -> HistoryRow:
    match values:
        case [int(phase), int(epoch), int() | float() as training, int() | float() as validation] if (
            1 <= phase <= _LARGEST
            and 1 <= epoch <= _LARGEST
            and bool not in map(type, values)
            # a whole number of more digits than a float has room for
            and not any(abs(error) > sys.float_info.max for error in (training, validation) if type(error) is int)
        ):
            return HistoryRow(phase, epoch, float(training), float(validation))
    raise WeightFileError(
        f'<Info name="{HISTORY}">: row {number} is {str(values)[:60]}; expected phase and epoch, from 1, and the '
        "training and the validation error"
    )
