"""Arithmetic over the branches of an event: what a selection, a weight or an input may say."""

from __future__ import annotations

from pytmva_rnn.formula.expressions import Columns, Expression

__all__ = ["Columns", "Expression"]
