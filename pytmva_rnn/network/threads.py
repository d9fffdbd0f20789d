"""How many threads a user asks for."""

from __future__ import annotations

import os

from pytmva_rnn.errors import OptionError

__all__ = ["VARIABLE", "asked_threads"]

VARIABLE = "PYTMVA_RNN_THREADS"


def asked_threads(threads: int | None) -> int | None:
    """The argument `threads`, else the environment variable PYTMVA_RNN_THREADS, else None: what pays.

    Raises
    ------
    ValueError
        For an argument below 1.
    OptionError
        If the variable is not a number from 1 on.
    """
    if threads is not None:
        if threads < 1:
            raise ValueError(f"threads must be 1 or more, not {threads}")
        return threads
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    if not (text.isdecimal() and int(text) > 0):
        raise OptionError(f"the environment variable {VARIABLE} is {text!r}; set it to a number of threads, 1 or more")
    return int(text)
