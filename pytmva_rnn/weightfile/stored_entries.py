"""What pytmva_rnn keeps in a weight file for itself: JSON in entries of GeneralInfo, which C++ TMVA passes over."""

from __future__ import annotations

import json
from typing import Any

from pytmva_rnn.description import Description
from pytmva_rnn.errors import WeightFileError

__all__ = ["stored_value"]


def stored_value(model: Description, name: str) -> Any:
    """The value of the entry `name`; None where there is none.

    Raises
    ------
    WeightFileError
        If it is no JSON.
    """
    text = dict(model.info).get(name)
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # also of a number of very many digits, and of endless brackets
        raise WeightFileError(f'<Info name="{name}"> is not JSON: {error}') from error
