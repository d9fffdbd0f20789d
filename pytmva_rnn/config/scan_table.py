"""The table [scan] of the configuration: lists of values for options, of which all combinations are trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytmva_rnn.config.checking import within
from pytmva_rnn.errors import ConfigError
from pytmva_rnn.options.varied import read_value

__all__ = ["scan_config"]


def scan_config(table: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """From the table [scan], `LearningRate = [1e-3, 3e-3]`.

    Raises
    ------
    ConfigError
        For what is no list, an unknown option, and a value that it cannot have.
    """
    found: dict[str, tuple[Any, ...]] = {}
    for name, values in table.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(f"[scan] {name} is a list of values, not {values!r}")
        spelled = {within("[scan]", read_value, name, value)[0] for value in values}.pop()
        if spelled in found:
            raise ConfigError(f"[scan] {spelled} stands twice")
        found[spelled] = tuple(values)
    return found
