"""Numbers as plain data, which JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

__all__ = ["plain_data"]


def plain_data(value: Any) -> Any:
    """Dataclasses, arrays and named tuples as tables, lists and numbers; NaN and infinity, which JSON has not, as None.

    Floats keep nine digits, with which float32 is exact.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain_data(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain_data(value._asdict())
    if isinstance(value, Mapping):
        return {str(key): plain_data(each) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return plain_data(value.tolist())
    if isinstance(value, list | tuple | set | frozenset | range):
        return [plain_data(each) for each in value]
    if isinstance(value, np.generic):
        return plain_data(value.item())
    if isinstance(value, float):
        return float(f"{value:.9g}") if math.isfinite(value) else None
    return str(value) if isinstance(value, PurePath) else value
