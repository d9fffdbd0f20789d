"""Input variables, spectators and targets as the weight file describes them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Variable"]


@dataclass(frozen=True)
class Variable:
    """An input variable, spectator or target as the weight file describes it."""

    expression: str
    label: str
    title: str
    unit: str = ""
    internal: str = ""
    type: str = "F"
    min: float = 0.0
    max: float = 0.0
