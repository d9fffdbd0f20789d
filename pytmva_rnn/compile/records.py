"""Records in memory, which compiled code is handed the addresses of."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from pytmva_rnn.compile.builtin import python_function
from pytmva_rnn.compile.decorators import Operation

__all__ = ["filled", "python_functions"]


def filled(record: NDArray[Any], /, **values: Any) -> NDArray[Any]:
    """A record, an array of shape (1,), with some fields set: an `Operation` stands for its address, None for 0."""
    for name, value in values.items():
        record[name] = value.address if isinstance(value, Operation) else 0 if value is None else value
    return record


def python_functions() -> dict[str, int]:
    """Fields of what lets other threads of Python run beside it: addresses of Python's functions."""
    return {
        "as_float": python_function("PyFloat_FromDouble"),
        "release": python_function("PyEval_SaveThread"),
        "hold": python_function("PyEval_RestoreThread"),
    }
